"""The oracle: what the documents say becomes of every row, in a few lines of plain Python. It imports nothing of Assay and reads no table."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from products import DAY, MONTH, NONE, Calendar, Dataset, Product

if TYPE_CHECKING:
    from events import Landing, Row, Rows

Published = tuple[Any, ...]
READABLE, FROM_START, BEFORE_END = "event_time_readable", "event_time_from_start", "event_time_before_end"


@dataclass
class Fates:
    """What became of the rows of one dataset, by partition key; `inputs` says from what each partition is made."""

    published: dict[str, list[Published]] = field(default_factory=dict)
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    arrivals: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, object] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)  # arrivals that keep what they had, because a file of theirs cannot be read
    waits: set[str] = field(default_factory=set)  # partitions that such an arrival concerns: they keep what they had, too


def first_day(day: date, grain: str) -> date:
    return day.replace(day=1) if grain == MONTH else day


def is_over(day: date, grain: str, zone: str, now: datetime) -> bool:
    """Whether the day or month of a date is over, on the clocks of a zone."""
    after = (day.replace(day=1) + timedelta(days=31)).replace(day=1) if grain == MONTH else day + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(zone)).astimezone(UTC) <= now.astimezone(UTC)


def is_there(day: date, calendar: Calendar, dataset: Dataset, now: datetime) -> bool:
    """Whether the partition of a day can be made: it is over, or it has begun and the contract includes that of now."""
    if calendar.grain == NONE or dataset.current:
        return first_day(day, calendar.grain) <= now.astimezone(ZoneInfo(dataset.zone)).date()
    return is_over(day, calendar.grain, dataset.zone, now)


def has_partition(day: date, calendar: Calendar) -> bool:
    """Whether a file of a day has an arrival partition; months are whole, also those that `start` or `end` cut."""
    if calendar.grain != MONTH or calendar.start is None:
        return lies_in(day, calendar)
    return day.replace(day=1) >= calendar.start.replace(day=1) and (calendar.end is None or day.replace(day=1) < calendar.end)


def lies_in(day: date, calendar: Calendar) -> bool:
    return (calendar.start is None or day >= calendar.start) and (calendar.end is None or day < calendar.end)


def by_size(name: str) -> list[tuple[bool, int, str]]:
    """How names are ordered: numbers in them by their size."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split("([0-9]+)", name)]


class Oracle:
    """Remembers which files were taken, because a file that is archived away keeps its rows published."""

    def __init__(self) -> None:
        self.taken: dict[str, dict[tuple[date, str], Rows]] = {}
        self.ever: dict[str, set[str]] = {}
        self.before: dict[str, Fates] = {}
        self.said: dict[str, tuple[str, str]] = {}
        self.moved: set[str] = set()

    def look(self, product: Product, landing: Landing, now: datetime) -> dict[str, Fates]:
        """The fates of all rows once everything that can be done is done."""
        found: dict[str, Fates] = {}
        for dataset in product.datasets:
            found[dataset.name] = self._dataset(dataset, landing.get(dataset.name, {}), found, now)
        return found

    @staticmethod
    def gold(product: Product, model: tuple[str, ...], fates: dict[str, Fates], now: datetime) -> list[tuple[Any, ...]]:
        """The rows of a model: a day's counts and sums of its datasets, of the months that can be made for all of them."""
        if not all(fates[name].published for name in model):
            return []
        days: dict[date, list[Any]] = {}
        calendars = [product.of(name).events for name in model if product.of(name).events.grain != NONE]
        by_day_up_to_now = {one.grain for one in calendars} == {DAY} and any(one.end is None for one in calendars)
        current = any(product.of(name).current for name in model) or by_day_up_to_now
        for place, name in enumerate(model):
            for row in (row for rows in fates[name].published.values() for row in rows):
                if all(is_there(row[0], Calendar(MONTH), replace(product.of(one), current=current), now) for one in model):
                    day = days.setdefault(row[0], [0, None] * len(model))
                    day[2 * place] += 1
                    if row[2] is not None:
                        day[2 * place + 1] = (day[2 * place + 1] or 0.0) + product.factor * float(row[2])
        return sorted((day.replace(day=1), day, *found) for day, found in days.items())

    def _dataset(self, dataset: Dataset, landing: dict[tuple[date, str], Rows | None], others: dict[str, Fates], now: datetime) -> Fates:
        taken, fates, grain = self.taken.setdefault(dataset.name, {}), Fates(), dataset.arrivals.grain
        there = {
            file: rows
            for file, rows in landing.items()
            if has_partition(file[0], dataset.arrivals) and is_there(file[0], dataset.arrivals, dataset, now)
        }
        fates.unread = unreadable(dataset, {**taken, **there})
        taken |= {file: rows for file, rows in there.items() if rows is not None and arrival_of(file[0], dataset) not in fates.unread}
        batches: dict[str, dict[Rows, tuple[date, str]]] = {}
        counted = [file for file in taken if has_partition(file[0], dataset.arrivals)]
        files = sorted(counted, key=lambda file: (file[0], by_size(dataset.file(*file))))
        for file in files[-1:] if grain == NONE else files:
            key = arrival_of(file[0], dataset)
            batches.setdefault(key, {}).setdefault(taken[file], file)
        taken.clear()  # of one content the first name is remembered, of a snapshot the newest file
        taken |= {file: rows for batch in batches.values() for rows, file in batch.items()}
        if dataset.is_reference and batches:
            fates.published["all"] = []
        fates.arrivals = {key: sum(len(rows) for rows in batch) for key, batch in batches.items()}
        known = {row[-1] for rows in others[dataset.refers_to].published.values() for row in rows} if dataset.refers_to else None
        waits = dataset.refers_to is not None and not others[dataset.refers_to].published
        self._judge(dataset, batches, known, fates, now, waits=waits)
        referred = repr(sorted(others[dataset.refers_to].published.items())) if dataset.refers_to else ""
        fates.inputs = {key: (inputs, referred) for key, inputs in fates.inputs.items()}
        for key in empty_partitions(dataset, [key for key, rows in fates.arrivals.items() if not rows], now) if not waits else ():
            fates.published.setdefault(key, [])
        self._refuse(dataset, fates)
        self._keep(dataset, fates)
        ever = self.ever.setdefault(dataset.name, set())
        if self._is_moved(dataset, ever):
            ever.clear()
        ever |= set(fates.published)
        for key in ever:
            fates.published.setdefault(key, []).sort(key=repr)
        self.before[dataset.name] = fates
        return fates

    def _is_moved(self, dataset: Dataset, ever: set[str]) -> bool:
        """Whether the table is of another calendar than it was, and is replaced whole: of its old partitions nothing stays."""
        said = dataset.zone, dataset.events.grain
        before, self.said[dataset.name] = self.said.get(dataset.name, said), said
        outside = [key for key in ever if key != "all" and not has_partition(date.fromisoformat(key), dataset.events)]
        if before != said or outside:
            self.moved.add(dataset.name)
        return before != said or bool(outside)

    def _refuse(self, dataset: Dataset, fates: Fates) -> None:
        """A partition that breaks a promise about the whole of it keeps its last good version, or is not there."""
        before = self.before.get(dataset.name, Fates())
        for key in [key for key in fates.published if is_refused(dataset, key, fates)]:
            fates.refused.add(key)
            keep(key, fates, before)

    def _keep(self, dataset: Dataset, fates: Fates) -> None:
        """A partition that an unreadable arrival covers stays as it was, and waits."""
        before = self.before.get(dataset.name, Fates())
        grain = dataset.events.grain
        for key in {*fates.published, *before.published, *fates.refused} if fates.unread else ():
            days = (
                [key] if grain != MONTH or "all" in fates.unread else [str(date.fromisoformat(key) + timedelta(days=n)) for n in range(31)]
            )
            reached = {
                key if key == "all" else arrival_of(date.fromisoformat(day), dataset) for day in days if day[:7] == key[:7] or key == "all"
            }
            if reached & fates.unread:
                fates.waits.add(key)
                keep(key, fates, before)
        fates.refused -= fates.waits

    def _judge(self, dataset: Dataset, batches: Any, known: set[Any] | None, fates: Fates, now: datetime, *, waits: bool) -> None:
        latest: dict[Any, tuple[str, Published]] = {}
        for arrival, batch in batches.items():
            for rows, file in batch.items():
                for number, row in enumerate(rows):
                    day = None if dataset.is_reference else event_day(row[1], dataset)
                    if not dataset.is_reference and (day is None or not lies_in(day, dataset.events)):
                        fates.held[f"arrival/{arrival}", set_aside(day, dataset.events)] += 1
                        continue
                    if waits or (day is not None and not is_there(day, dataset.events, dataset, now)):
                        fates.waiting += 1
                        continue
                    value = first_day(day, dataset.events.grain) if day else None
                    key = value.isoformat() if value else "all"
                    fates.published.setdefault(key, [])
                    fates.inputs.setdefault(key, set()).add((file, number, row))
                    if rule := broken_rule(row, dataset, known):
                        fates.held[key, rule] += 1
                        continue
                    scope = (key if dataset.key_scope == "partition" else "", int(row[0]))
                    if scope in latest:
                        fates.duplicates[latest[scope][0]] += 1
                    latest[scope] = key, published(row, value, dataset)
        for key, row in latest.values():
            fates.published[key].append(row)
        newest = next(iter(batches["all"].values())) if dataset.is_reference and batches else None
        for key, inputs in fates.inputs.items():
            rivals = (sorted(fates.published[key], key=repr), fates.duplicates[key]) if dataset.key_scope == "table" else None
            fates.inputs[key] = (newest, frozenset(inputs), dataset, rivals)


def keep(key: str, fates: Fates, before: Fates) -> None:
    """A partition is as it was before."""
    for name in ("published", "inputs", "duplicates"):
        getattr(fates, name).pop(key, None)
        if key in getattr(before, name):
            getattr(fates, name)[key] = getattr(before, name)[key]
    fates.held = Counter({place: rows for place, rows in fates.held.items() if place[0] != key})
    fates.held |= Counter({place: rows for place, rows in before.held.items() if place[0] == key})


def arrival_of(day: date, dataset: Dataset) -> str:
    """The key of the arrival partition of a file of a day."""
    return "all" if dataset.arrivals.grain == NONE else first_day(day, dataset.arrivals.grain).isoformat()


def unreadable(dataset: Dataset, files: dict[tuple[date, str], Rows | None]) -> set[str]:
    """The arrivals that are not taken: one of their files cannot be read. Of a snapshot only the newest file is."""
    read = sorted(files, key=lambda file: (file[0], by_size(dataset.file(*file))))
    return {arrival_of(file[0], dataset) for file in (read[-1:] if dataset.arrivals.grain == NONE else read) if files[file] is None}


def is_refused(dataset: Dataset, key: str, fates: Fates) -> bool:
    """Whether a partition breaks a promise about the whole of it."""
    rows = len(fates.published[key])
    held = sum(count for (place, _), count in fates.held.items() if place == key)
    landed = rows + held + fates.duplicates[key]
    too_many = dataset.most_rows is not None and rows > dataset.most_rows
    return too_many or bool(landed and dataset.rejected_below is not None and held / landed >= dataset.rejected_below)


def set_aside(day: date | None, calendar: Calendar) -> str:
    """The rule by which a row is held that lies in no event partition."""
    if day is None:
        return READABLE
    return FROM_START if calendar.start is not None and day < calendar.start else BEFORE_END


def empty_partitions(dataset: Dataset, arrivals: list[str], now: datetime) -> list[str]:
    """The event partitions of arrivals that landed without a row: nothing happened then, which is told by publishing them empty."""
    if dataset.is_reference:
        return []
    days = [date.fromisoformat(key) + timedelta(days=more) for key in arrivals for more in range(31)]
    reached = [day for day in days if first_day(day, dataset.arrivals.grain).isoformat() in arrivals]
    there = [day for day in reached if lies_in(day, dataset.events) and is_there(day, dataset.events, dataset, now)]
    return [first_day(day, dataset.events.grain).isoformat() for day in there]


def event_day(text: str, dataset: Dataset) -> date | None:
    """The day on which a row happened, on the clocks of the dataset's zone; None for a text that says none."""
    try:
        if dataset.spelling == "date":
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
        if dataset.spelling == "clock":
            moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        else:
            moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
    return moment.astimezone(ZoneInfo(dataset.zone)).date()


def broken_rule(row: Row, dataset: Dataset, known: set[Any] | None) -> str | None:
    """The first rule that a row breaks, types before all others, then by column."""
    number, _, amount, state, store = row
    faults = {
        "id_type": number not in ("", *map(str, range(100))),
        "amount_type": amount == "many" or ("." in amount and dataset.amount in ("INTEGER", "BIGINT")),
        "id_required": number == "",
    }
    if not any(faults.values()):
        faults |= {
            "amount_maximum": bool(amount) and Decimal(amount) > dataset.most,
            "state_required": state == "",
            "state_enum": state not in ("", *dataset.states),
            "store_known": known is not None and store not in ("", *known),
        }
    return next((rule for rule, broken in faults.items() if broken), None)


def published(row: Row, value: date | None, dataset: Dataset) -> Published:
    number, _, amount, state, store = row
    kind = {"DOUBLE": float, "DECIMAL(9,2)": lambda text: Decimal(text).quantize(Decimal("0.01"))}.get(dataset.amount, int)
    value_of = kind(amount) if amount else None
    if dataset.masked == "amount" and value_of is not None:
        value_of = value_of // 10 * 10
    cells = (
        int(number),
        value_of,
        state[:2] if dataset.masked == "state" else state,
        None if dataset.masked == "store" else store or None,
    )
    return (value, *cells) if value else cells
