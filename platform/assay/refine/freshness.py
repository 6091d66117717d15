"""Freshness: how old the newest published data are, against what the contract promises (`latency`).

Told by the data and not by when something ran: a backfill of an old day makes nothing fresh. Read from the table's log alone, the file
statistics and partition values; no data file is opened. Nothing here asks the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assay.lake.log import LOG
from assay.lake.log_entries import committed_at
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.lake.snapshots import Snapshot

CLOCKS_DIFFER = timedelta(hours=1)  # so far may the clocks of those who stamp rows be ahead


@dataclass(frozen=True, slots=True)
class Freshness:
    """The newest data of a dataset. `began` is the first instant that they may be about, `until` the last; a whole day for a date."""

    began: datetime
    until: datetime
    promised: timedelta
    told_by: str

    @property
    def deadline(self) -> datetime:
        """Until when data as new as these keep the promise."""
        return self.until + self.promised

    def complaint(self, now: datetime) -> str | None:
        """Why the promise is broken; None if it is kept. Newest data of the future hide how old the others are, so they break it."""
        if self.began > now + CLOCKS_DIFFER:
            return (
                f"The newest data are of the future: {self.told_by} says {self.began:%Y-%m-%d %H:%M} UTC, and hides how old the others are."
            )
        if now > self.deadline:
            return (
                f"Newer data than those of {self.began:%Y-%m-%d %H:%M} UTC ({self.told_by}) were due by {self.deadline:%Y-%m-%d %H:%M} UTC."
            )
        return None


def freshness(lake: Path, contract: Contract) -> Freshness | None:
    """How fresh a dataset is; None if the contract promises nothing, or nothing was published yet.

    Told by the column that the contract names; else by the partition of the newest rows; else, for a table without events, by its last
    publication. A date stands for its whole day, in the contract's zone.
    """
    table = newest(lake, f"silver/{contract.dataset}")
    if contract.freshness is None or table is None:
        return None
    column = contract.freshness_column or contract.partitioning.column
    if column is None:
        published = committed_at(table.folder / LOG, table.version)
        return Freshness(published, published, contract.freshness, "the last publication")
    found = max(_values(table, column), default=None)
    if found is None:
        return None
    if isinstance(found, datetime):
        return Freshness(found, found, contract.freshness, column)
    zone = ZoneInfo(contract.event_time.zone) if contract.event_time else UTC
    first, after = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (found, found + timedelta(days=1)))
    return Freshness(first, after, contract.freshness, column)


def _values(table: Snapshot, column: str) -> Iterator[date | datetime]:
    """The greatest value of the column in each file that has rows; a file of nothing but nulls has none."""
    place = table.partition_by.index(column) if column in table.partition_by else None
    for file in table.files:
        value = date.fromisoformat(file.values[place]) if place is not None else file.high.get(column)
        if file.rows and value is not None:
            yield value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else value
