MODEL (
    name gold.route_delays_daily,
    kind INCREMENTAL_BY_TIME_RANGE (time_column flight_month),
    cron '@monthly',
    end '2013-12-31'
);

WITH daily AS (
    SELECT
        flight_date, origin, dest, MAX(distance_miles) AS distance_miles, COUNT(*) AS flights,
        COUNT(*) FILTER (WHERE is_cancelled) AS cancelled, AVG(dep_delay_minutes) AS mean_dep_delay_minutes,
        CAST(MEDIAN(dep_delay_minutes) AS DOUBLE) AS median_dep_delay_minutes,
        CAST(QUANTILE_CONT(dep_delay_minutes, 0.95) AS DOUBLE) AS p95_dep_delay_minutes,
        AVG(arr_delay_minutes) AS mean_arr_delay_minutes, CAST(MEDIAN(arr_delay_minutes) AS DOUBLE) AS median_arr_delay_minutes,
        CAST(QUANTILE_CONT(arr_delay_minutes, 0.95) AS DOUBLE) AS p95_arr_delay_minutes
    FROM silver.flights
    WHERE flight_date BETWEEN @start_date AND @end_date
    GROUP BY flight_date, origin, dest
)

SELECT
    CAST(DATE_TRUNC('month', flight_date) AS DATE) AS flight_month, flight_date, origin, dest, airports.name AS dest_name,
    distance_miles, flights, cancelled, mean_dep_delay_minutes, median_dep_delay_minutes, p95_dep_delay_minutes,
    mean_arr_delay_minutes, median_arr_delay_minutes, p95_arr_delay_minutes
FROM daily
LEFT JOIN silver.airports AS airports ON dest = airports.airport
