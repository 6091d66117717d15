"""Calendars: the days or months into which a table is cut, as a value: how long one is, in which zone it begins, which is the first.

A calendar belongs to one dataset, or to the inputs of one gold model. Which of its partitions are over already is Dagster's business
(`orchestration/calendars.py`): nothing here asks the clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assay.contracts.model.contract import Grain

if TYPE_CHECKING:
    from assay.contracts.model.contract import Contract, Partitioning

UTC_ZONE = "UTC"
EARLIEST, LATEST = date(1, 1, 2), date(9999, 12, 30)  # in every zone both begin within the years that there are
LAST_MONTH = date(9999, 12, 1)  # no date follows it


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days or months over [start, end) that begin at midnight in `zone`; no end means up to now. A partition is named by its first day.

    Both ends are first days of partitions: see `covering`. With `current` there is also the one that is not over yet.
    """

    grain: Grain
    zone: str
    start: date
    end: date | None = None
    current: bool = field(default=False, repr=False)  # decides when a partition is made, not what is in it

    def first_of(self, day: date) -> date:
        """The partition in which a day lies."""
        return day.replace(day=1) if self.grain is Grain.MONTH else day

    def after(self, first: date) -> date:
        """The partition that follows."""
        return next_month(first) if self.grain is Grain.MONTH else first + timedelta(days=1) if first < date.max else first

    def before(self, moment: datetime) -> date:
        """The newest partition that is over at a moment, whether the calendar has it or not. A day that the zone never had is none."""
        current = self.first_of(moment.astimezone(ZoneInfo(self.zone)).date())
        found = self.first_of(current - timedelta(days=1))
        while midnight(found, self.zone) == midnight(current, self.zone):
            found = self.first_of(found - timedelta(days=1))
        return found

    def has(self, first: date) -> bool:
        """Whether it has, or will have, a partition of this name."""
        return self.first_of(first) == first and self.start <= first and (self.end is None or first < self.end)

    def overlaps(self, first: date, start: date, end: date) -> bool:
        """Whether a partition shares a day with [start, end), by the names of the days."""
        return first < end and self.after(first) > start

    def meets(self, first: date, start: datetime, end: datetime) -> bool:
        """Whether a partition shares an instant with [start, end)."""
        return midnight(first, self.zone) < end and midnight(self.after(first), self.zone) > start


def midnight(day: date, zone: str) -> datetime:
    """The instant, in UTC, at which a day begins; where clocks skip midnight, that at which they do."""
    day = min(max(day, EARLIEST), LATEST)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def covering(partitioning: Partitioning, zone: str, *, current: bool = False) -> Calendar | None:
    """The calendar of a table's partitions: of months those that overlap [start, end). None for a table without partitions."""
    if partitioning.grain is Grain.NONE or partitioning.start is None:
        return None
    start, end = partitioning.start, partitioning.end
    if partitioning.grain is Grain.MONTH:
        start, end = start.replace(day=1), None if end is None else whole_months(end)
    return Calendar(partitioning.grain, zone, start, end, current)


def whole_months(end: date) -> date:
    """The end of the last month that begins before `end`."""
    return end if end.day == 1 else next_month(end) if end < LAST_MONTH else LAST_MONTH


def zone_of(contract: Contract) -> str:
    """The time zone in which a dataset's days and months begin."""
    return contract.event_time.zone if contract.event_time else UTC_ZONE


def arrival_calendar(contract: Contract) -> Calendar | None:
    """The partitions of a dataset's bronze table."""
    return covering(contract.arrival, zone_of(contract), current=contract.include_current)


def event_calendar(contract: Contract) -> Calendar | None:
    """The partitions of a dataset's silver table."""
    return covering(contract.partitioning, zone_of(contract), current=contract.include_current)
