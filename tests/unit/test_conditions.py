"""Conditions of a contract: what has one meaning becomes a tree, what one engine alone can judge is left to it, what cannot be meant is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from assay.contracts.compiling.expressions import judged_by_one_engine
from assay.contracts.conditions.condition import OneEnginesOwn
from assay.contracts.conditions.parser import parse, refusal
from assay.contracts.conditions.to_sql import to_sql
from assay.contracts.export.delta_constraints import SPELLING
from sales import assert_named, sales_contract

if TYPE_CHECKING:
    from pathlib import Path

TYPES = {
    "flag": pa.bool_(), "number": pa.int32(), "large": pa.int64(), "money": pa.decimal128(10, 2), "text": pa.string(), "day": pa.date32(),
    "moment": pa.timestamp("us", tz="UTC"), "order": pa.int32(),
}  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("flag == true", "(`flag` = true)"),
        ("1 < number", "(`number` > 1)"),
        ("number != 1 -- a word\n AND /* two */ flag", "((`number` <> 1) AND `flag`)"),
        ("NOT flag OR flag AND number IS NULL", "((NOT `flag`) OR (`flag` AND (`number` IS NULL)))"),
        ('"order" > .5', "(`order` >= 1)"),
        ("order < 2", "(`order` < 2)"),
        ("text = 'it''s'", "(`text` = concat('it', chr(39), 's'))"),
        ("day BETWEEN '2024-01-01' AND DATE '2024-02-01'", "((`day` >= DATE '2024-01-01') AND (`day` <= DATE '2024-02-01'))"),
        ("number < 1e40", "(`number` <= CAST('2147483647' AS INTEGER))"),
    ],
)
def test_a_condition_of_comparisons_and_logic_is_read_once(sql: str, said: str) -> None:
    assert to_sql(parse(sql, TYPES), SPELLING) == said


@pytest.mark.parametrize(
    "sql",
    [
        "LENGTH(text) > 1", "text LIKE 'a%'", "NOT text LIKE 'a%' AND flag", "large * large * large > 0", "money * 2 > 1", "number * 1.5 > 1", "number % 2 = 0",
        "CASE WHEN flag THEN number END = 1", "text::INT = 1", "text || 'a' = 'ba'", "1 = 1", "day = moment", "number IN (1, NULL)", "number = number = flag",
        "unknown > 1", "number > 1 AND", "number IN (1", "flag XOR flag",
    ],
)  # fmt: skip
def test_what_has_no_one_meaning_is_left_to_the_engine_of_the_layer(sql: str) -> None:
    with pytest.raises(OneEnginesOwn):
        parse(sql, TYPES)
    assert refusal(sql, TYPES) is None


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("flag = 1", "flag is BOOLEAN, and 1 is neither true nor false"),
        ("flag = 'true'", "flag is BOOLEAN, and 'true' is neither true nor false"),
        ("number IS TRUE", "number is INTEGER, which is neither true nor false"),
        ("number", "number is INTEGER, which is neither true nor false"),
        ("number + 1", "what is computed is a number, which is neither true nor false"),
        ("number = 1.5", "number is INTEGER, and 1.5 is no value of INTEGER, which has no decimals"),
        ("money IN (1, 0.125)", r"money is DECIMAL(10, 2), and 0.125 is no value of DECIMAL(10, 2), which has 2 decimals"),
        ("number > 1e40", "number is INTEGER, and 1E+40 is above every value that INTEGER can hold"),
        ("text = 1", "text is VARCHAR, and 1 is no string"),
        ("day > 'noon'", "day is DATE, and 'noon' is no date"),
        ("number = text", "number is INTEGER, and is compared with text is VARCHAR"),
        ("number = NULL", "number is INTEGER, and is compared with NULL, which is never true"),
        ("text + 1 > 2", "text is VARCHAR, and no number"),
    ],
)
def test_what_can_never_be_meant_is_refused_with_the_reason(sql: str, why: str) -> None:
    found = refusal(sql, TYPES)
    assert found is not None
    assert found[0].lower() == why.lower()


def test_a_condition_that_can_never_be_meant_is_named_with_its_line(tmp_path: Path) -> None:
    row = "      - {name: rows_usual"
    new = "      - {name: one, type: custom, engine: assay, implementation: sale = 'x', description: One.}\n" + row
    assert_named(tmp_path, row, new, r"the condition \"sale = 'x'\" cannot be meant: sale is BIGINT, and 'x' is no number")


def test_a_condition_that_one_engine_alone_judges_is_named(tmp_path: Path) -> None:
    row = "      - {name: rows_usual"
    new = (
        "      - {name: short, type: custom, engine: assay, implementation: LENGTH(code) < 9, description: Short.}\n"
        "      - {name: sold, type: custom, engine: assay, implementation: quantity > 0, description: Sold.}\n"
    )
    assert judged_by_one_engine(sales_contract(tmp_path, (row, new + row))) == ["short"]
