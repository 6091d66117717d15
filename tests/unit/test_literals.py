"""Literals: what a value that a contract names means for a column of each type, and what is refused with its reason."""

from __future__ import annotations

import json
import math
import pickle
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.contracts.documents.document import Document
from assay.contracts.language.literals import NoValue, Real, bound_of, exact, shown, value_of

if TYPE_CHECKING:
    from pathlib import Path

FLOAT, DOUBLE, SMALLINT, INTEGER, MONEY = pa.float32(), pa.float64(), pa.int16(), pa.int32(), pa.decimal128(20, 2)
DAY, INSTANT = pa.date32(), pa.timestamp("us", tz="UTC")


def test_a_number_of_a_file_keeps_its_digits_and_is_a_float_to_everything_else(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: 90071992547409.93\nb: 1_000.5\nc: -1.0e+3\nd: .inf\ne: 1:30.5\n")
    body = Document.load(path).body
    assert [exact(body[name]) for name in "abc"] == [Decimal("90071992547409.93"), Decimal("1000.5"), Decimal(-1000)]
    assert (body["d"], body["e"]) == (math.inf, 90.5)
    assert json.dumps([body["a"]]) == json.dumps([90071992547409.93])
    assert exact(pickle.loads(pickle.dumps(body["a"]))) == Decimal("90071992547409.93")


@pytest.mark.parametrize(
    ("kind", "said", "meant"),
    [
        (INTEGER, Real("1.0"), 1), (INTEGER, 7, 7), (MONEY, Real("90071992547409.93"), Decimal("90071992547409.93")), (MONEY, 3, Decimal("3.00")),
        (MONEY, 0.1, Decimal("0.10")), (FLOAT, Real("0.1"), 0.10000000149011612), (DOUBLE, 1, 1.0), (FLOAT, Real("3.4028235e+38"), float(2**128 - 2**104)),
        (pa.bool_(), True, True), (pa.string(), "x", "x"), (DAY, "2024-02-29", date(2024, 2, 29)),
        (INSTANT, "2024-01-01T01:00:00+01:00", datetime(2024, 1, 1, tzinfo=UTC)), (INSTANT, "2024-01-01", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
    ids=str,
)  # fmt: skip
def test_a_literal_is_a_value_of_the_columns_type_and_stays_one(kind: pa.DataType, said: Any, meant: Any) -> None:
    found = value_of(kind, said)
    assert (found, type(found)) == (meant, type(meant))
    assert value_of(kind, found) == found


@pytest.mark.parametrize(
    ("kind", "said", "why"),
    [
        (INTEGER, Real("1.5"), "no value of INTEGER, which has no decimals"), (MONEY, Real("0.125"), r"no value of DECIMAL\(20, 2\), which has 2 decimals"),
        (SMALLINT, 40000, "beyond what SMALLINT can hold"), (FLOAT, 1e39, "beyond what FLOAT can hold"), (INTEGER, "1", "no number"), (INTEGER, True, "no number"),
        (DOUBLE, math.nan, "no number that can be compared"), (DOUBLE, -math.inf, "no number that can be compared"), (pa.bool_(), 1, "neither true nor false"),
        (pa.bool_(), "true", "neither true nor false"), (pa.string(), 1, "no string"), (DAY, "2023-02-29", "no date"), (INSTANT, "noon", "no timestamp"),
        (INSTANT, "2024-01-01T00:00:00.1234567Z", "finer than a microsecond"), (INSTANT, "0001-01-01T00:00:00+01:00", "no timestamp"),
    ],
    ids=str,
)  # fmt: skip
def test_what_no_value_of_the_column_can_be_is_refused_with_the_reason(kind: pa.DataType, said: Any, why: str) -> None:
    with pytest.raises(NoValue, match=why):
        value_of(kind, said)


@pytest.mark.parametrize(
    ("kind", "said", "lowest", "meant"),
    [
        (INTEGER, Real("0.5"), True, 1), (INTEGER, Real("0.5"), False, 0), (INTEGER, Real("-0.5"), True, 0), (INTEGER, 10**40, False, 2**31 - 1),
        (SMALLINT, -(10**9), True, -(2**15)), (MONEY, Real("0.125"), True, Decimal("0.13")), (MONEY, Real("0.125"), False, Decimal("0.12")),
        (pa.decimal128(38, 0), 10**38 - 1, False, Decimal(10**38 - 1)), (FLOAT, 10**40, False, float(2**128 - 2**104)), (FLOAT, Real("0.1"), True, 0.10000000149011612),
    ],
    ids=str,
)  # fmt: skip
def test_a_bound_that_is_no_value_of_the_type_lets_the_same_values_pass(kind: pa.DataType, said: Any, lowest: bool, meant: Any) -> None:
    assert bound_of(kind, said, lowest=lowest) == meant


@pytest.mark.parametrize(("kind", "said", "lowest"), [(SMALLINT, 40000, True), (MONEY, -(10**30), False), (FLOAT, 10**40, True)], ids=str)
def test_a_bound_that_no_value_of_the_type_keeps_is_refused(kind: pa.DataType, said: Any, lowest: bool) -> None:
    with pytest.raises(NoValue, match=r"every value that .* can hold"):
        bound_of(kind, said, lowest=lowest)


@given(
    st.decimals(min_value=-(2**120), max_value=2**120, allow_nan=False, places=12)
    | st.floats(width=32, allow_nan=False, allow_infinity=False)
)
def test_a_literal_of_a_float_is_the_nearest_that_the_type_holds_and_is_shown_so_that_it_is_found_again(number: Decimal | float) -> None:
    found = value_of(FLOAT, number)
    assert found == float(np.float32(str(number)))
    assert value_of(FLOAT, Decimal(shown(FLOAT, found))) == found
