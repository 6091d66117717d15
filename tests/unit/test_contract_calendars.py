"""Calendars as values: which partitions a contract has, in zones whose days are short, long or missing, and Dagster's view of the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import dagster as dg
import pyarrow as pa
import pytest

from assay.contracts.model.calendars import Calendar, covering, midnight
from assay.contracts.model.contract import Grain, Partitioning
from assay.errors import ContractInvalid
from assay.gold.calendars import months_of
from assay.lake.slices import TableSpec
from assay.orchestration.calendars import definition_of, keys_between, name_of
from assay.orchestration.partitions import slice_of

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia", "Antarctica/Troll", "America/Asuncion"]
SPEC = TableSpec("silver/things", pa.schema([("part", pa.date32()), ("at", pa.timestamp("us", "UTC"))]), ("part",), "at")


def days(zone: str, start: str, end: str | None = None) -> Calendar:
    return Calendar(Grain.DAY, zone, date.fromisoformat(start), date.fromisoformat(end) if end else None)


def months(zone: str, start: str, end: str | None = None) -> Calendar:
    found = covering(Partitioning(Grain.MONTH, date.fromisoformat(start), date.fromisoformat(end) if end else None), zone)
    assert found is not None
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    "calendar", [("day", "2011-12-20", "2012-01-10"), ("day", "2023-03-25", "2023-11-10"), ("month", "2010-03-17", "2024-05-03")]
)
def test_dagsters_partitions_are_those_of_the_calendar_and_lie_side_by_side(zone: str, calendar: tuple[str, str, str]) -> None:
    grain, start, end = calendar
    made = (days if grain == "day" else months)(zone, start, end)
    definition = definition_of(made)
    assert definition is not None
    keys, first = definition.get_partition_keys(), made.start
    wanted = []
    while made.has(first):
        wanted.append(first.isoformat())
        first = made.after(first)
    assert keys == wanted
    slice_ = slice_of(definition, keys, SPEC)
    assert [partition.values for partition in slice_.partitions] == [(key,) for key in keys]
    windows = [partition.window for partition in slice_.partitions if partition.window]
    assert all(before.end == after.start for before, after in pairwise(windows))
    assert [window.start for window in windows] == [midnight(date.fromisoformat(key), zone) for key in keys]


def test_a_day_that_a_zone_never_had_has_no_instant_but_a_date_may_say_it() -> None:
    definition = definition_of(days("Pacific/Apia", "2011-12-28", "2012-01-02"))
    assert definition is not None
    dates = TableSpec("silver/things", pa.schema([("part", pa.date32())]), ("part",), "part")
    windows = {one.key: one.window for one in slice_of(definition, definition.get_partition_keys(), SPEC).partitions}
    named = {one.key: one.window for one in slice_of(definition, definition.get_partition_keys(), dates).partitions}
    missing = windows["2011-12-30"], named["2011-12-30"]
    assert missing[0] is not None
    assert missing[1] is not None
    assert missing[0].start == missing[0].end == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert (missing[1].start, missing[1].end) == (datetime(2011, 12, 30, tzinfo=UTC), datetime(2011, 12, 31, tzinfo=UTC))


def test_months_that_start_or_end_cut_are_whole_partitions() -> None:
    cut = months("UTC", "2024-01-15", "2024-03-10")
    assert cut == months("UTC", "2024-01-01", "2024-04-01")
    assert months("UTC", "2024-01-15", "9999-12-31").end == date(9999, 12, 1)
    definition = definition_of(cut)
    assert definition is not None
    assert definition.get_partition_keys() == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert keys_between(definition, date(2024, 1, 31), date(2024, 2, 1)) == ["2024-01-01", "2024-02-01"]


def test_a_year_that_dagster_cannot_spell_is_refused_by_name() -> None:
    with pytest.raises(ContractInvalid, match="begins on 0001-01-01; Dagster names partitions from the year 1000 on"):
        definition_of(days("Asia/Kolkata", "0001-01-01"))


@pytest.mark.parametrize(
    ("calendar", "now", "expected"),
    [
        (days("America/New_York", "2013-01-01"), "2013-03-11T10:00", "2013-03-10"),
        (days("America/New_York", "2013-01-01"), "2013-03-11T03:59", "2013-03-09"),
        (days("Pacific/Apia", "2011-01-01"), "2011-12-30T11:00", "2011-12-29"),
        (months("UTC", "2024-01-01"), "2024-06-03T06:00", "2024-05-01"),
        (months("America/New_York", "2024-01-01"), "2024-06-01T03:59", "2024-04-01"),
        (months("Asia/Kolkata", "2024-01-01"), "2024-05-31T18:30", "2024-05-01"),
        (months("Antarctica/Troll", "2024-01-01"), "2024-03-31T22:00", "2024-03-01"),
    ],
)
def test_what_was_over_last_is_told_by_the_clock_of_the_zone(calendar: Calendar, now: str, expected: str) -> None:
    assert calendar.before(datetime.fromisoformat(now + "+00:00")).isoformat() == expected


def test_months_of_a_model_cover_its_inputs_and_begin_where_they_end_last() -> None:
    india, york = days("Asia/Kolkata", "2024-01-10", "2024-03-20"), days("America/New_York", "2024-02-01", "2024-05-01")
    assert months_of([india], of_dates=True) == months("Asia/Kolkata", "2024-01-01", "2024-04-01")
    assert (
        months_of([india, york], of_dates=True)
        == months_of([york, india], of_dates=True)
        == months("America/New_York", "2024-01-01", "2024-05-01")
    )
    assert months_of([india, days("UTC", "2024-06-01")], of_dates=True) == replace(months("UTC", "2024-01-01"), current=True)


def test_the_month_of_now_of_a_model_is_made_of_the_days_that_are_over_where_all_that_it_reads_has_days_up_to_now() -> None:
    india, york = days("Asia/Kolkata", "2024-01-01"), days("America/New_York", "2024-01-01")
    assert months_of([india, york], of_dates=True).current
    assert months_of([york], of_dates=False).current
    assert months_of([york, days("UTC", "2024-01-01", "2024-03-01")], of_dates=True).current
    assert not months_of([days("UTC", "2024-01-01", "2024-03-01")], of_dates=True).current
    assert not months_of([york, months("America/New_York", "2024-01-01")], of_dates=True).current, "it would be there by halves"
    assert months_of([replace(york, current=True), months("America/New_York", "2024-01-01")], of_dates=True).current, "it was asked for"


def test_months_of_timestamps_are_those_of_utc_that_the_local_days_reach_into() -> None:
    assert months_of([days("Asia/Kolkata", "2024-01-01", "2024-03-01")], of_dates=False) == months("UTC", "2023-12-01", "2024-03-01")
    assert months_of([days("America/New_York", "2024-01-01", "2024-03-01")], of_dates=False) == months("UTC", "2024-01-01", "2024-04-01")
    assert months_of([days("UTC", "2024-01-01", "2024-03-01")], of_dates=False) == months("UTC", "2024-01-01", "2024-03-01")


def test_a_name_tells_layer_and_calendar_and_no_two_calendars_share_one() -> None:
    made = [
        days("Etc/GMT+5", "2024-01-01"),
        days("Etc/GMT-5", "2024-01-01"),
        days("UTC", "2024-01-01", "2024-02-01"),
        months("UTC", "2024-01-01"),
    ]
    assert [name_of("silver", definition_of(one)) for one in made] == [
        "daily_silver_from_20240101_Etc_GMTplus5", "daily_silver_from_20240101_Etc_GMTminus5", "daily_silver_from_20240101_to_20240201_UTC",
        "monthly_silver_from_20240101_UTC",
    ]  # fmt: skip
    assert name_of("bronze", None) == "snapshot_bronze"
    dg.define_asset_job(name_of("bronze", definition_of(days("America/Port-au-Prince", "2024-01-01"))))
