"""SQL of a contract over rows that it cannot be evaluated for: these are named, and the others have their values."""

from __future__ import annotations

import polars as pl
import pytest

from assay.contracts.compiling.evaluate import evaluate

ROWS = pl.DataFrame({"v": ["1", "x", "3", None, "1", "1.5"]})


@pytest.mark.parametrize(
    ("sql", "values", "failed"),
    [
        ("CAST(v AS BIGINT)", [1, None, 3, None, 1, None], [1, 5]),
        ("CAST(CAST(v AS BIGINT) * 2 AS VARCHAR)", ["2", None, "6", None, "2", None], [1, 5]),
        ("cast (v AS DOUBLE PRECISION)", [1.0, None, 3.0, None, 1.0, 1.5], [1]),
        ("COALESCE(CAST(v AS DOUBLE), 0)", [1.0, None, 3.0, 0.0, 1.0, 1.5], [1]),
        ("v::BIGINT", [1, None, 3, None, 1, None], [1, 5]),
        ("TRY_CAST(v AS BIGINT)", [1, None, 3, None, 1, None], []),
        ("UPPER(v)", ["1", "X", "3", None, "1", "1.5"], []),
        ("'CAST(v AS BIGINT)'", ["CAST(v AS BIGINT)"] * 6, []),
    ],
)
def test_a_row_that_fails_is_named_and_costs_no_other_its_value(sql: str, values: list[object], failed: list[int]) -> None:
    found = evaluate(ROWS, sql)
    assert found.values.to_list() == values
    assert found.failed.arg_true().to_list() == failed


def test_without_rows_there_is_nothing_that_fails() -> None:
    found = evaluate(ROWS.clear(), "CAST(v AS BIGINT)")
    assert found.values.dtype == pl.Int64
    assert found.failed.is_empty()


def test_rows_that_all_fail_are_told_in_one_evaluation() -> None:
    found = evaluate(pl.DataFrame({"v": [f"x{number}" for number in range(50_000)]}), "CAST(v AS BIGINT)")
    assert found.failed.all()
    assert found.values.null_count() == 50_000
