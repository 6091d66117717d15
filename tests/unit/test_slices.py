"""Slices name whole partitions of one table, each once."""

from __future__ import annotations

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from assay.errors import SliceInvalid
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec, Window

BY_DAY = TableSpec("silver/things", pa.schema([("day", pa.string()), ("n", pa.int64())]), ("day",))
WITHOUT = TableSpec("silver/things", pa.schema([("n", pa.int64())]))


def days(*keys: str) -> Slice:
    return Slice(BY_DAY, tuple(Partition(key, (key,)) for key in keys))


def test_the_whole_of_a_partitioned_table_is_not_a_slice() -> None:
    with pytest.raises(SliceInvalid, match="gives 0 values"):
        Slice(BY_DAY, (WHOLE,))


def test_the_whole_of_a_table_without_partitions_is_a_slice() -> None:
    assert Slice(WITHOUT, (WHOLE,)).owner(()) == WHOLE


def test_a_partition_of_a_table_without_partitions_is_not_a_slice() -> None:
    with pytest.raises(SliceInvalid, match="partitioned by nothing"):
        Slice(WITHOUT, (Partition("a", ("a",)),))


@pytest.mark.parametrize("keys", [(), ("a", "a")], ids=["none", "twice"])
def test_a_slice_names_each_partition_once(keys: tuple[str, ...]) -> None:
    with pytest.raises(SliceInvalid, match="names no partition, or one of them twice"):
        days(*keys)


@pytest.mark.parametrize("value", ["", "__HIVE_DEFAULT_PARTITION__"])
def test_a_value_that_readers_take_for_null_is_refused(value: str) -> None:
    with pytest.raises(SliceInvalid, match="readers take for null"):
        days(value)


def test_a_slice_owns_only_the_values_it_names() -> None:
    assert days("a", "b").owner(("b",)) == Partition("b", ("b",))
    assert days("a", "b").owner(("c",)) is None


def test_chunks_keep_every_partition_in_order() -> None:
    chunks = list(days("a", "b", "c").chunks(2))
    assert [chunk.keys for chunk in chunks] == [["a", "b"], ["c"]]


def test_only_keeps_the_named_partitions_in_the_order_of_the_slice() -> None:
    assert days("a", "b", "c").only(["c", "a"]).keys == ["a", "c"]


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window(datetime(2013, 1, 1, tzinfo=UTC), datetime(2013, 1, 2, tzinfo=UTC))
    assert window.start in window
    assert window.end not in window
