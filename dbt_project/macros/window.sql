{#- The window that a build owns: [window_start, window_end), ISO dates, whole months. Without the two variables a build owns everything.
    Only bodies may ask: dbt keeps what config() said when it parsed the project. -#}

{% macro window() %}
    {%- set start, end = var('window_start', none), var('window_end', none) -%}
    {%- if start is none and end is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- if start is none or end is none -%}
        {%- do exceptions.raise_compiler_error("Give both window_start and window_end, or neither.") -%}
    {%- endif -%}
    {%- set start, end = start | string, end | string -%}
    {%- set iso = modules.re.compile("^[0-9]{4}-[0-9]{2}-01$") -%}
    {%- if not iso.match(start) or not iso.match(end) or start >= end -%}
        {%- do exceptions.raise_compiler_error(
            "The window [" ~ start ~ ", " ~ end ~ ") is not one of whole months. Give the first day of a month (2013-06-01), start before end."
        ) -%}
    {%- endif -%}
    {{ return({'start': start, 'end': end}) }}
{% endmacro %}


{% macro in_window(column) -%}
    {#- The rows that the build owns: a predicate on a date or a timestamp (UTC). -#}
    {{ between_days(column, 0, 0) }}
{%- endmacro %}


{% macro in_reach(column) -%}
    {#- The rows that the model reads: the window, widened by the `lookback_days` and `lookahead_days` of its meta. -#}
    {%- set assay = assay_meta() -%}
    {{ between_days(column, assay.get('lookback_days', 0), assay.get('lookahead_days', 0)) }}
{%- endmacro %}


{% macro between_days(column, before, after) -%}
    {%- set window = window() -%}
    {%- if window is none -%}
        true
    {%- else -%}
        ({{ column }} >= date '{{ window.start }}' - {{ before }} and {{ column }} < date '{{ window.end }}' + {{ after }})
    {%- endif -%}
{%- endmacro %}


{% macro assay_meta() %}
    {#- What a model's properties tell the engine. Empty while dbt parses: properties are applied afterwards. -#}
    {%- set meta = config.get('meta') or {} -%}
    {{ return(meta.get('assay', {})) }}
{% endmacro %}


{% macro months_of_window() -%}
    {#- The first days of the months that the build owns. -#}
    select cast(unnest(range(date '{{ window().start }}', date '{{ window().end }}', interval 1 month)) as date) as month_of_event
{%- endmacro %}
