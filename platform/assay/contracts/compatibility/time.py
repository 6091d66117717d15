"""How time differs: which partition a row belongs to, which partitions there are, how long rows may be late.

A cut range and a later row break a reader's promise; an extended range adds partitions and breaks nothing.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.compatibility.change import Change, unclassified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.model.contract import Contract, Partitioning, Published

PARTITIONING = {"grain": "", "start": "", "end": "", "column": ""}
MOVED = "event_time_changed"
EVENT_TIME = {"expression": MOVED, "format": "event_format_changed", "source_zone": MOVED, "zone": MOVED}


def event_time_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """How a landed row tells its event date; none is a dataset without one."""
    before, after = old.event_time, new.event_time
    if before is None or after is None:
        if before != after:
            yield Change("event_time_changed", "eventTime", before, after)
        return
    for name, kind in EVENT_TIME.items():
        values = getattr(before, name), getattr(after, name)
        if values[0] != values[1]:
            yield Change(kind, f"eventTime, {name}", *values)
    yield from unclassified(before, after, EVENT_TIME, "eventTime")


def partitioning_changes(old: Published, new: Published) -> Iterator[Change]:
    """The partitions of the published table."""
    yield from _cut(
        old.partitioning, new.partitioning, "partitioning", changed="partitioning_changed", extended="range_extended", shortened="range_cut"
    )


def arrival_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """The partitions of what lands. A snapshot's arrivals (no grain) are its newest file."""
    moved = "arrival_range_changed"
    yield from _cut(old.arrival, new.arrival, "arrival", changed="arrival_changed", extended=moved, shortened=moved)


def _cut(before: Partitioning, after: Partitioning, place: str, *, changed: str, extended: str, shortened: str) -> Iterator[Change]:
    """How a table is cut into partitions, with the kinds of change for another cut, for a longer range and for a shorter one."""
    for name in ("grain", "column"):
        values = getattr(before, name), getattr(after, name)
        if values[0] != values[1]:
            yield Change(changed, f"{place}, {name}", *values)
    if before.grain is after.grain:
        for name, wider, narrower in _bounds(before, after):
            if wider or narrower:
                kind = extended if wider else shortened
                yield Change(kind, f"{place}, {name}", getattr(before, name), getattr(after, name))
    yield from unclassified(before, after, PARTITIONING, place)


def lateness_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """How many arrivals later a row of an event partition may come."""
    if old.lateness != new.lateness:
        kind = "lateness_raised" if new.lateness > old.lateness else "lateness_lowered"
        yield Change(kind, "arrival, lateness", old.lateness, new.lateness)


def current_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """Whether the partition that is not over yet is published."""
    if old.include_current != new.include_current:
        kind = "current_included" if new.include_current else "current_excluded"
        yield Change(kind, "arrival, includeCurrent", old.include_current, new.include_current)


def _bounds(old: Partitioning, new: Partitioning) -> Iterator[tuple[str, bool, bool]]:
    """For each end of the range whether it reaches further than before, or less far. No bound is without limit."""
    start, new_start = old.start or date.min, new.start or date.min
    end, new_end = old.end or date.max, new.end or date.max
    yield "start", new_start < start, new_start > start
    yield "end", new_end > end, new_end < end
