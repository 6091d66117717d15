"""SQL about one row sees its row and nothing else, whatever engine judges it; SQL about a partition sees its rows and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.compiling.evaluate import evaluate
from assay.contracts.compiling.expressions import condition_expression, sql_expression
from assay.contracts.language.row_sql import beyond_row
from assay.errors import ContractInvalid
from assay.gold.rules_sql import refuse_beyond_rows
from daily import daily_product, found_in, write_daily
from sales import findings_of

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = ("amount", "state", "placed", "user", "current_date")
OTHER_ROWS, ANOTHER_TIME, ANOTHER_TABLE = "looks at other rows", "is not the same at any time", "reads another table or a file"
BEYOND = [
    ("amount < MAX(amount)", OTHER_ROWS), ("SUM(amount) OVER () > 1", OTHER_ROWS), ("LAG(amount) OVER (ORDER BY placed) < amount", OTHER_ROWS),
    ("COUNT(*) > 1", OTHER_ROWS), ("WAVG(amount, 2) > 1", OTHER_ROWS), ("amount <=> MIN(amount)", OTHER_ROWS), ("UNNEST([1, 2]) > amount", "rows"),
    ("placed < NOW()", ANOTHER_TIME), ("placed < LOCALTIMESTAMP", ANOTHER_TIME), ("placed < AGO(INTERVAL 1 DAY)", ANOTHER_TIME),
    ("AGE(placed) > INTERVAL 1 DAY", ANOTHER_TIME), ("RANDOM() < 0.5", ANOTHER_TIME), ("state = UUID()", ANOTHER_TIME),
    ("NEXTVAL('s') > amount", ANOTHER_TIME), ("state = CURRENT_SETTING('TimeZone')", ANOTHER_TIME), ("state = session_user", ANOTHER_TIME),
    ("len(list_transform([amount], lambda one: one + random())) > 0", ANOTHER_TIME),
    ("state IN (SELECT column0 FROM read_csv('/dev/null'))", ANOTHER_TABLE), ("EXISTS (SELECT 1 FROM 'states.csv')", ANOTHER_TABLE),
    ("PG_GET_VIEWDEF(1) = state", ANOTHER_TABLE), ("COLUMNS(*) > 1", "stands for several columns"), ("amount > $1", "has no value here"),
    ("1) FROM states WHERE (true", "cannot be read"), ("amount > 1); SELECT (1", "cannot be read"), ("amount >", "cannot be read"),
]  # fmt: skip
WITHIN = [
    "amount > 3 OR state IS NULL", "CASE WHEN amount > 3 THEN state END = 'x'", "state LIKE 'a%' -- of it", "state RLIKE '^a'", "`amount` <=> 3",
    "user = 'me' AND placed < current_date", "AGE(placed, placed) = INTERVAL 0 DAY", "list_max([amount, 1]) > 0", "SPLIT_PART(state, '-', 1) = 'a'",
    "len(list_transform([amount], lambda one: one + amount)) > 0", "EXTRACT(year FROM placed) = 2024", "TRIM(BOTH 'x' FROM state) = 'a'",
    "no_function_of_ours(amount) > 3",
]  # fmt: skip


@pytest.mark.parametrize(("sql", "why"), BEYOND)
def test_what_is_not_of_the_row_is_named(sql: str, why: str) -> None:
    known = [name for name in KNOWN if name != "current_date"]
    assert why in str(beyond_row(sql, known))


@pytest.mark.parametrize("sql", WITHIN)
def test_what_is_of_the_row_is_no_fault(sql: str) -> None:
    assert beyond_row(sql, KNOWN) is None


def test_a_name_is_a_column_before_it_is_the_clock() -> None:
    assert beyond_row("placed < current_date", KNOWN) is None
    assert str(beyond_row("placed < current_date", ["placed"])).endswith("current_date")


def test_a_measure_may_aggregate_and_nothing_more() -> None:
    for sql in ("AVG(amount)", "COUNT(*) FILTER (WHERE amount > 1) / COUNT(*)", "SUM(amount) + 1"):
        assert beyond_row(sql, KNOWN, aggregates=True) is None
    for sql in ("SUM(SUM(amount)) OVER ()", "AVG(amount) + RANDOM()", "MAX(amount) - (SELECT 1 FROM 'x.csv')"):
        assert beyond_row(sql, KNOWN, aggregates=True)


def test_no_function_of_polars_that_passes_sees_other_rows() -> None:
    """The catalogue asked is DuckDB's: what Polars knows by the same names must be rowwise too."""
    rows = pl.DataFrame({"amount": [1.5, 2.5, 0.5], "state": ["b", "a", "c"]})
    names = [
        "abs", "concat", "first", "last", "greatest", "least", "median", "mode", "row_number", "rank", "string_agg", "stddev", "variance",
        "array_agg", "first_value", "upper", "round", "corr", "cum_sum", "skewness", "any_value", "quantile_cont",
    ]  # fmt: skip
    judged = 0
    for call in [f"{name}({given})" for name in names for given in ("", "amount", "state", "amount, 1", "amount, amount")]:
        for sql in (call, f"{call} OVER (ORDER BY amount)"):
            if beyond_row(sql, rows.columns) is None:
                try:
                    found = evaluate(rows, sql).values
                except (ContractInvalid, pl.exceptions.PolarsError):
                    continue
                judged += 1
                assert found.to_list() == [evaluate(rows[at], sql).values[0] for at in range(rows.height)], sql
    assert judged > 10


@pytest.mark.parametrize("sql", ["state IN (SELECT column0 FROM read_csv('{}'))", "EXISTS (SELECT 1 FROM '{}')"])
def test_a_file_is_refused_before_an_engine_reads_it(tmp_path: Path, sql: str) -> None:
    private = tmp_path / "private.csv"
    private.write_text("secret,of,nobody\n1,2,3\n")
    with pytest.raises(ContractInvalid, match="reads another table or a file") as refused:
        condition_expression(sql.format(private), {})
    assert "nobody" not in str(refused.value)


def test_what_makes_the_engine_panic_is_a_fault_like_any_other() -> None:
    with pytest.raises(ContractInvalid, match=r"Tried to read the SQL expression 'CONCAT\(\)'"):
        sql_expression("CONCAT()", [])


NOTES = "{name: notes_there, metric: nullValues, mustBeLessThan: 3, description: Some sales have a note.}"
OF_THE_MONTH = "order_month = date_trunc('month', order_date)"
RULE = "{{name: n, type: custom, engine: assay, implementation: {}, description: N.}}"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (NOTES, RULE.format("price < MAX(price)"), "the rule 'n' cannot be evaluated: .*looks at other rows: max"),
        (NOTES, RULE.format("note = CAST(CURRENT_DATE AS VARCHAR)"), "the rule 'n' .*is not the same at any time: current_date"),
        (NOTES, RULE.format("note IN (SELECT note FROM 'notes.csv')"), "reads another table or a file|unknown column"),
        ("CONCAT(first_name, ' ', last_name)", "MAX(first_name)", "the expression .*looks at other rows: max"),
        ("SELECT AVG({property}) FROM {object} WHERE price > 0", "SELECT AVG(price) FROM {object} WHERE ABS(price) < MAX(price)", "max"),
        ("SELECT AVG({property}) FROM {object} WHERE price > 0", "SELECT AVG(price + RANDOM()) FROM {object}", "random"),
    ],
)
def test_a_check_of_a_silver_contract_names_it(tmp_path: Path, old: str, new: str, why: str) -> None:
    said = [str(finding) for finding in findings_of(tmp_path, (old, new))]
    assert len(said) == 1, said
    assert re.search(why, said[0]), said


@pytest.mark.parametrize(
    ("new", "why"),
    [
        ("amount_eur < max(amount_eur)", "looks at other rows: max"),
        ("sum(amount_eur) over () > 1", "looks at other rows: sum"),
        ("order_date <= current_date", "is not the same at any time: current_date"),
        ("state in (select column0 from read_csv('{}'))", "unknown column 'column0'"),
        ("exists (from '{}')", "reads another table or a file"),
    ],
)
def test_a_check_of_a_gold_contract_names_it_and_no_build_uses_it(tmp_path: Path, new: str, why: str) -> None:
    (tmp_path / "file.csv").write_text("open\n")
    change = (OF_THE_MONTH, new.format(tmp_path / "file.csv"))
    said = [str(finding) for finding in found_in(write_daily(tmp_path, change).parent.parent)]
    assert len(said) == 1, said
    assert why in said[0], said
    if "unknown column" not in why:
        with pytest.raises(ContractInvalid, match=why):
            refuse_beyond_rows(daily_product(tmp_path, change).majors("orders_daily"))
