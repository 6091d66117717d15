"""Column lineage of single queries: what makes a value, what only chooses rows, and what cannot be told."""

from __future__ import annotations

import pytest

from assay.gold.select_lineage import LineageUnknown, Role, lineage_of, through

TABLES = {"silver.f": ["a", "b", "d", "t"], "silver.g": ["a", "n"], "gold.undescribed": []}


def columns(sql: str) -> dict[str, str]:
    """For each column of a query, its uses in short: `f.a:identity`."""
    found = lineage_of(sql, TABLES)
    spelled = {name: uses for name, uses in [*found.columns.items(), ("*", found.rows)] if uses or name != "*"}
    return {
        name: " ".join(f"{use.table.removeprefix('silver.')}.{use.column}:{use.role}" for use in sorted(uses))
        for name, uses in spelled.items()
    }


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("select a, b + 1 as c from silver.f", {"a": "f.a:identity", "c": "f.b:transformation"}),
        ('select "A", "b" as x from "base"."silver"."F"', {"a": "f.a:identity", "x": "f.b:identity"}),
        ("select sum(a) as s, count(*) as n from silver.f", {"s": "f.a:aggregation", "n": ""}),
        ("select a from silver.f where b > 1", {"a": "f.a:identity", "*": "f.b:filter"}),
        ("select f.a from silver.f join silver.g on f.b = g.a", {"a": "f.a:identity", "*": "f.b:join g.a:join"}),
        ("select n from silver.f join silver.g using (a)", {"n": "g.n:identity", "*": "f.a:join g.a:join"}),
        ("select a, max(b) as m from silver.f group by 1", {"a": "f.a:identity", "m": "f.b:aggregation", "*": "f.a:group by"}),
        ("select a, max(b) as m from silver.f group by all", {"a": "f.a:identity", "m": "f.b:aggregation", "*": "f.a:group by"}),
        ("select max(b) as m from silver.f group by a having max(d) > 1", {"m": "f.b:aggregation", "*": "f.a:group by f.d:filter"}),
        ("select distinct a from silver.f", {"a": "f.a:identity", "*": "f.a:group by"}),
        ("select a as x from silver.f order by x, d limit 1", {"x": "f.a:identity", "*": "f.a:sort f.d:sort"}),
        ("select count(*) filter (where b > 1) as n from silver.f", {"n": "f.b:condition"}),
        ("select case when b > 1 then d end as c from silver.f", {"c": "f.b:condition f.d:transformation"}),
        ("select case b when 1 then d else t end as c from silver.f", {"c": "f.b:condition f.d:transformation f.t:transformation"}),
        ("select sum(a) over (partition by b order by d) as s from silver.f", {"s": "f.a:aggregation f.b:window f.d:window"}),
        ("select sum(a) over w as s from silver.f window w as (partition by b)", {"s": "f.a:aggregation f.b:window"}),
        ("select a from silver.f qualify row_number() over (order by d) = 1", {"a": "f.a:identity", "*": "f.d:filter"}),
        ("select string_agg(a order by d) as s from silver.f", {"s": "f.a:aggregation f.d:sort"}),
        ("with q as (select a + b as x from silver.f) select x * 2 as y from q", {"y": "f.a:transformation f.b:transformation"}),
        ("with q as (select a, b from silver.f where d > 1) select a from q", {"a": "f.a:identity", "*": "f.d:filter"}),
        (
            "with q as (select * exclude (t) from silver.f) select * from q",
            {"a": "f.a:identity", "b": "f.b:identity", "d": "f.d:identity"},
        ),
        ("select a from silver.f union all select n from silver.g", {"a": "f.a:identity g.n:identity"}),
        (
            "select a, b from silver.f union all by name select n as b, a from silver.g",
            {"a": "f.a:identity g.a:identity", "b": "f.b:identity g.n:identity"},
        ),
        ("select (select max(n) from silver.g where g.a = f.a) as m from silver.f", {"m": "f.a:filter g.a:filter g.n:aggregation"}),
        (
            "select a from silver.f where exists (select 1 from silver.g where g.a = f.b)",
            {"a": "f.a:identity", "*": "f.b:filter g.a:filter"},
        ),
        ("select a from silver.f where b in (select n from silver.g)", {"a": "f.a:identity", "*": "f.b:filter g.n:filter"}),
        ("select a from silver.f semi join silver.g using (a)", {"a": "f.a:identity", "*": "f.a:join g.a:join"}),
        ("select list_filter([a], lambda x: x > b) as l from silver.f", {"l": "f.a:transformation f.b:transformation"}),
        ("select a from silver.f, range(3) as r(i)", {"a": "f.a:identity"}),
    ],
)  # fmt: skip
def test_each_use_has_its_role(sql: str, wanted: dict[str, str]) -> None:
    assert columns(sql) == wanted


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        pytest.param("selekt a from", "cannot read it|no plain SELECT", id="no-sql"),
        pytest.param("pivot silver.f on a using sum(b)", "no plain SELECT", id="pivot"),
        pytest.param("select * from (pivot silver.f on a using sum(b))", "no plain SELECT", id="pivot-inside"),
        pytest.param(
            "with recursive r as (select a from silver.f union all select a + 1 from r) select a from r", "no plain SELECT", id="recursion"
        ),
        pytest.param("select columns(*) from silver.f", "a table that nobody describes", id="columns"),
        pytest.param("select * from silver.unknown", "a table that nobody describes", id="star-of-an-unknown-table"),
        pytest.param("select nothing from silver.f", "does not say where the column nothing comes from", id="unknown-column"),
        pytest.param("select f from silver.f", "uses the rows of 'f' as values", id="whole-rows"),
        pytest.param("select u.x from silver.f cross join unnest([b]) as u(x)", "reads from UNNEST", id="unnest"),
    ],
)
def test_what_cannot_be_traced_is_an_error_and_never_left_out(sql: str, why: str) -> None:
    with pytest.raises(LineageUnknown, match=why):
        lineage_of(sql, TABLES)


def test_an_indirect_step_makes_a_way_indirect() -> None:
    assert through(Role.IDENTITY, Role.AGGREGATION) is through(Role.AGGREGATION, Role.TRANSFORMATION) is Role.AGGREGATION
    assert through(Role.FILTER, Role.IDENTITY) is through(Role.IDENTITY, Role.FILTER) is Role.FILTER
