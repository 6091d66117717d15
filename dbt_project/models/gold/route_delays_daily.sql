with

flights as (

    select * from {{ source('silver', 'flights') }}
    where {{ in_window('flight_date') }}

),

airports as (

    select * from {{ source('silver', 'airports') }}

),

daily as (

    select
        flight_date,
        origin,
        dest,
        max(distance_miles) as distance_miles,
        count(*) as flights,
        count(*) filter (where is_cancelled) as cancelled,
        avg(dep_delay_minutes) as mean_dep_delay_minutes,
        quantile_cont(dep_delay_minutes, [0.5, 0.95]) as dep_delay_quantiles,
        avg(arr_delay_minutes) as mean_arr_delay_minutes,
        quantile_cont(arr_delay_minutes, [0.5, 0.95]) as arr_delay_quantiles
    from flights
    group by flight_date, origin, dest

),

final as (

    select
        cast(date_trunc('month', daily.flight_date) as date) as flight_month,
        daily.flight_date,
        daily.origin,
        daily.dest,
        airports.name as dest_name,
        daily.distance_miles,
        daily.flights,
        daily.cancelled,
        daily.mean_dep_delay_minutes,
        daily.dep_delay_quantiles[1] as median_dep_delay_minutes,
        daily.dep_delay_quantiles[2] as p95_dep_delay_minutes,
        daily.mean_arr_delay_minutes,
        daily.arr_delay_quantiles[1] as median_arr_delay_minutes,
        daily.arr_delay_quantiles[2] as p95_arr_delay_minutes
    from daily
    left join airports on daily.dest = airports.airport

)

select * from final
