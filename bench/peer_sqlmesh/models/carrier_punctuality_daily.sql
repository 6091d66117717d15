MODEL (
    name gold.carrier_punctuality_daily,
    kind INCREMENTAL_BY_TIME_RANGE (time_column flight_month),
    cron '@monthly',
    end '2013-12-31'
);

WITH daily AS (
    SELECT
        flight_date, carrier, COUNT(*) AS flights, COUNT(*) FILTER (WHERE is_cancelled) AS cancelled,
        COUNT(*) FILTER (WHERE is_diverted) AS diverted, COUNT(actual_departure_utc) AS departed,
        COUNT(actual_departure_utc) FILTER (WHERE dep_delay_minutes < 15) AS departed_on_time,
        AVG(dep_delay_minutes) AS mean_dep_delay_minutes, CAST(MEDIAN(dep_delay_minutes) AS DOUBLE) AS median_dep_delay_minutes,
        CAST(QUANTILE_CONT(dep_delay_minutes, 0.95) AS DOUBLE) AS p95_dep_delay_minutes
    FROM silver.flights
    WHERE flight_date BETWEEN @start_date AND @end_date
    GROUP BY flight_date, carrier
)

SELECT
    CAST(DATE_TRUNC('month', flight_date) AS DATE) AS flight_month, flight_date, daily.carrier, airlines.name AS carrier_name,
    flights, cancelled, diverted, departed, departed_on_time, departed_on_time / NULLIF(departed, 0) AS on_time_share,
    mean_dep_delay_minutes, median_dep_delay_minutes, p95_dep_delay_minutes
FROM daily
LEFT JOIN silver.airlines AS airlines ON daily.carrier = airlines.carrier
