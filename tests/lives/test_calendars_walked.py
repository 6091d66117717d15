"""The walk through calendars: every hour of the days around a change of the clocks lies in one event partition, and it is the one that its rows go to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from products import DAY, MONTH, Calendar, Dataset, Product, write_contracts

from assay.contracts.reading.odcs import load_contracts
from assay.ingest.bronze import event_dates
from assay.orchestration.calendars import events_of
from assay.orchestration.partitions import slice_of
from assay.refine.step import silver_spec

if TYPE_CHECKING:
    from pathlib import Path

# zones whose clocks go forward and back by an hour, by half an hour or by two, at midnight or not at all; offsets of quarters of an hour
WALKS = {
    "Europe/Berlin": (date(2024, 3, 31), date(2024, 10, 27)),
    "America/New_York": (date(2024, 3, 10), date(2024, 11, 3)),
    "Australia/Lord_Howe": (date(2024, 4, 7), date(2024, 10, 6)),
    "Antarctica/Troll": (date(2024, 3, 31), date(2024, 10, 27)),
    "America/Sao_Paulo": (date(2018, 2, 18), date(2018, 11, 4)),
    "Africa/Casablanca": (date(2024, 3, 10), date(2024, 4, 14)),
    "Asia/Beirut": (date(2024, 3, 31), date(2024, 10, 27)),
    "America/Havana": (date(2024, 3, 10), date(2024, 11, 3)),
    "Asia/Kathmandu": (date(2024, 2, 29), date(2024, 12, 31)),
    "Pacific/Apia": (date(2011, 12, 30), date(2011, 9, 24)),
    "Pacific/Auckland": (date(2024, 4, 7), date(2024, 9, 29)),
    "UTC": (date(2024, 2, 29), date(2024, 12, 31)),
}


def hours_around(day: date) -> list[datetime]:
    """The half hours of five days."""
    first = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=2)
    return [first + timedelta(minutes=30 * number) for number in range(5 * 48)]


@pytest.mark.parametrize("grain", [DAY, MONTH])
@pytest.mark.parametrize("spelling", ["instant", "clock"])
@pytest.mark.parametrize("zone", WALKS)
def test_every_hour_lies_in_exactly_one_event_partition(zone: str, spelling: str, grain: str, tmp_path: Path) -> None:
    for day in WALKS[zone]:
        span = Calendar(grain, date(day.year, 1, 1), date(day.year + 1, 2, 1))
        dataset = Dataset("walk", zone, span, span, spelling=spelling)
        write_contracts(Product((dataset,)), tmp_path)
        contract = load_contracts(tmp_path)["walk"]
        definition = events_of(contract)
        assert definition is not None
        slice_ = slice_of(definition, definition.get_partition_keys(), silver_spec(contract))
        moments = hours_around(day)
        texts = [f"{moment:%Y-%m-%d %H:%M:%S}" if spelling == "clock" else moment.isoformat() for moment in moments]
        found = event_dates(pl.DataFrame({"moment": texts}), contract)
        for moment, said in zip(moments, found, strict=True):
            assert said == moment.astimezone(ZoneInfo(zone)).date(), f"{moment} in {zone}"
            holding = [partition.key for partition in slice_.partitions if partition.window and moment in partition.window]
            assert len(holding) == 1, f"{moment} in {zone} lies in {holding}"
            owner = slice_.owner((str(said.replace(day=1) if grain == MONTH else said),))
            assert owner is not None, f"{moment} in {zone}"
            assert owner.key == holding[0], f"{moment} in {zone} lies in {holding[0]}, its rows go to {owner.key}"
