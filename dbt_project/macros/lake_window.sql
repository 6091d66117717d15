{#- Builds the rows of the window as a table in the schema `staged`, and makes the model a view: the published rows outside the window plus
    the staged ones. So tests and downstream models see the table as it would look after publishing, and nothing is published yet. -#}

{% materialization lake_window, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}
    {%- set staged = api.Relation.create(database=this.database, schema='staged', identifier=this.identifier, type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set assay = assay_meta() -%}
    {%- if 'event_time' not in assay or 'partition_by' not in assay -%}
        {%- do exceptions.raise_compiler_error(
            model.name ~ " has no contract. Write gold/" ~ model.name ~ ".odcs.yaml in the folder of the contracts, then run"
            ~ " `assay contracts compile`."
        ) -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% call statement('clear') -%}
        drop table if exists {{ staged }};
        {% if existing is not none and not existing.is_view -%}
        drop table {{ existing }};
        {%- endif %}
    {%- endcall %}

    {% call statement('main') -%}
        {{ create_table_as(False, staged, compiled_code) }}
    {%- endcall %}

    {%- set rows = refuse_rows_outside(staged, assay.event_time, assay.partition_by) -%}

    {% call statement('show') -%}
        create or replace view {{ target }} as
        {% if window() is not none and is_published(this.identifier) -%}
        select * from {{ adapter.quote('published') }}.{{ adapter.quote(this.identifier) }}
        where not coalesce({{ in_window(adapter.quote(assay.event_time)) }}, false)
        union all by name
        {%- endif %}
        select * from {{ staged }}
    {%- endcall %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(target, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {% do store_raw_result('main', message=rows ~ ' rows', code='OK', rows_affected=rows) %}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% macro refuse_rows_outside(staged, event_time, partition_by) %}
    {#- How many rows were built; an error when some of them are not in the window, or in another partition than their event time.
        A table without an event time is built whole: nothing can be outside. -#}
    {%- if event_time is none -%}
        {{ return(run_query("select count(*) from " ~ staged).rows[0][0] | int) }}
    {%- endif -%}
    {%- set moment, partition = adapter.quote(event_time), adapter.quote(partition_by) -%}
    {%- set found = run_query(
        "select count(*), count(*) filter (where not coalesce(" ~ in_window(moment) ~ " and " ~ partition
        ~ " = date_trunc('month', " ~ moment ~ "), false)) from " ~ staged
    ).rows[0] -%}
    {%- if found[1] > 0 -%}
        {%- set window = window() -%}
        {%- do exceptions.raise_compiler_error(
            found[1] ~ " of " ~ found[0] ~ " rows of " ~ model.name ~ " are outside the window"
            ~ (" [" ~ window.start ~ ", " ~ window.end ~ ")" if window else "") ~ " or in the wrong " ~ partition_by
            ~ ". Filter the inputs by in_window() or in_reach(), and the result by in_window()."
        ) -%}
    {%- endif -%}
    {{ return(found[0] | int) }}
{% endmacro %}


{% macro is_published(name) %}
    {%- set found = run_query("select 1 from duckdb_views() where schema_name = 'published' and view_name = '" ~ name ~ "'") -%}
    {{ return(found.rows | length > 0) }}
{% endmacro %}
