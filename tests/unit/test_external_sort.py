"""Runs: an external sort gives what a sort of all rows at once would give."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.refine.external_sort import MOST_RUNS, Runs

if TYPE_CHECKING:
    from pathlib import Path


SCHEMA = {"flag": pl.Boolean, "text": pl.String, "at": pl.Datetime("us", "UTC"), "number": pl.Float64, "exact": pl.Decimal(20, 2)}
ROW = st.tuples(
    st.none() | st.booleans(),
    st.none() | st.sampled_from(["", "z", "Z", "ä", "10", "9"]),
    st.none() | st.integers(0, 5).map(lambda micros: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)),
    st.none() | st.sampled_from([0.0, -0.0, 1.5, -1e300]),
    st.none() | st.integers(0, 5).map(Decimal),
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(ROW, max_size=120),
    order=st.permutations([*SCHEMA]).flatmap(lambda names: st.integers(1, 5).map(lambda key: names[:key])),
    sizes=st.tuples(st.sampled_from([1, 100, 2_000]), st.integers(1, 40)),
    keyed=st.booleans(),
)
def test_the_last_of_each_key_in_order(
    tmp_path_factory: pytest.TempPathFactory, rows: list[object], order: list[str], sizes: tuple[int, int], *, keyed: bool
) -> None:
    hold, part = sizes

    def reduced(frame: pl.DataFrame) -> pl.DataFrame:
        if not keyed:
            return frame.sort([*order, "place"])
        return frame.sort([*order, "place"]).unique(order, keep="last", maintain_order=True)

    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_row_index("place")
    runs = Runs(order if keyed else [*order, "place"], reduced, tmp_path_factory.getbasetemp(), hold)
    for piece in frame.iter_slices(part):
        runs.add(piece)
    assert pl.concat([frame.clear(), *runs.merged()]).equals(reduced(frame))


@pytest.mark.slow
def test_more_runs_than_are_merged_at_once(tmp_path: Path) -> None:
    frame = pl.DataFrame({"key": [number * 7919 % 1009 for number in range(3 * MOST_RUNS * MOST_RUNS)]}).with_row_index("place")
    runs = Runs(["key"], lambda rows: rows.sort("key", "place").unique("key", keep="last", maintain_order=True), tmp_path, 1)
    for piece in frame.iter_slices(3):
        runs.add(piece)
    assert pl.concat(runs.merged()).equals(frame.sort("key", "place").unique("key", keep="last", maintain_order=True))
    assert not [*tmp_path.iterdir()], "what waits on disk has no name"


@pytest.mark.slow
def test_rows_that_are_alike_are_all_kept(tmp_path: Path) -> None:
    runs = Runs(["key"], lambda rows: rows.sort("key"), tmp_path, 64)
    for _ in range(200):
        runs.add(pl.DataFrame({"key": [2, 1, 1, 3]}))
    merged = list(runs.merged())
    assert pl.concat(merged)["key"].to_list() == [1] * 400 + [2] * 200 + [3] * 200
    assert max(one.height for one in merged) < 400, "rows that are alike need not be held together"


@pytest.mark.slow
def test_what_is_remembered_of_a_part_on_disk_does_not_keep_the_part(tmp_path: Path) -> None:
    runs = Runs(["key"], lambda rows: rows.sort("key"), tmp_path, 1_000)
    for start in range(0, 9_000, 3_000):
        runs.add(pl.DataFrame({"key": range(start, start + 3_000)}))
    assert runs._stored is not None
    held = [buffer.size for row in runs._stored.last_rows for buffer in row.select("key").to_arrow().column(0).chunk(0).buffers() if buffer]
    assert len(held) >= 3
    assert max(held) <= 8, "a number of eight bytes"
