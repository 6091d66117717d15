with

flights as (

    select * from {{ source('silver', 'flights') }}
    where {{ in_window('flight_date') }}

),

-- by the hour, not by the month of the weather: the last evening of a month in New York is the next month in UTC
weather as (

    select * from {{ source('silver', 'weather') }}
    where {{ in_reach('observed_at_utc') }}

),

departures as (

    select
        *,
        time_bucket(interval 1 hour, coalesce(actual_departure_utc, scheduled_departure_utc)) as departure_hour_utc
    from flights

),

final as (

    select
        cast(date_trunc('month', departures.flight_date) as date) as flight_month,
        departures.flight_date,
        departures.carrier,
        departures.flight,
        departures.origin,
        departures.dest,
        departures.departure_hour_utc,
        departures.dep_delay_minutes,
        departures.is_cancelled,
        weather.observed_at_utc is not null as has_weather,
        weather.temperature_fahrenheit,
        weather.dew_point_fahrenheit,
        weather.relative_humidity_percent,
        weather.wind_direction_degrees,
        weather.wind_speed_mph,
        weather.wind_gust_mph,
        weather.precipitation_inches,
        weather.pressure_millibars,
        weather.visibility_miles
    from departures
    left join weather
        on departures.origin = weather.origin and departures.departure_hour_utc = weather.observed_at_utc

)

select * from final
