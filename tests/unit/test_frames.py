"""Every frame kind becomes chunks of Polars frames, and a snapshot becomes every frame kind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from assay.errors import FrameNotSupported, SchemaDrift
from assay.lake import frames
from assay.lake.frames import from_snapshot, to_chunks
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from assay.lake.snapshots import Snapshot

THINGS = pl.DataFrame(
    {
        "part": ["a", "a", "b"],
        "n": [1, None, 3],
        "at": [datetime(2013, 1, 1, 5, tzinfo=UTC)] * 3,
        "day": [date(2013, 1, 1), None, date(2013, 1, 3)],
        "price": [Decimal("1.10"), Decimal("2.20"), None],
    },
    schema_overrides={"at": pl.Datetime("us", "UTC"), "price": pl.Decimal(10, 2)},
)


def arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def relation(frame: pl.DataFrame) -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection.from_arrow(arrow(frame))


KINDS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "table": arrow,
    "reader": lambda frame: arrow(frame).to_reader(),
    "batch": lambda frame: (
        arrow(frame).combine_chunks().to_batches()[0] if frame.height else pa.RecordBatch.from_pylist([], arrow(frame).schema)
    ),
    "pandas": lambda frame: arrow(frame).to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": relation,
    "list": lambda frame: [frame.slice(0, 1), arrow(frame.slice(1))],
    "generator": lambda frame: (frame.slice(row, 1).lazy() for row in range(max(frame.height, 1))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_of_any_kind_keeps_its_rows_order_and_types(kind: str) -> None:
    assert_frame_equal(pl.concat(to_chunks(KINDS[kind](THINGS))), THINGS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_without_rows_still_gives_its_columns(kind: str) -> None:
    chunks = list(to_chunks(KINDS[kind](THINGS.clear())))
    assert [chunk.schema for chunk in chunks] == [THINGS.schema]


def test_many_small_frames_become_few_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CHUNK_ROWS", 10)
    small = (pl.DataFrame({"n": [row, row]}) for row in range(25))
    assert [chunk.height for chunk in to_chunks(small)] == [10, 10, 10, 10, 10]


@pytest.mark.parametrize("kind", ["polars", "lazy", "reader", "pandas", "duckdb"])
def test_one_large_frame_becomes_many_chunks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CHUNK_ROWS", 10)
    chunks = list(to_chunks(KINDS[kind](pl.DataFrame({"n": range(35)}))))
    assert max(chunk.height for chunk in chunks) <= 20
    assert pl.concat(chunks)["n"].to_list() == list(range(35))


def test_frames_with_other_columns_are_not_mixed_into_one_chunk() -> None:
    assert [chunk.columns for chunk in to_chunks([pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]})])] == [["a"], ["b"]]


def test_a_named_index_of_pandas_is_a_column_and_a_nameless_one_is_not() -> None:
    named = pd.DataFrame({"n": [1]}, index=pd.Index(["x"], name="id"))
    assert [chunk.columns for chunk in to_chunks(named)] == [["id", "n"]]
    assert [chunk.columns for chunk in to_chunks(pd.DataFrame({"n": [1, 2]}).iloc[1:])] == [["n"]]


@pytest.mark.parametrize("found", [42, "rows", {"n": [1]}, [1], pl.Series([1])], ids=lambda found: type(found).__name__)
def test_anything_else_is_refused_with_the_kinds_there_are(found: object) -> None:
    with pytest.raises(FrameNotSupported, match=r"Return a polars\.DataFrame.*duckdb\.DuckDBPyRelation"):
        list(to_chunks(found))


def test_a_pandas_column_of_mixed_types_is_refused() -> None:
    with pytest.raises(FrameNotSupported, match="Give each column one type"):
        list(to_chunks(pd.DataFrame({"n": [1, "two", object()]})))


@pytest.fixture
def snapshot(lake: Path) -> Snapshot:
    schema = pa.schema([pa.field("part", pa.string(), nullable=False), *list(arrow(THINGS).schema)[1:]])
    spec = TableSpec("silver/things", schema, ("part",))
    slice_ = Slice(spec, (Partition("a", ("a",)), Partition("b", ("b",))))
    publish(lake, stage(lake / spec.name, slice_, [THINGS]), {"a": 1, "b": 1})
    return open_snapshot(lake, spec.name)


WANTED = [pl.DataFrame, pl.LazyFrame, pa.Table, pa.RecordBatchReader, pd.DataFrame, duckdb.DuckDBPyRelation]


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: f"{wanted.__module__}.{wanted.__name__}")
def test_a_snapshot_is_read_as_any_kind_and_back(snapshot: Snapshot, wanted: type[Any]) -> None:
    found = from_snapshot(snapshot, None, wanted)
    assert isinstance(found, wanted)
    again = pl.concat(to_chunks(found)).sort("part", "n", nulls_last=True)
    assert_frame_equal(again.cast({"price": pl.Decimal(10, 2)}), THINGS)  # pandas keeps no more digits than its values have


@pytest.mark.parametrize("wanted", WANTED, ids=lambda wanted: f"{wanted.__module__}.{wanted.__name__}")
def test_reading_some_columns_of_no_partition_gives_no_rows(snapshot: Snapshot, wanted: type[Any]) -> None:
    found = list(to_chunks(from_snapshot(snapshot, lambda _: False, wanted, ["at", "part"])))
    assert [(chunk.height, chunk.columns) for chunk in found] == [(0, ["at", "part"])]


def test_an_unknown_kind_is_refused_with_the_kinds_there_are(snapshot: Snapshot) -> None:
    with pytest.raises(FrameNotSupported, match="Annotate the input as"):
        from_snapshot(snapshot, None, list)


def test_a_column_that_the_table_does_not_have_is_refused(snapshot: Snapshot) -> None:
    with pytest.raises(SchemaDrift, match=r"Tried to read \['colour'\]"):
        from_snapshot(snapshot, None, pl.DataFrame, ["n", "colour"])
