with

-- the days before the window are read too: its first days rank carriers by a week that began earlier
punctuality as (

    select * from {{ ref('carrier_punctuality_daily') }}
    where {{ in_reach('flight_date') }}

),

rolling as (

    select
        flight_month,
        flight_date,
        carrier,
        carrier_name,
        sum(flights) over week as flights_7d,
        sum(departed_on_time) over week as on_time_7d,
        sum(departed) over week as departed_7d
    from punctuality
    window week as (
        partition by carrier
        order by flight_date
        range between interval 6 days preceding and current row
    )

),

shares as (

    select
        *,
        on_time_7d / nullif(departed_7d, 0) as on_time_share_7d
    from rolling
    where {{ in_window('flight_date') }}

),

final as (

    select
        flight_month,
        flight_date,
        carrier,
        carrier_name,
        cast(flights_7d as bigint) as flights_7d,
        cast(departed_7d as bigint) as departed_7d,
        cast(on_time_7d as bigint) as on_time_7d,
        on_time_share_7d,
        dense_rank() over (
            partition by flight_date
            order by on_time_share_7d desc nulls last, carrier asc
        ) as carrier_rank
    from shares

)

select * from final
