MODEL (
    name silver.flights,
    kind INCREMENTAL_BY_TIME_RANGE (time_column flight_date),
    end '2013-12-31'
);

WITH landed AS (
    SELECT
        *,
        MAKE_DATE("year", "month", "day") AS flight_date,
        CAST(time_hour AS TIMESTAMPTZ) + TO_MINUTES("minute") AS scheduled_departure_utc
    FROM read_csv(@landing || '/flights/*.csv', header = true, nullstr = ['NA', ''], auto_detect = false, filename = true,
        columns = {'year': 'INTEGER', 'month': 'INTEGER', 'day': 'INTEGER', 'dep_time': 'INTEGER', 'sched_dep_time': 'INTEGER',
        'dep_delay': 'INTEGER', 'arr_time': 'INTEGER', 'sched_arr_time': 'INTEGER', 'arr_delay': 'INTEGER', 'carrier': 'VARCHAR',
        'flight': 'INTEGER', 'tailnum': 'VARCHAR', 'origin': 'VARCHAR', 'dest': 'VARCHAR', 'air_time': 'INTEGER',
        'distance': 'INTEGER', 'hour': 'INTEGER', 'minute': 'INTEGER', 'time_hour': 'VARCHAR'})
    WHERE filename >= @landing || '/flights/flights_' || @start_ds
        AND filename <= @landing || '/flights/flights_' || CAST(@end_date + INTERVAL 1 DAY AS DATE) || '~'
), newest AS (
    SELECT *
    FROM landed
    WHERE flight_date BETWEEN @start_date AND @end_date
    QUALIFY filename = MAX(filename) OVER (PARTITION BY flight_date, carrier, flight, origin)
)

SELECT
    flight_date, carrier, flight, origin, dest, tailnum, scheduled_departure_utc,
    CASE WHEN NOT dep_time IS NULL THEN scheduled_departure_utc + TO_MINUTES(dep_delay) END AS actual_departure_utc,
    dep_delay AS dep_delay_minutes, arr_delay AS arr_delay_minutes, air_time AS air_time_minutes, distance AS distance_miles,
    dep_time IS NULL AS is_cancelled, NOT dep_time IS NULL AND arr_delay IS NULL AS is_diverted
FROM newest
WHERE carrier IN (SELECT carrier FROM silver.airlines)
    AND origin IN (SELECT airport FROM silver.airports)
    AND dest IN (SELECT airport FROM silver.airports)
