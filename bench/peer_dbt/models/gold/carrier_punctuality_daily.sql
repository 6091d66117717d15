with daily as (

    select
        flight_date, carrier, count(*) as flights, count(*) filter (where is_cancelled) as cancelled,
        count(*) filter (where is_diverted) as diverted, count(actual_departure_utc) as departed,
        count(actual_departure_utc) filter (where dep_delay_minutes < 15) as departed_on_time,
        avg(dep_delay_minutes) as mean_dep_delay_minutes, median(dep_delay_minutes) as median_dep_delay_minutes,
        quantile_cont(dep_delay_minutes, 0.95) as p95_dep_delay_minutes
    from {{ ref('flights') }}
    {% if is_incremental() %} where {{ month('flight_date') }} {% endif %}
    group by flight_date, carrier

)

select
    cast(date_trunc('month', flight_date) as date) as flight_month, flight_date, carrier, airlines.name as carrier_name, flights,
    cancelled, diverted, departed, departed_on_time, departed_on_time / nullif(departed, 0) as on_time_share, mean_dep_delay_minutes,
    median_dep_delay_minutes, p95_dep_delay_minutes
from daily
left join {{ ref('airlines') }} as airlines using (carrier)
