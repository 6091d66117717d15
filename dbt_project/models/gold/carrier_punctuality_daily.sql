with

flights as (

    select * from {{ source('silver', 'flights') }}
    where {{ in_window('flight_date') }}

),

airlines as (

    select * from {{ source('silver', 'airlines') }}

),

daily as (

    select
        flight_date,
        carrier,
        count(*) as flights,
        count(*) filter (where is_cancelled) as cancelled,
        count(*) filter (where is_diverted) as diverted,
        count(actual_departure_utc) as departed,
        count(actual_departure_utc) filter (where dep_delay_minutes < 15) as departed_on_time,
        avg(dep_delay_minutes) as mean_dep_delay_minutes,
        quantile_cont(dep_delay_minutes, [0.5, 0.95]) as dep_delay_quantiles
    from flights
    group by flight_date, carrier

),

final as (

    select
        cast(date_trunc('month', daily.flight_date) as date) as flight_month,
        daily.flight_date,
        daily.carrier,
        airlines.name as carrier_name,
        daily.flights,
        daily.cancelled,
        daily.diverted,
        daily.departed,
        daily.departed_on_time,
        daily.departed_on_time / nullif(daily.departed, 0) as on_time_share,
        daily.mean_dep_delay_minutes,
        daily.dep_delay_quantiles[1] as median_dep_delay_minutes,
        daily.dep_delay_quantiles[2] as p95_dep_delay_minutes
    from daily
    left join airlines on daily.carrier = airlines.carrier

)

select * from final
