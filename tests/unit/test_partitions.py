"""Partition keys of every kind become values of partition columns and windows in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from unittest import mock

import dagster as dg
import pyarrow as pa
import pytest

from assay.errors import SliceInvalid
from assay.lake.slices import WHOLE, TableSpec
from assay.orchestration.calendars import keys_of
from assay.orchestration.partitions import partition_of, slice_of

NEW_YORK = "America/New_York"
UTC_TIME, WALL_TIME = pa.timestamp("us", "UTC"), pa.timestamp("us")
DAILY = dg.DailyPartitionsDefinition("2013-01-01", timezone=NEW_YORK)
HOURLY = dg.HourlyPartitionsDefinition("2013-01-01-00:00", timezone=NEW_YORK)
MONTHLY = dg.MonthlyPartitionsDefinition("2013-01-01")


def spec(kind: pa.DataType, event: pa.DataType | None = None) -> TableSpec:
    columns = [("part", kind), *([("at", event)] if event else [])]
    return TableSpec("silver/things", pa.schema(columns), ("part",), "at" if event else None)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


@pytest.mark.parametrize(
    ("definition", "key", "kind", "value"),
    [
        (DAILY, "2013-03-10", pa.date32(), "2013-03-10"),
        (DAILY, "2013-11-03", UTC_TIME, "2013-11-03T04:00:00Z"),
        (DAILY, "2013-11-03", WALL_TIME, "2013-11-03 00:00:00"),
        (DAILY, "2013-11-03", pa.string(), "2013-11-03"),
        (HOURLY, "2013-11-03-01:00", UTC_TIME, "2013-11-03T05:00:00Z"),
        (HOURLY, "2013-11-03-01:00-0500", UTC_TIME, "2013-11-03T06:00:00Z"),
        (HOURLY, "2013-11-03-01:00-0500", pa.string(), "2013-11-03-01:00-0500"),
        (MONTHLY, "2013-02-01", pa.date32(), "2013-02-01"),
        (dg.WeeklyPartitionsDefinition("2013-01-01"), "2013-01-06", pa.date32(), "2013-01-06"),
        (dg.StaticPartitionsDefinition(["it's 50% é/b"]), "it's 50% é/b", pa.string(), "it's 50% é/b"),
        (dg.StaticPartitionsDefinition(["-7"]), "-7", pa.int32(), "-7"),
        (dg.DynamicPartitionsDefinition(name="files"), "a.csv", pa.string(), "a.csv"),
    ],
)
def test_a_key_becomes_the_value_that_the_column_holds(
    definition: dg.PartitionsDefinition, key: str, kind: pa.DataType, value: str
) -> None:
    assert partition_of(definition, key, spec(kind)).values == (value,)


@pytest.mark.parametrize(
    ("definition", "key", "start", "hours"),
    [
        (DAILY, "2013-03-10", "2013-03-10T05:00", 23),
        (DAILY, "2013-06-01", "2013-06-01T04:00", 24),
        (DAILY, "2013-11-03", "2013-11-03T04:00", 25),
        (HOURLY, "2013-11-03-01:00", "2013-11-03T05:00", 1),
        (HOURLY, "2013-11-03-01:00-0500", "2013-11-03T06:00", 1),
        (MONTHLY, "2013-02-01", "2013-02-01T00:00", 28 * 24),
    ],
)
def test_a_window_is_half_open_in_utc_also_on_the_days_when_the_clocks_change(
    definition: dg.PartitionsDefinition, key: str, start: str, hours: int
) -> None:
    window = partition_of(definition, key, spec(pa.string(), UTC_TIME)).window
    assert window is not None
    assert (window.start, window.end) == (moment(start), moment(start) + timedelta(hours=hours))
    assert window.start.tzinfo is UTC


@pytest.mark.parametrize(
    ("definition", "key", "start", "end"),
    [
        (DAILY, "2013-11-03", "2013-11-03T00:00", "2013-11-04T00:00"),
        (HOURLY, "2013-11-03-23:00", "2013-11-03T00:00", "2013-11-04T00:00"),
        (
            dg.DailyPartitionsDefinition("2013-01-01", hour_offset=6, timezone=NEW_YORK),
            "2013-11-03",
            "2013-11-03T00:00",
            "2013-11-05T00:00",
        ),
        (dg.DailyPartitionsDefinition("2013-10-01", timezone="America/Sao_Paulo"), "2013-10-19", "2013-10-19T00:00", "2013-10-20T00:00"),
    ],
)
def test_the_window_of_a_date_column_is_of_local_calendar_dates(
    definition: dg.PartitionsDefinition, key: str, start: str, end: str
) -> None:
    window = partition_of(definition, key, spec(pa.string(), pa.date32())).window
    assert window is not None
    assert (window.start, window.end) == (moment(start), moment(end))


def test_the_window_of_a_timestamp_without_time_zone_is_what_the_clock_on_the_wall_shows() -> None:
    window = partition_of(DAILY, "2013-11-03", spec(pa.string(), WALL_TIME)).window
    assert window is not None
    assert (window.start, window.end) == (moment("2013-11-03T00:00"), moment("2013-11-04T00:00"))


def test_an_hour_that_the_clock_on_the_wall_shows_twice_needs_a_time_zone() -> None:
    with pytest.raises(SliceInvalid, match="shows 2013-11-03 01:00 twice"):
        partition_of(HOURLY, "2013-11-03-01:00-0500", spec(WALL_TIME))


def test_a_date_column_cannot_hold_hours() -> None:
    with pytest.raises(SliceInvalid, match="cannot tell '2013-11-03-05:00' from its day"):
        partition_of(HOURLY, "2013-11-03-05:00", spec(pa.date32()))


def test_a_number_column_cannot_hold_days() -> None:
    with pytest.raises(SliceInvalid, match="is int32, which cannot hold the time"):
        partition_of(DAILY, "2013-11-03", spec(pa.int32()))


@pytest.mark.parametrize("key", ["01", "one"])
def test_a_static_key_must_be_the_one_spelling_of_its_value(key: str) -> None:
    with pytest.raises(SliceInvalid, match=f"'{key}' is not how a value"):
        partition_of(dg.StaticPartitionsDefinition([key]), key, spec(pa.int32()))


TWO = dg.MultiPartitionsDefinition({"day": DAILY, "region": dg.StaticPartitionsDefinition(["east", "it's west"])})


@pytest.mark.parametrize(
    ("partition_by", "values"),
    [
        (("day", "region"), ("2013-11-03", "east")),
        (("region", "day"), ("east", "2013-11-03")),
        (("region", "flown"), ("east", "2013-11-03")),
    ],
)
def test_two_dimensions_give_one_value_each_in_the_order_of_the_columns(partition_by: tuple[str, ...], values: tuple[str, ...]) -> None:
    columns = [("day", pa.date32()), ("flown", pa.date32()), ("region", pa.string())]
    found = partition_of(TWO, "2013-11-03|east", TableSpec("silver/things", pa.schema(columns), partition_by))
    assert found.values == values
    assert found.window is not None
    assert found.window.end - found.window.start == timedelta(hours=25)


def test_two_dimensions_whose_columns_have_other_names_are_refused() -> None:
    table = TableSpec("silver/things", pa.schema([("a", pa.date32()), ("b", pa.string())]), ("a", "b"))
    with pytest.raises(SliceInvalid, match="Name the partition columns as the dimensions"):
        partition_of(TWO, "2013-11-03|east", table)


def test_a_partitioned_asset_needs_a_partitioned_table() -> None:
    with pytest.raises(SliceInvalid, match="has no partition column"):
        partition_of(DAILY, "2013-11-03", TableSpec("silver/things", pa.schema([("n", pa.int64())])))


def test_an_asset_without_partitions_owns_the_whole_table_only_if_that_has_none_either() -> None:
    assert slice_of(None, [], TableSpec("silver/things", pa.schema([("n", pa.int64())]))).partitions == (WHOLE,)
    with pytest.raises(SliceInvalid, match="gives 0 values"):
        slice_of(None, [], spec(pa.string()))


@pytest.mark.slow
def test_every_hour_of_a_year_is_a_partition_of_its_own() -> None:
    keys = dg.HourlyPartitionsDefinition("2013-01-01-00:00", "2014-01-01-00:00", timezone=NEW_YORK).get_partition_keys()
    found = slice_of(HOURLY, keys, spec(UTC_TIME, UTC_TIME)).partitions
    windows = [partition.window for partition in found if partition.window]
    assert len(found) == len(windows) == 365 * 24
    assert all(before.end == after.start for before, after in pairwise(windows))


@pytest.mark.slow
@pytest.mark.parametrize("definition", [DAILY, MONTHLY, dg.DailyPartitionsDefinition("2013-01-01", end_date="2013-01-09", end_offset=1)])
def test_the_keys_that_are_remembered_are_those_of_now_whatever_the_clock_says(definition: dg.TimeWindowPartitionsDefinition) -> None:
    for text in ("2013-01-01T12:00", "2013-01-05T04:59", "2013-01-05T05:00", "2013-02-01T00:00", "2013-01-04T00:00", "2012-06-01T00:00"):
        with mock.patch("dagster._time._mockable_get_current_timestamp", return_value=moment(text).timestamp()):
            assert list(keys_of(definition)) == definition.get_partition_keys()
            assert list(keys_of(definition)) == definition.get_partition_keys(), "remembered"
