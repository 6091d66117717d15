-- No flight was lost and none counted twice: a contract cannot say it, because it looks into the rows of another table.
{{ test_adds_up_to_source(
    model=ref('departures_weather'), measure='count(*)', source_table=source('silver', 'flights'), event_time='flight_date'
) }}
