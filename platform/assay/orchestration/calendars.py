"""Calendars as Dagster's partitions, the names of what shares one, and how partitions of different grains depend on each other."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import dagster as dg

from assay.contracts.model.calendars import arrival_calendar, event_calendar
from assay.contracts.model.contract import Grain
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from assay.contracts.model.calendars import Calendar
    from assay.contracts.model.contract import Contract

FIRST_YEAR = 1000
SIGNED = re.compile(r"-(?=\d)")
NOT_OF_A_NAME = re.compile(r"\W", re.ASCII)


def definition_of(calendar: Calendar | None) -> dg.TimeWindowPartitionsDefinition | None:
    """Dagster's partitions for a calendar; None for a table without partitions. Raises ContractInvalid for years that it cannot spell."""
    if calendar is None:
        return None
    if calendar.start.year < FIRST_YEAR:
        raise ContractInvalid(
            f"A calendar begins on {calendar.start}; Dagster names partitions from the year {FIRST_YEAR} on.",
            hint="Let it start later: rows before it are held in quarantine.",
        )
    start, end = calendar.start.isoformat(), calendar.end.isoformat() if calendar.end else None
    if calendar.grain is Grain.MONTH:
        return dg.MonthlyPartitionsDefinition(start, end_date=end, timezone=calendar.zone, end_offset=int(calendar.current))
    return dg.DailyPartitionsDefinition(start, end_date=end, timezone=calendar.zone, end_offset=int(calendar.current))


def arrivals_of(contract: Contract) -> dg.TimeWindowPartitionsDefinition | None:
    """The partitions of a dataset's bronze table."""
    return definition_of(arrival_calendar(contract))


def events_of(contract: Contract) -> dg.TimeWindowPartitionsDefinition | None:
    """The partitions of a dataset's silver table."""
    return definition_of(event_calendar(contract))


def name_of(layer: str, definition: dg.PartitionsDefinition | None) -> str:
    """A name for the tables of a layer that share their partitions: of nothing but these, so it stays the same whatever else there is.

    It begins with the cadence: the steps of a layer begin with the layer, and Dagster has one set of names for both.
    """
    if not isinstance(definition, dg.TimeWindowPartitionsDefinition):
        return f"snapshot_{layer}"
    cadence = "monthly" if isinstance(definition, dg.MonthlyPartitionsDefinition) else "daily"
    end = f"_to_{definition.end:%Y%m%d}" if definition.end else ""
    current = "_with_current" if definition.end_offset else ""
    zone = NOT_OF_A_NAME.sub("_", SIGNED.sub("minus", definition.timezone.replace("+", "plus")))
    return f"{cadence}_{layer}_from_{definition.start:%Y%m%d}{end}_{zone}{current}"


def overlapping(lateness: int = 0) -> dg.TimeWindowPartitionMapping:
    """Depend on the upstream partitions whose time overlaps, and on `lateness` more: rows arrive up to so many partitions late."""
    return dg.TimeWindowPartitionMapping(start_offset=0, end_offset=lateness, allow_nonexistent_upstream_partitions=True)


def across(calendar: Calendar | None, upstream: Calendar | None) -> dg.PartitionMapping | None:
    """Depend on what overlaps; between zones on all partitions, because Dagster compares those of one zone only. None: no partitions."""
    if upstream is None or calendar is None:
        return None
    return overlapping() if upstream.zone == calendar.zone else dg.AllPartitionMapping()


def keys_between(definition: dg.TimeWindowPartitionsDefinition, first: date, last: date) -> list[str]:
    """The keys of the partitions that overlap the days [first, last], both inclusive, in order."""
    since = first.replace(day=1) if isinstance(definition, dg.MonthlyPartitionsDefinition) else first
    return [key for key in keys_of(definition) if since.isoformat() <= key <= last.isoformat()]


def keys_around(definition: dg.TimeWindowPartitionsDefinition, first: date | None, last: date | None, lateness: int) -> set[str]:
    """The keys of the days asked for, all without days, and of `lateness` partitions after them, in which their last rows arrive."""
    keys = keys_of(definition)
    if first is None or last is None:
        return set(keys)
    inside = keys_between(definition, first, last)
    if not inside:
        return set()
    end = keys.index(inside[-1]) + 1
    return {*inside, *keys[end : end + lateness]}


def keys_of(definition: dg.TimeWindowPartitionsDefinition) -> Sequence[str]:
    """The keys of all partitions that there are now, in order. They are listed once, until another is the last: years take a while."""
    return _keys_until(definition, definition.get_last_partition_key())


@lru_cache(1024)
def _keys_until(definition: dg.TimeWindowPartitionsDefinition, last: str | None) -> tuple[str, ...]:
    return tuple(definition.get_partition_keys()) if last is not None else ()
