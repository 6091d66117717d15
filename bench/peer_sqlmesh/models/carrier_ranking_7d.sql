MODEL (
    name gold.carrier_ranking_7d,
    kind INCREMENTAL_BY_TIME_RANGE (time_column flight_month),
    cron '@monthly',
    end '2013-12-31'
);

WITH rolling AS (
    SELECT
        flight_month, flight_date, carrier, carrier_name,
        CAST(SUM(flights) OVER week AS BIGINT) AS flights_7d,
        CAST(SUM(departed) OVER week AS BIGINT) AS departed_7d,
        CAST(SUM(departed_on_time) OVER week AS BIGINT) AS on_time_7d
    FROM gold.carrier_punctuality_daily
    WHERE flight_date BETWEEN @start_date - INTERVAL 6 DAY AND @end_date
    WINDOW week AS (PARTITION BY carrier ORDER BY flight_date RANGE BETWEEN INTERVAL 6 DAY PRECEDING AND CURRENT ROW)
), shares AS (
    SELECT *, on_time_7d / NULLIF(departed_7d, 0) AS on_time_share_7d
    FROM rolling
    WHERE flight_date BETWEEN @start_date AND @end_date
)

SELECT
    flight_month, flight_date, carrier, carrier_name, flights_7d, departed_7d, on_time_7d, on_time_share_7d,
    DENSE_RANK() OVER (PARTITION BY flight_date ORDER BY on_time_share_7d DESC NULLS LAST, carrier) AS carrier_rank
FROM shares
