"""SQL in contracts, read without an engine: the columns of an expression are those that the engine finds, a query is of one shape."""

from __future__ import annotations

import polars as pl
import pytest

from assay.contracts.language.cron import cron_fault
from assay.contracts.language.names import nearest, suggest
from assay.contracts.language.sql import AGGREGATES, NotReadable, Query, columns_in, read_query

KNOWN = ("amount", "state", "placed", "day", "month", "year", "date", "first", "Name", "with space")
EXPRESSIONS = [
    "CONCAT(year, '-', month, '-', day)",
    "state <> 'paid' OR amount IS NOT NULL",
    "CASE WHEN amount > 3 AND state IN ('a', 'b''c') THEN 'x' ELSE state END = 'x'",
    "amount BETWEEN 1 AND 1e3",
    "CAST(amount AS DOUBLE PRECISION) >= 0.5",
    "amount::int > 3",
    "EXTRACT(year FROM placed) = 2024",
    "placed > DATE '2024-01-01'",
    "date = placed",
    "first IS NULL",
    '"with space" = Name',
    "state LIKE 'a%' -- of amount\n AND NOT amount = 1",
    "COALESCE(amount, /* or state */ 0) > -1",
    "LOWER(state) = 'x' AND TRUE",
    "SUBSTRING(state, 1, 3) = 'abc'",
    "no_such_column + amount > 3",
]


@pytest.mark.parametrize("sql", EXPRESSIONS)
def test_the_columns_of_an_expression_are_those_that_the_engine_finds(sql: str) -> None:
    assert set(columns_in(sql, KNOWN)) == set(pl.sql_expr(sql).meta.root_names())


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("", "it is empty"), ("CONCAT(a", "opens a bracket that it never closes"), ("a) > 3", "closes a bracket that it never opened"),
        ("a = 'b", "the quote ' is never closed"), ('"a > 3', 'the quote " is never closed'),
    ],
)  # fmt: skip
def test_what_is_not_closed_cannot_be_read(sql: str, said: str) -> None:
    with pytest.raises(NotReadable, match=said):
        columns_in(sql, KNOWN)


@pytest.mark.parametrize("place", ["{object}", "${object}", "{table}", "orders", '"orders"'])
def test_a_query_reads_the_object_of_its_contract(place: str) -> None:
    assert read_query(f"SELECT AVG(amount) FROM {place}", KNOWN, dataset="orders") == Query("AVG(amount)", None)


@pytest.mark.parametrize("place", ["{property}", "${property}", "{column}"])
def test_a_query_of_a_property_can_name_it_by_its_place(place: str) -> None:
    found = read_query(f"select count(*) from {{object}} where {place} <> 'a' and amount >= 3;\n", KNOWN, dataset="orders", column="state")
    assert found == Query("count(*)", "\"state\" <> 'a' and amount >= 3")


def test_a_query_may_hold_brackets_that_have_a_from_of_their_own() -> None:
    found = read_query("SELECT MAX(EXTRACT(YEAR FROM placed)) FROM {object} WHERE EXTRACT(YEAR FROM placed) > 1", KNOWN, dataset="orders")
    assert found == Query("MAX(EXTRACT(YEAR FROM placed))", "EXTRACT(YEAR FROM placed) > 1")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("AVG(amount)", "not of the form SELECT"),
        ("SELECT FROM {object}", "not of the form SELECT"),
        ("SELECT AVG(amount)", "not of the form SELECT"),
        ("SELECT AVG(amount), 1 FROM {object}", "measures more than one value"),
        ("SELECT amount FROM {object}", "amount stands outside of an aggregate"),
        ("SELECT MAX(amount) - amount FROM {object}", "amount stands outside of an aggregate"),
        ("SELECT 1 FROM {object}", "has no aggregate; there are AVG"),
        ("SELECT AVERAGE(3) FROM {object}", "has no aggregate"),
        ("SELECT AVG(amount) FROM customers", "reads customers, and may read only {object}"),
        ("SELECT AVG(amount) FROM {object} GROUP BY state", "after {object} comes GROUP"),
        ("SELECT AVG(amount) FROM {object} WHERE amount > 3 ORDER BY 1", "uses ORDER"),
        ("SELECT SUM(amount) OVER (PARTITION BY state) FROM {object}", "uses OVER"),
        ("SELECT AVG(amount) FROM {object} WHERE amount > (SELECT 3)", "uses SELECT"),
        ("SELECT AVG({property}) FROM {object}", "which only the rules of a property may"),
    ],
)
def test_a_query_of_another_shape_is_refused(sql: str, said: str) -> None:
    with pytest.raises(NotReadable, match=said):
        read_query(sql, KNOWN, dataset="orders")


@pytest.mark.parametrize("function", AGGREGATES)
def test_each_aggregate_gives_one_value_in_the_engine(function: str) -> None:
    arguments = {"CORR": "x, y", "COVAR_POP": "x, y", "COVAR_SAMP": "x, y", "QUANTILE_CONT": "x, 0.5", "QUANTILE_DISC": "x, 0.5"}
    sql = read_query(f"SELECT {function}({arguments.get(function, 'x')}) FROM t", ("x", "y"), dataset="t").aggregate
    frame = pl.DataFrame({"group": [1, 1, 2], "x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 7.0]})
    measured = frame.group_by("group", maintain_order=True).agg(pl.sql_expr(sql).alias("it"))["it"]
    assert measured.dtype.is_numeric()
    assert measured.len() == 2


@pytest.mark.parametrize(("name", "meant"), [("requird", "required"), ("EUROPE/Berln", "Europe/Berlin"), ("xyz", None), (3, None)])
def test_the_nearest_name_is_the_one_that_was_meant(name: object, meant: str | None) -> None:
    assert nearest(name, ["required", "Europe/Berlin", "Europe/Paris"]) == meant


def test_a_hint_lists_what_is_known_unless_that_is_much() -> None:
    assert suggest("amont", ["amount", "state"]) == "Did you mean amount? Known: amount, state."
    many = [f"column{number}" for number in range(100)]
    assert suggest("column7x", many) == "Did you mean column7?"
    assert suggest("?", many).startswith("Known are 100 others, column0, column1, ")


@pytest.mark.parametrize("expression", ["0 6 * * *", "*/5 0-6,12 1 jan-mar mon", "0 0 1 1 7", "@daily", "59 23 31 12 0"])
def test_a_schedule_is_a_cron_expression(expression: str) -> None:
    assert cron_fault(expression) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [("0 6 * *", "4 fields"), ("60 6 * * *", "'60' is no minute"), ("0 6 * * moon", "no day of the week"), ("*/0 * * * *", "minute"),
     ("0 24 * * *", "hour"), ("daily", "1 fields"), ("0 6 0 * *", "day of the month"), ("0 6 * 13 *", "month"), ("0 6-x * * *", "hour")],
)  # fmt: skip
def test_a_schedule_that_is_none_is_named_by_its_field(expression: str, said: str) -> None:
    assert said in str(cron_fault(expression))
