with flights as (

    select *, time_bucket(interval 1 hour, coalesce(actual_departure_utc, scheduled_departure_utc)) as departure_hour_utc
    from {{ ref('flights') }}
    {% if is_incremental() %} where {{ month('flight_date') }} {% endif %}

)

select
    cast(date_trunc('month', flight_date) as date) as flight_month, flight_date, carrier, flight, flights.origin, dest,
    departure_hour_utc, dep_delay_minutes, is_cancelled, observed_at_utc is not null as has_weather, temperature_fahrenheit,
    dew_point_fahrenheit, relative_humidity_percent, wind_direction_degrees, wind_speed_mph, wind_gust_mph, precipitation_inches,
    pressure_millibars, visibility_miles
from flights
left join {{ ref('weather') }} as weather on flights.origin = weather.origin and departure_hour_utc = observed_at_utc
