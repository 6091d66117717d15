MODEL (
    name silver.weather,
    kind INCREMENTAL_BY_TIME_RANGE (time_column observed_month),
    cron '@monthly',
    end '2013-12-31'
);

WITH observed AS (
    SELECT
        *,
        CAST(DATE_TRUNC('month', TIMEZONE('America/New_York', time_hour)) AS DATE) AS observed_month,
        ROW_NUMBER() OVER () AS line
    FROM read_json(@landing || '/weather/*.jsonl', format = 'newline_delimited', filename = true, columns = {'origin': 'VARCHAR',
        'time_hour': 'TIMESTAMPTZ', 'temp': 'DOUBLE', 'dewp': 'DOUBLE', 'humid': 'DOUBLE', 'wind_dir': 'INTEGER',
        'wind_speed': 'DOUBLE', 'wind_gust': 'DOUBLE', 'precip': 'DOUBLE', 'pressure': 'DOUBLE', 'visib': 'DOUBLE'})
    WHERE filename >= @landing || '/weather/weather_' || @start_ds
        AND filename <= @landing || '/weather/weather_' || @end_ds || '~'
)

SELECT
    observed_month, origin, time_hour AS observed_at_utc, temp AS temperature_fahrenheit, dewp AS dew_point_fahrenheit,
    humid AS relative_humidity_percent, wind_dir AS wind_direction_degrees, wind_speed AS wind_speed_mph,
    wind_gust AS wind_gust_mph, precip AS precipitation_inches, pressure AS pressure_millibars, visib AS visibility_miles
FROM observed
WHERE COALESCE(wind_speed, 0) <= 254 AND origin IN (SELECT airport FROM silver.airports)
    AND observed_month BETWEEN @start_date AND @end_date
QUALIFY ROW_NUMBER() OVER (PARTITION BY origin, time_hour ORDER BY line DESC) = 1
