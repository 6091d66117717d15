"""Clocks: local times become instants, compared with `zoneinfo` on every minute of the days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.refine.clock import local_to_utc, minutes_of_clock

NEW_YORK = "America/New_York"
# on both sides of Greenwich and of the equator, with half an hour of change, with quarters, and a day that was skipped
ZONES = [
    NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca", "Etc/UTC",
    "America/Sao_Paulo", "Pacific/Auckland",
]  # fmt: skip


def to_utc(day: date, minutes: list[int], zone: str = NEW_YORK) -> list[datetime]:
    frame = pl.DataFrame({"day": [day] * len(minutes), "minutes": minutes}, schema={"day": pl.Date, "minutes": pl.Int32})
    return frame.select(local_to_utc(pl.col("day"), pl.col("minutes"), zone)).to_series().to_list()


def by_zoneinfo(day: date, minutes: int, zone: str) -> datetime:
    """`fold=0` is what we promise: the first of two, and the offset before a gap."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)  # noqa: DTZ001  # a wall clock
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def minutes_of(*texts: str | None) -> list[int | None]:
    return pl.DataFrame({"text": texts}, schema={"text": pl.String}).select(minutes_of_clock(pl.col("text"))).to_series().to_list()


@pytest.mark.parametrize(
    ("text", "minutes"), [("5", 5), ("0", 0), ("517", 317), ("0517", 317), ("2359", 1439), ("2400", 1440), ("1000", 600)]
)
def test_a_clock_text_is_minutes_since_midnight(text: str, minutes: int) -> None:
    assert minutes_of(text) == [minutes]


@pytest.mark.parametrize("text", ["60", "1260", "2401", "2460", "9999", "12:30", "-5", "", " 5", "5.0", "12345", "NA", "\u0663", None])
def test_what_is_no_clock_time_is_null(text: str | None) -> None:
    assert minutes_of(text) == [None]


def test_every_clock_text_of_a_day_is_read() -> None:
    assert minutes_of(*(f"{hour}{minute:02d}" for hour in range(24) for minute in range(60))) == list(range(1440))


@pytest.mark.parametrize("day", [date(2013, 3, 10), date(2013, 11, 3), date(2013, 7, 1)], ids=["spring", "autumn", "summer"])
def test_every_minute_of_a_day_is_what_zoneinfo_says(day: date) -> None:
    assert to_utc(day, list(range(1441))) == [by_zoneinfo(day, minute, NEW_YORK) for minute in range(1441)]


def test_a_clock_time_that_the_spring_skips_has_the_offset_before() -> None:
    assert to_utc(date(2013, 3, 10), [119, 120, 150, 180]) == [
        datetime(2013, 3, 10, 6, 59, tzinfo=UTC),
        datetime(2013, 3, 10, 7, 0, tzinfo=UTC),
        datetime(2013, 3, 10, 7, 30, tzinfo=UTC),
        datetime(2013, 3, 10, 7, 0, tzinfo=UTC),
    ]


def test_a_clock_time_that_the_autumn_repeats_is_the_first() -> None:
    assert to_utc(date(2013, 11, 3), [59, 90, 120]) == [
        datetime(2013, 11, 3, 4, 59, tzinfo=UTC),
        datetime(2013, 11, 3, 5, 30, tzinfo=UTC),
        datetime(2013, 11, 3, 7, 0, tzinfo=UTC),
    ]


def test_2400_is_midnight_at_the_end_of_the_day() -> None:
    assert to_utc(date(2013, 3, 9), [1440]) == to_utc(date(2013, 3, 10), [0]) == [datetime(2013, 3, 10, 5, tzinfo=UTC)]


def test_a_day_that_a_country_skipped_has_the_offset_before() -> None:
    assert to_utc(date(2011, 12, 30), [600], "Pacific/Apia") == [by_zoneinfo(date(2011, 12, 30), 600, "Pacific/Apia")]


def test_an_absent_day_or_clock_gives_no_instant() -> None:
    frame = pl.DataFrame({"day": [None, date(2013, 3, 10)], "minutes": [5, None]}, schema={"day": pl.Date, "minutes": pl.Int32})
    assert frame.select(local_to_utc(pl.col("day"), pl.col("minutes"), NEW_YORK)).to_series().to_list() == [None, None]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(1995, 1, 1), date(2022, 12, 31)),
    minutes=st.lists(st.integers(0, 1440), min_size=1, max_size=20),
)
def test_any_zone_and_date_are_what_zoneinfo_says(zone: str, day: date, minutes: list[int]) -> None:
    assert to_utc(day, minutes, zone) == [by_zoneinfo(day, minute, zone) for minute in minutes]
