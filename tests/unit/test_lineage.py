"""What a changed column reaches through models and tests, over a manifest made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from evolving import ORDERS, of_column, of_contract, of_rule, with_column, without_column
from evolving import make as column

from assay.contracts.compatibility.comparison import compare
from assay.contracts.model.contract import Kind, Rule, Severity
from assay.gold.impact import impact
from assay.gold.lineage import Node, Reached, downstream, nodes_of
from assay.gold.select_lineage import Role

MODELS = {
    "sales": (
        "select order_date as day, sum(amount) as total, count(*) as orders from silver.orders where state = 'paid' group by 1",
        ["silver.orders"],
    ),
    "weeks": ("select day, sum(total) over (order by day) as running, max(orders) as most from gold.sales group by all", ["gold.sales"]),
    "people": (
        "select c.customer, o.note from silver.customers c join silver.orders o on c.customer = o.customer",
        ["silver.customers", "silver.orders"],
    ),
    "puzzle": ("pivot silver.orders on state using sum(weight)", ["silver.orders"]),
    "later": ("select count(*) as rows from gold.puzzle", ["gold.puzzle"]),
}
COLUMNS = {
    "sales": ["day", "total", "orders"], "weeks": ["day", "running", "most"], "people": ["customer", "note"], "puzzle": ["open", "paid"],
    "later": ["rows"],
}  # fmt: skip
TESTS = {"sales_add_up": ("select * from gold.sales where total < 0", ["gold.sales"])}


def manifest() -> tuple[dict[str, Any], dict[str, str]]:
    tables = {"silver.orders": [one.name for one in ORDERS.columns], "silver.customers": ["customer"]}
    ids = {f"gold.{name}": f"model.shop.{name}" for name in MODELS} | {name: f"source.shop.{name}" for name in tables}
    nodes: dict[str, Any] = {}
    for kind, found in (("model", MODELS), ("test", TESTS)):
        for name, (_, reads) in found.items():
            nodes[f"{kind}.shop.{name}"] = {
                "name": name, "resource_type": kind, "schema": "gold", "alias": name, "config": {"enabled": True},
                "columns": dict.fromkeys(COLUMNS.get(name, [])), "depends_on": {"nodes": [ids[one] for one in reads]},
            }  # fmt: skip
    sources = {
        ids[name]: {"name": name[7:], "schema": "silver", "identifier": name[7:], "columns": dict.fromkeys(of)}
        for name, of in tables.items()
    }
    compiled = {f"{kind}.shop.{name}": sql for kind, found in (("model", MODELS), ("test", TESTS)) for name, (sql, _) in found.items()}
    exposures = {"exposure.shop.board": {"name": "board", "depends_on": {"nodes": [ids["gold.weeks"]]}}}
    return {"nodes": nodes, "sources": sources, "exposures": exposures}, compiled


@pytest.fixture
def nodes() -> list[Node]:
    return nodes_of(*manifest(), {})


def reached(found: list[Reached]) -> dict[str, str | None]:
    return {f"{one.name}.{one.column}" if one.column else one.name: one.role and str(one.role) for one in found}


UNKNOWN = {"gold/puzzle": None, "gold/later": None}


def test_values_flow_through_models_and_tests(nodes: list[Node]) -> None:
    assert reached(downstream(nodes, "silver/orders", "amount")) == {
        "gold/sales.total": "aggregation", "gold/weeks.running": "aggregation", "sales_add_up": "aggregation", "board": None, **UNKNOWN,
    }  # fmt: skip
    ways = {f"{one.name}.{one.column}": one.way for one in downstream(nodes, "silver/orders", "amount")}
    assert ways["gold/weeks.running"] == ("gold/sales.total",)


def test_a_column_that_is_only_filtered_by_reaches_the_rows(nodes: list[Node]) -> None:
    found = reached(downstream(nodes, "silver/orders", "state"))
    assert found == {"gold/sales": "filter", "gold/weeks": "filter", "sales_add_up": "filter", "board": None, **UNKNOWN}


def test_a_join_reaches_the_rows_and_a_value_is_said_beside_it(nodes: list[Node]) -> None:
    assert reached(downstream(nodes, "silver/customers", "customer")) == {"gold/people.customer": "identity", "gold/people": "join"}


def test_a_model_that_cannot_be_traced_counts_as_a_whole_and_so_do_those_behind_it(nodes: list[Node]) -> None:
    found = {one.name: one for one in downstream(nodes, "silver/orders", "email")}
    assert found.keys() == {"gold/puzzle", "gold/later"}
    assert found["gold/puzzle"].unknown == "it is no plain SELECT."
    assert found["gold/later"].way == ("gold/puzzle",)


def test_a_model_that_dbt_could_not_render_counts_as_a_whole() -> None:
    content, compiled = manifest()
    del compiled["model.shop.people"]
    found = {one.name: one.unknown for one in downstream(nodes_of(content, compiled, {}), "silver/customers", "customer")}
    assert found == {"gold/people": "dbt cannot render it without a lake."}


def test_a_whole_table_reaches_everything_that_reads_it(nodes: list[Node]) -> None:
    assert reached(downstream(nodes, "silver/orders")).keys() == {
        "gold/sales", "gold/people", "gold/puzzle", "gold/weeks", "gold/later", "sales_add_up", "board",
    }  # fmt: skip
    assert downstream(nodes, "silver/nobody") == []


def test_only_changes_that_break_or_show_more_are_followed(nodes: list[Node]) -> None:
    def kinds(*edits: Any) -> dict[str, int]:
        edit = edits[0]
        return {change.kind: len(impact(change, "silver/orders", nodes, {})) for change in compare(ORDERS, edit(ORDERS)).changes}

    assert kinds(of_column("amount", unit="USD"))["unit_changed"] == 6
    assert kinds(of_rule("paid_has_amount", argument="true"))["rule_changed"] == 7
    assert kinds(of_column("email", classification="public")) == {"classification_lowered": 2}
    assert kinds(of_contract(description="x")) == {"reworded": 0}
    assert kinds(with_column(column("gift", required=True))) == {"required_column_added": 0}
    assert kinds(without_column("customer"))["column_removed"] == 3


def test_rules_of_other_contracts_that_look_into_the_column_are_named() -> None:
    one = Rule("order_known", Kind.REFERENCE, Severity.ERROR, "", "number", ("orders", "number"))
    several = replace(one, name="order_fits", column=None, columns=("x", "y"), argument=("orders", ("number", "customer")))
    elsewhere = replace(one, name="customer_known", argument=("customers", "customer"))
    others = {"parcels": of_contract(dataset="parcels", rules=(one, several, elsewhere))(ORDERS), "orders": ORDERS}

    def named(edit: Any) -> list[str]:
        (change,) = compare(ORDERS, edit(ORDERS)).changes
        return [found.name for found in impact(change, "silver/orders", [], others)]

    assert named(of_column("number", physical_type="BIGINT")) == ["parcels.order_known", "parcels.order_fits"]
    assert named(of_column("customer", required=True)) == ["parcels.order_fits"]
    assert named(of_column("state", required=True)) == []
    assert named(of_contract(key=())) == ["parcels.order_known", "parcels.order_fits"]
    assert Role.JOIN in {
        found.role for found in impact(compare(ORDERS, of_contract(key=())(ORDERS)).changes[0], "silver/orders", [], others)
    }
