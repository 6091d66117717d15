"""The draft as a whole: whatever a file holds, its draft loads, is the same twice, and accepts every row but those that it counts."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assay.contracts.inference.draft import DraftImpossible
from assay.contracts.model.reserved_names import unusable
from drafted import contract_of, draft_of, judged, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

MOST = 100
SPOILT = ["n/a", "?", "-", "oops", " 7", "NULL", "1,5", "00", "2024-02-30", "\t", "'", "#1", "=", "\u00a0", "é"]
KINDS = st.sampled_from(
    [
        st.integers(-(2**70), 2**70).map(str), st.integers(0, 9).map(str), st.floats(allow_nan=True).map(repr),
        st.decimals(-1000, 1000, places=2).map(str), st.dates().map(str), st.datetimes().map(lambda at: at.isoformat(timespec="seconds")),
        st.dates().map(lambda day: f"{day:%d/%m}/{day.year:04d}"), st.booleans().map(str), st.sampled_from(["open", "paid", "no", "null"]),
        st.text(max_size=8), st.uuids().map(str), st.emails(), st.from_regex(r"\A[A-Z]{2}-[0-9]{3}\Z"), st.integers(0, 2 * 10**9).map(str),
    ]
)  # fmt: skip
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(str.strip) | st.sampled_from(
    ["id", "order", "select", "amount", "created_at", "ts", "name", "email", "born", "Order Date", "event_day", "is_on", "count", "text"]
)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Columns of one kind each, with some absent and some spoilt values in between, and some rows twice."""
    names = draw(st.lists(NAMES.filter(lambda name: unusable(name) is None), min_size=1, max_size=5, unique_by=str.lower))
    rows = draw(st.integers(1, 40))
    columns: dict[str, Sequence[str | None]] = {}
    for name in names:
        kind = draw(KINDS)
        values: list[str | None] = draw(st.lists(kind, min_size=rows, max_size=rows))
        for place in draw(st.lists(st.integers(0, rows - 1), max_size=3)):
            values[place] = draw(st.none() | st.sampled_from(SPOILT))
        columns[name] = values
    return table(**columns)


@pytest.mark.slow
@settings(max_examples=MOST, deadline=None)
@given(tables())
@example(table(created_at=["2024-01-01", "0001-01-01"] * 20))
@example(table(ts=["0", "1700000000"] * 20))
def test_a_draft_accepts_every_row_of_its_sample_but_those_that_it_counts(frame: pl.DataFrame) -> None:
    draft = draft_of(frame)
    with TemporaryDirectory() as folder:
        landed, published, kept_back = judged(draft, frame, Path(folder))
    assert landed == frame.height
    assert kept_back <= sum(draft.refused.values())
    assert landed - kept_back - published <= max(frame.height // 100 + frame.height // 50, 2), "hardly any rows are taken for duplicates"


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(tables(), st.randoms())
def test_the_same_sample_gives_the_same_draft(frame: pl.DataFrame, random: Any) -> None:
    assert draft_of(frame).text == draft_of(frame.clone()).text


def test_every_guess_of_the_text_has_a_reason_and_every_promise_is_one() -> None:
    draft = draft_of(table(row_id=[str(n) for n in range(60)], seen_on=["2024-03-01"] * 60, state=["a", "b"] * 30, price=["1.50"] * 60))
    reasons = re.findall(r"# guess: (.*)$", draft.text, re.MULTILINE)
    assert all(len(reason) > 5 for reason in reasons)
    promised = re.findall(r"^ +(minimum|maximum|pattern|enum|required|grain|lateness|logicalType): ?.*$", draft.text, re.MULTILINE)
    assert promised
    for line in draft.text.splitlines():
        if re.match(r" +(minimum|maximum|pattern|enum):", line):
            assert "# guess: " in line, line
        if re.match(r" {8}required: true", line) and "# guess: " not in line:
            assert "partitioned" in draft.text[draft.text.index(line) :].splitlines()[1]


def test_the_draft_says_what_it_read_and_who_owns_it() -> None:
    frame = table(row_id=["1", "2"])
    assert draft_of(frame).text.startswith("# Drafted by `assay new` from shop_2024-03-31.csv: 2 rows, all of its rows.\n")
    assert ": 2 rows, its first rows.\n" in draft_of(frame, is_whole=False).text
    assert "members: [{username: shop@example.org, role: owner}]" in draft_of(frame).text


def test_names_are_made_plain_and_each_is_there_once(tmp_path: Path) -> None:
    frame = table(**{"Order ID": ["1"], "order_id": ["2"], "größe (cm)": ["3"], "2nd": ["4"], "日本": ["5"], "HTTPCode": ["6"]})
    names = [column.name for column in contract_of(draft_of(frame), tmp_path).columns]
    assert names == ["order_id", "order_id_2", "groesse_cm", "column_2_nd", "column_5", "http_code"]


@pytest.mark.parametrize(
    ("frame", "facts", "complaint"),
    [
        (table(a=[]), {}, "has no rows"),
        (table(**{"a": ["1"], " ": ["2"]}), {}, "a column without a name"),
        (table(a=["1"]), {"dataset": "Web-Orders"}, "'Web-Orders' is no name of a dataset"),
    ],
    ids=["no rows", "no name", "dataset"],
)  # fmt: skip
def test_a_sample_that_says_too_little_is_refused(frame: pl.DataFrame, facts: dict[str, str], complaint: str) -> None:
    with pytest.raises(DraftImpossible, match=complaint):
        draft_of(frame, **facts)
