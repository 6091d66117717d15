"""Plans of thousands of partitions: what looks at few of them finds the same as what would look at all."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from assay.contracts.model.calendars import Calendar, next_month
from assay.contracts.model.contract import Grain
from assay.gold.calendars import Reach
from assay.lake.slices import Partition
from assay.lake.snapshots import DataFile
from assay.orchestration.waiting import days_of, reaches, waiting
from orders import orders_contract

if TYPE_CHECKING:
    from pathlib import Path

FIRST = date(2024, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(800)]
MONTHS = [day for day in DAYS if day.day == 1]


@pytest.mark.parametrize("grain", [Grain.DAY, Grain.MONTH])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/New_York"])
def test_a_month_of_gold_finds_its_files_without_looking_at_those_of_years(grain: Grain, zone: str) -> None:
    calendar = Calendar(grain, zone, FIRST)
    firsts = DAYS if grain is Grain.DAY else MONTHS
    files = [DataFile(f"{day}.parquet", (day.isoformat(),), 1, 1, {}, {}) for day in firsts]
    for month in MONTHS:
        for back in (0, 6, 40):
            reach = Reach(month - timedelta(days=back), next_month(month), "UTC")
            assert [one for one in reach.near(files) if reach.holds(calendar, one)] == [one for one in files if reach.holds(calendar, one)]
    assert len(reach.near(files)) < 120


def test_the_first_and_the_last_days_that_there_are_have_files_near() -> None:
    files = [DataFile("a", ("0001-01-02",), 1, 1, {}, {}), DataFile("z", ("9999-12-30",), 1, 1, {}, {})]
    assert Reach(date(1, 1, 1), date(9999, 12, 31), "UTC").near(files) == files


@pytest.mark.parametrize("events", ["day", "month"])
@pytest.mark.parametrize("arrivals", ["day", "month"])
def test_a_partition_waits_for_exactly_the_arrivals_that_share_a_day_with_it(events: str, arrivals: str, tmp_path: Path) -> None:
    contract = orders_contract(
        tmp_path, "{grain: day, start: 2024-01-01, end: 2024-02-01}\n      - property: arrival\n        value: {grain: day",
        f"{{grain: {events}, start: 2024-01-01, end: 2026-01-01}}\n      - property: arrival\n        value: {{grain: {arrivals}",
    )  # fmt: skip
    partitions = [Partition(day.isoformat(), (day.isoformat(),)) for day in (DAYS if events == "day" else MONTHS)]
    known = [day.isoformat() for day in (DAYS if arrivals == "day" else MONTHS)]
    for landed in ([], known[:1], known[5:6], known[-1:], [*known[3:20:5], known[-2]], known[::-1]):
        each = {part.key for part in partitions if any(reaches(contract, one, days_of(contract, [part])) for one in landed)}
        assert waiting(contract, partitions, landed) == each
    assert waiting(contract, [], known) == set()
