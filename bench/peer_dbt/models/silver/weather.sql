{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='observed_month') }}

with observed as (

    select
        *,
        cast(date_trunc('month', timezone('America/New_York', time_hour)) as date) as observed_month,
        row_number() over () as line
    from read_json(
        {% if is_incremental() -%}
        {{ landed('weather', 'weather_' ~ var('day')[:7] ~ '-*.jsonl') }},
        {%- else -%}
        {{ landed('weather', '*.jsonl') }},
        {%- endif %}
        format = 'newline_delimited',
        columns = {
            'origin': 'VARCHAR', 'time_hour': 'TIMESTAMPTZ', 'temp': 'DOUBLE', 'dewp': 'DOUBLE', 'humid': 'DOUBLE',
            'wind_dir': 'INTEGER', 'wind_speed': 'DOUBLE', 'wind_gust': 'DOUBLE', 'precip': 'DOUBLE', 'pressure': 'DOUBLE',
            'visib': 'DOUBLE'
        }
    )

)

select
    observed_month, origin, time_hour as observed_at_utc, temp as temperature_fahrenheit, dewp as dew_point_fahrenheit,
    humid as relative_humidity_percent, wind_dir as wind_direction_degrees, wind_speed as wind_speed_mph, wind_gust as wind_gust_mph,
    precip as precipitation_inches, pressure as pressure_millibars, visib as visibility_miles
from observed
where coalesce(wind_speed, 0) <= 254 and origin in (select airport from {{ ref('airports') }})
    {%- if is_incremental() %} and {{ month('observed_month') }} {%- endif %}
qualify row_number() over (partition by origin, time_hour order by line desc) = 1
