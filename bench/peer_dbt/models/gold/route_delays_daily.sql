with daily as (

    select
        flight_date, origin, dest, max(distance_miles) as distance_miles, count(*) as flights,
        count(*) filter (where is_cancelled) as cancelled, avg(dep_delay_minutes) as mean_dep_delay_minutes,
        median(dep_delay_minutes) as median_dep_delay_minutes, quantile_cont(dep_delay_minutes, 0.95) as p95_dep_delay_minutes,
        avg(arr_delay_minutes) as mean_arr_delay_minutes, median(arr_delay_minutes) as median_arr_delay_minutes,
        quantile_cont(arr_delay_minutes, 0.95) as p95_arr_delay_minutes
    from {{ ref('flights') }}
    {% if is_incremental() %} where {{ month('flight_date') }} {% endif %}
    group by flight_date, origin, dest

)

select
    cast(date_trunc('month', flight_date) as date) as flight_month, flight_date, origin, dest, airports.name as dest_name,
    distance_miles, flights, cancelled, mean_dep_delay_minutes, median_dep_delay_minutes, p95_dep_delay_minutes,
    mean_arr_delay_minutes, median_arr_delay_minutes, p95_arr_delay_minutes
from daily
left join {{ ref('airports') }} as airports on dest = airport
