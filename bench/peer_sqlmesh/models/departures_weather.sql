MODEL (
    name gold.departures_weather,
    kind INCREMENTAL_BY_TIME_RANGE (time_column flight_month),
    cron '@monthly',
    end '2013-12-31'
);

WITH flights AS (
    SELECT *, TIME_BUCKET(INTERVAL 1 HOUR, COALESCE(actual_departure_utc, scheduled_departure_utc)) AS departure_hour_utc
    FROM silver.flights
    WHERE flight_date BETWEEN @start_date AND @end_date
)

SELECT
    CAST(DATE_TRUNC('month', flight_date) AS DATE) AS flight_month, flight_date, carrier, flight, flights.origin, dest,
    departure_hour_utc, dep_delay_minutes, is_cancelled, NOT observed_at_utc IS NULL AS has_weather, temperature_fahrenheit,
    dew_point_fahrenheit, relative_humidity_percent, wind_direction_degrees, wind_speed_mph, wind_gust_mph, precipitation_inches,
    pressure_millibars, visibility_miles
FROM flights
LEFT JOIN silver.weather AS weather ON flights.origin = weather.origin AND departure_hour_utc = observed_at_utc
