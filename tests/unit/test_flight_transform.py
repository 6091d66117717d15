"""The flights transform: scheduled clocks and delays become instants that are right when the clocks change in between."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from flights.transforms import conform_flights

TEXT, MINUTES = pl.String, pl.Int32
SCHEMA = {
    "flight_date": pl.Date, "sched_dep_time": TEXT, "dep_time": TEXT, "dep_delay_minutes": MINUTES, "arr_delay_minutes": MINUTES,
}  # fmt: skip


def flight(**differs: Any) -> dict[str, Any]:
    row = {"flight_date": date(2013, 6, 1), "sched_dep_time": "515", "dep_time": "517", "dep_delay_minutes": 2, "arr_delay_minutes": 11}
    return pl.DataFrame([row | differs], schema=SCHEMA).lazy().pipe(conform_flights).collect().row(0, named=True)


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2013, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "scheduled", "delay", "expected"),
    [
        pytest.param(date(2013, 6, 1), "515", 2, (at(6, 1, 9, 15), at(6, 1, 9, 17)), id="summer"),
        pytest.param(date(2013, 1, 1), "515", -5, (at(1, 1, 10, 15), at(1, 1, 10, 10)), id="winter-and-early"),
        pytest.param(date(2013, 1, 1), "5", 0, (at(1, 1, 5, 5), at(1, 1, 5, 5)), id="five-past-midnight"),
        pytest.param(date(2013, 1, 1), "2400", 10, (at(1, 2, 5, 0), at(1, 2, 5, 10)), id="midnight-at-the-end"),
        pytest.param(date(2013, 1, 1), "2359", 1301, (at(1, 2, 4, 59), at(1, 3, 2, 40)), id="the-longest-delay-over-days"),
        pytest.param(date(2013, 3, 10), "130", 60, (at(3, 10, 6, 30), at(3, 10, 7, 30)), id="over-the-spring-change"),
        pytest.param(date(2013, 3, 10), "230", 0, (at(3, 10, 7, 30), at(3, 10, 7, 30)), id="in-the-spring-gap"),
        pytest.param(date(2013, 11, 3), "30", 120, (at(11, 3, 4, 30), at(11, 3, 6, 30)), id="over-the-autumn-change"),
        pytest.param(date(2013, 11, 3), "130", 0, (at(11, 3, 5, 30), at(11, 3, 5, 30)), id="the-first-of-the-repeated-hour"),
    ],
)
def test_the_actual_departure_is_the_scheduled_one_plus_the_delay(
    day: date, scheduled: str, delay: int, expected: tuple[datetime, datetime]
) -> None:
    done = flight(flight_date=day, sched_dep_time=scheduled, dep_delay_minutes=delay)
    assert (done["scheduled_departure_utc"], done["actual_departure_utc"]) == expected


def test_a_flight_that_never_departed_is_cancelled() -> None:
    done = flight(dep_time=None, dep_delay_minutes=None, arr_delay_minutes=None)
    assert (done["is_cancelled"], done["is_diverted"], done["actual_departure_utc"]) == (True, False, None)


def test_a_flight_that_departed_and_did_not_arrive_is_diverted() -> None:
    done = flight(arr_delay_minutes=None)
    assert (done["is_cancelled"], done["is_diverted"]) == (False, True)


@pytest.mark.parametrize("text", ["2460", "noon", None])
def test_a_schedule_that_is_no_clock_time_gives_no_instant(text: str | None) -> None:
    done = flight(sched_dep_time=text)
    assert (done["scheduled_departure_utc"], done["actual_departure_utc"]) == (None, None)


def test_rows_keep_their_number_and_order() -> None:
    frame = pl.DataFrame({name: [None] * 3 for name in SCHEMA}, schema=SCHEMA).with_columns(pl.Series("n", [3, 1, 2]))
    assert conform_flights(frame.lazy()).collect()["n"].to_list() == [3, 1, 2]
