"""Which months a gold model has: those that cover the calendars of all that it reads, and of nothing else.

A month of a date begins at midnight in the zone of the inputs. A month of a timestamp is one in UTC, as such times are stored: then a local
day at its edge lies in two months, and concerns both.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assay.contracts.model.calendars import UTC_ZONE, Calendar, event_calendar, midnight, next_month, whole_months
from assay.contracts.model.contract import Grain
from assay.gold.models import LAYER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assay.contracts.model.contract import Contract
    from assay.gold.models import Model
    from assay.lake.snapshots import DataFile

APART = timedelta(days=2)  # more than what the clocks of two zones differ by
LONGEST = timedelta(days=31) + APART  # from the first day of a partition to what it can still concern


def calendars_of(models: Sequence[Model], contracts: Mapping[str, Contract]) -> dict[str, Calendar]:
    """The calendars of the tables that models read, and of the models themselves, by table; none for a table without partitions.

    `models` come upstream first. A model that is built whole, or reads no table with partitions, has no calendar.
    """
    found = {f"silver/{name}": calendar for name, contract in contracts.items() if (calendar := event_calendar(contract))}
    inputs: dict[str, set[Calendar]] = {table: {calendar} for table, calendar in found.items()}
    for model in models:
        inputs[model.table] = set().union(*(inputs.get(table, set()) for table in model.reads)) if not model.is_whole else set()
        if inputs[model.table]:
            found[model.table] = months_of(inputs[model.table], of_dates=tells_dates(model))
    return found


def tells_dates(model: Model) -> bool:
    """Whether the event time of a model is a date; else it is a timestamp, of which months are those of UTC."""
    return any(column.name == model.event_time and column.data_type.lower() == "date" for column in model.columns)


def months_of(inputs: Iterable[Calendar], *, of_dates: bool) -> Calendar:
    """The months that cover some calendars. Of several zones that counts in which a month ends last: it is over in all of them then.

    The current month is made where the current partition of any input is; and where all inputs have days up to now: of those that are over.
    """
    known = list(inputs)
    if of_dates:
        first = min(calendar.start for calendar in known)
        zone = min({calendar.zone for calendar in known}, key=lambda one: (_offset(first, one), one))
        starts, ends = [first], [calendar.end for calendar in known]
    else:
        zone = UTC_ZONE
        starts = [midnight(calendar.start, calendar.zone).date() for calendar in known]
        ends = [_day_after(midnight(calendar.end, calendar.zone)) if calendar.end else None for calendar in known]
    last = None if None in ends else max(end for end in ends if end)
    current = any(calendar.current for calendar in known) or (last is None and all(calendar.grain is Grain.DAY for calendar in known))
    return Calendar(Grain.MONTH, zone, min(starts).replace(day=1), whole_months(last) if last else None, current)


def _offset(day: date, zone: str) -> timedelta:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).utcoffset() or timedelta()


def _day_after(moment: datetime) -> date:
    """The first day in UTC that begins at a moment or after it."""
    return moment.date() if moment == midnight(moment.date(), UTC_ZONE) else moment.date() + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reach:
    """What concerns a month of a model: days [start, end) by their names, and by the instants of its zone."""

    start: date
    end: date
    zone: str

    def near(self, files: Sequence[DataFile]) -> Sequence[DataFile]:
        """Of files in the order of their partitions those that may concern it, and some more: a month looks at its own, not at years."""
        since = date.fromordinal(max(self.start.toordinal() - LONGEST.days, date.min.toordinal()))
        until = date.fromordinal(min(self.end.toordinal() + APART.days, date.max.toordinal()))
        return files[bisect_left(files, since.isoformat(), key=_first) : bisect_right(files, until.isoformat(), key=_first)]

    def holds(self, calendar: Calendar, file: DataFile) -> bool:
        """Whether the partition of a file may have rows in it."""
        return self.concerns(calendar, date.fromisoformat(file.values[0]))

    def concerns(self, calendar: Calendar, first: date) -> bool:
        """Whether a partition may have rows in it."""
        return calendar.overlaps(first, self.start, self.end) or self.meets(calendar, first)

    def first_of(self, calendar: Calendar) -> date | None:
        """The first partition that may have rows in it; None if there is none."""
        first = calendar.first_of(max(calendar.start, self.start - LONGEST))
        while first < self.end + LONGEST and not self.concerns(calendar, first):
            first = calendar.after(first)
        return first if first < self.end + LONGEST else None

    def meets(self, calendar: Calendar, first: date) -> bool:
        """Whether a partition of another zone lies partly in it."""
        differs = calendar.zone != self.zone and calendar.overlaps(first, self.start - APART, self.end + APART)
        return differs and calendar.meets(first, midnight(self.start, self.zone), midnight(self.end, self.zone))

    def has_rows(self, calendar: Calendar, file: DataFile, *, of_dates: bool) -> bool:
        """Whether a file makes it worth building: it is of one of its days, or holds times that lie in it."""
        first = date.fromisoformat(file.values[0])
        if of_dates or calendar.zone == self.zone:
            return calendar.overlaps(first, self.start, self.end)
        began, ended = midnight(self.start, self.zone), midnight(self.end, self.zone)
        times = [name for name, low in file.low.items() if isinstance(low, datetime) and low.tzinfo is not None]
        inside = midnight(first, calendar.zone) >= began and midnight(calendar.after(first), calendar.zone) <= ended
        return calendar.meets(first, began, ended) and (inside or not times or any(file.may_hold(name, began, ended) for name in times))


def reach_of(model: Model, month: date, calendar: Calendar) -> Reach:
    """What a month of a model is made from. `calendar` is the model's own."""
    start, end = month - timedelta(days=model.lookback_days), next_month(month) + timedelta(days=model.lookahead_days)
    return Reach(start, end, calendar.zone)


def _first(file: DataFile) -> str:
    return file.values[0]


def layers(models: Sequence[Model], calendars: Mapping[str, Calendar]) -> list[list[Model]]:
    """The models in levels: those of a level that share a calendar are built together, and read others of levels before alone.

    `models` come upstream first.
    """
    level: dict[str, int] = {}
    for model in models:
        above = [table for table in model.depends_on if table.startswith(f"{LAYER}/") and table in level]
        level[model.table] = max((level[table] + (calendars.get(table) != calendars.get(model.table)) for table in above), default=0)
    return [[model for model in models if level[model.table] == number] for number in range(max(level.values(), default=-1) + 1)]


def months_between(start: date, end: date) -> list[date]:
    """The first days of the months that overlap [start, end)."""
    found, month = [], start.replace(day=1)
    while month < end:
        found.append(month)
        month = next_month(month)
    return found


def stretches(months: Sequence[date]) -> Iterator[list[date]]:
    """Cut sorted months into stretches without a gap: a build has one window."""
    stretch: list[date] = []
    for month in months:
        if stretch and next_month(stretch[-1]) != month:
            yield stretch
            stretch = []
        stretch.append(month)
    if stretch:
        yield stretch
