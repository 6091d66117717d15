-- No flight was lost and none counted twice: a contract cannot say it, because it looks into the rows of another table.
{{ test_adds_up_to_source(
    model=ref('carrier_punctuality_daily'), measure='sum(flights)', source_table=source('silver', 'flights'), event_time='flight_date'
) }}
