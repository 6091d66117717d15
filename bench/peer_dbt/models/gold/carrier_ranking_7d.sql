with rolling as (

    select
        flight_month, flight_date, carrier, carrier_name,
        cast(sum(flights) over week as bigint) as flights_7d,
        cast(sum(departed) over week as bigint) as departed_7d,
        cast(sum(departed_on_time) over week as bigint) as on_time_7d
    from {{ ref('carrier_punctuality_daily') }}
    {% if is_incremental() %} where {{ month('flight_date', before=6) }} {% endif %}
    window week as (partition by carrier order by flight_date range between interval 6 days preceding and current row)

),

shares as (

    select *, on_time_7d / nullif(departed_7d, 0) as on_time_share_7d
    from rolling
    {% if is_incremental() %} where {{ month('flight_date') }} {% endif %}

)

select
    *, dense_rank() over (partition by flight_date order by on_time_share_7d desc nulls last, carrier) as carrier_rank
from shares
