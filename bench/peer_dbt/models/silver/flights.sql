{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='flight_date') }}

with landed as (

    select
        *,
        make_date("year", "month", "day") as flight_date,
        cast(time_hour as timestamptz) + to_minutes("minute") as scheduled_departure_utc
    from read_csv(
        {% if is_incremental() -%}
        {%- set next = (modules.datetime.date.fromisoformat(var('day')) + modules.datetime.timedelta(days=1)) | string -%}
        [{{ landed('flights', 'flights_' ~ var('day') ~ '*.csv') }}, {{ landed('flights', 'flights_' ~ next ~ '*.csv') }}],
        {%- else -%}
        {{ landed('flights', '*.csv') }},
        {%- endif %}
        header = true, nullstr = ['NA', ''], auto_detect = false, filename = true,
        columns = {
            'year': 'INTEGER', 'month': 'INTEGER', 'day': 'INTEGER', 'dep_time': 'INTEGER', 'sched_dep_time': 'INTEGER',
            'dep_delay': 'INTEGER', 'arr_time': 'INTEGER', 'sched_arr_time': 'INTEGER', 'arr_delay': 'INTEGER', 'carrier': 'VARCHAR',
            'flight': 'INTEGER', 'tailnum': 'VARCHAR', 'origin': 'VARCHAR', 'dest': 'VARCHAR', 'air_time': 'INTEGER',
            'distance': 'INTEGER', 'hour': 'INTEGER', 'minute': 'INTEGER', 'time_hour': 'VARCHAR'
        }
    )

)

select
    flight_date, carrier, flight, origin, dest, tailnum, scheduled_departure_utc,
    case when dep_time is not null then scheduled_departure_utc + to_minutes(dep_delay) end as actual_departure_utc,
    dep_delay as dep_delay_minutes, arr_delay as arr_delay_minutes, air_time as air_time_minutes, distance as distance_miles,
    dep_time is null as is_cancelled, dep_time is not null and arr_delay is null as is_diverted
from landed
where carrier in (select carrier from {{ ref('airlines') }})
    and origin in (select airport from {{ ref('airports') }})
    and dest in (select airport from {{ ref('airports') }})
    {%- if is_incremental() %} and {{ days('flight_date') }} {%- endif %}
qualify row_number() over (partition by flight_date, carrier, flight, origin order by filename desc) = 1
