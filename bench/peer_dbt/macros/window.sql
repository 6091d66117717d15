{#- What an incremental run makes again: the day of `--vars`, the days of its months, the files that may hold a day. -#}

{% macro landed(dataset, files) -%}
    '{{ env_var("PEER_LANDING") }}/{{ dataset }}/{{ files }}'
{%- endmacro %}

{% macro days(column) -%}
    {{ column }} = date '{{ var("day") }}'
{%- endmacro %}

{% macro month(column, before=0) -%}
    {{ column }} >= date_trunc('month', date '{{ var("day") }}') - interval {{ before }} day
    and {{ column }} < date_trunc('month', date '{{ var("day") }}') + interval 1 month
{%- endmacro %}

{% macro generate_schema_name(name, node) -%}
    {{ name }}
{%- endmacro %}
