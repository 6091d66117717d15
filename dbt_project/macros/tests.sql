{#- The rules that models are judged by. Each looks at the rows of the window only: those outside were judged when they were published,
    and none of these rules can be broken by two rows of different windows.

    The first four are what a contract is compiled to; `broken_rules` are the names of its rules. With a `mapping` (column: SQL) they judge
    the rows of an older major version, which is computed from the model. -#}

{% test unique_grain(model, columns, event_time, mapping=none) %}
    {%- set key = quoted(columns) | join(', ') %}
    select
        {{ key }},
        count(*) as rows_of_one_key,
        ['unique_grain'] as broken_rules
    from ({{ rows_of_window(model, event_time, mapping) }})
    group by {{ key }}
    having count(*) > 1
{% endtest %}


{% test rows_satisfy(model, rules, event_time, mapping=none) %}
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
                lambda __assay_rule: __assay_rule is not null
            ) as broken_rules
        from ({{ rows_of_window(model, event_time, mapping) }})
    )

    select * from judged
    where len(broken_rules) > 0
{% endtest %}


{% test months_satisfy(model, rules, event_time, mapping=none) %}
    {#- What is measured of each month keeps its bounds (name: value, holds, where). Where there is nothing to measure nothing is broken;
        only rows are counted in every month of the window, also in one that has none. -#}
    with asked as (
        {{ rows_of_window(model, event_time, mapping) }}
    )

    {%- for name, rule in rules.items() %}
    {{ "union all" if not loop.first }}
    select
        month_of_event,
        '{{ name }}' as rule,
        value,
        ['{{ name }}'] as broken_rules
    from (
        {%- if rule.counts_rows and event_time is none %}
        select
            cast(null as date) as month_of_event,
            count(*) as value
        from asked
        {%- elif rule.counts_rows and window() is not none %}
        select
            months.month_of_event,
            count(asked.month_of_event) as value
        from ({{ months_of_window() }}) as months
        left join asked on months.month_of_event = asked.month_of_event
        group by months.month_of_event
        {%- else %}
        select
            month_of_event,
            cast({{ rule.value }} as double) as value
        from asked
        {{ "where " ~ rule.where if rule.where }}
        group by month_of_event
        {%- endif %}
    )
    where not ({{ rule.holds }})
    {%- endfor %}
{% endtest %}


{% test refers_to(model, rule, columns, to, to_columns, event_time, mapping=none) %}
    {#- Values that are all there are together in another table; where one is missing nothing is broken. -#}
    {%- set columns, to_columns = quoted(columns), quoted(to_columns) %}
    select
        {% for column in columns %}asked.{{ column }}, {% endfor %}
        ['{{ rule }}'] as broken_rules
    from ({{ rows_of_window(model, event_time, mapping) }}) as asked
    left join (select distinct {{ to_columns | join(', ') }} from {{ to }}) as known
        on {% for column in columns %}{{ "and " if not loop.first }}asked.{{ column }} = known.{{ to_columns[loop.index0] }} {% endfor %}
    where
        known.{{ to_columns[0] }} is null
        {%- for column in columns %}
        and asked.{{ column }} is not null
        {%- endfor %}
{% endtest %}


{% macro quoted(names) %}
    {#- Names of columns as SQL takes them, whatever words they are. -#}
    {%- set found = [] -%}
    {%- for name in names -%}
        {%- do found.append(adapter.quote(name)) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}


{% macro rows_of_window(model, event_time, mapping) -%}
    {#- Of a table without an event time all rows, as if they were of one month. -#}
    {%- set moment = none if event_time is none else adapter.quote(event_time) -%}
    select
        {% for name, sql in (mapping or {}).items() %}{{ sql }} as {{ adapter.quote(name) }}, {% else %}*, {% endfor -%}
        {{ "cast(null as date)" if moment is none else "cast(date_trunc('month', " ~ moment ~ ") as date)" }} as month_of_event
    from (select * from {{ model }} where {{ "true" if moment is none else in_window(moment) }})
{%- endmacro %}


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
