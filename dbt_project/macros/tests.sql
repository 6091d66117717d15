{#- The rules that models are judged by. Each looks at the rows of the window only: those outside were judged when they were published,
    and none of these rules can be broken by two rows of different windows. -#}

{% test unique_grain(model, columns, event_time) %}
    select
        {{ columns | join(', ') }},
        count(*) as rows_of_one_key
    from {{ model }}
    where {{ in_window(event_time) }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}


{% test rows_satisfy(model, rules, event_time) %}
    {#- Every row satisfies every rule (name: expression); a rule that is null for a row does not judge it, as in a CHECK constraint. -#}
    with judged as (
        select
            *,
            list_filter(
                [
                    {%- for name, rule in rules.items() %}
                    case when not ({{ rule }}) then '{{ name }}' end{{ "," if not loop.last }}
                    {%- endfor %}
                ],
                lambda rule: rule is not null
            ) as broken_rules
        from {{ model }}
        where {{ in_window(event_time) }}
    )

    select * from judged
    where len(broken_rules) > 0
{% endtest %}


{% test adds_up_to_source(model, measure, source_table, event_time) %}
    {#- For each day, `measure` over the model equals the number of source rows: nothing was lost, and no join made rows twice. -#}
    with found as (
        select {{ event_time }} as day, {{ measure }} as total
        from {{ model }}
        where {{ in_window(event_time) }}
        group by {{ event_time }}
    ),

    wanted as (
        select {{ event_time }} as day, count(*) as total
        from {{ source_table }}
        where {{ in_window(event_time) }}
        group by {{ event_time }}
    )

    select
        day,
        found.total as found,
        wanted.total as wanted
    from found
    full outer join wanted using (day)
    where found.total is distinct from wanted.total
{% endtest %}
