"""Calendars: the partitions of a contract as Dagster's, and how partitions of different grains depend on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from assay.contracts.model import Contract, Grain, Partitioning

if TYPE_CHECKING:
    from datetime import date

UTC = "UTC"


def zone_of(contract: Contract) -> str:
    """The time zone in which a dataset's days and months begin."""
    return contract.event_time.zone if contract.event_time else UTC


def definition_of(partitioning: Partitioning, zone: str, *, current: bool = False) -> dg.TimeWindowPartitionsDefinition | None:
    """Dagster's partitions for a contract's; None for a table without partitions."""
    if partitioning.grain is Grain.NONE or partitioning.start is None:
        return None
    start, end = partitioning.start.isoformat(), partitioning.end.isoformat() if partitioning.end else None
    if partitioning.grain is Grain.MONTH:
        return dg.MonthlyPartitionsDefinition(start, end_date=end, timezone=zone, end_offset=int(current))
    return dg.DailyPartitionsDefinition(start, end_date=end, timezone=zone, end_offset=int(current))


def arrivals_of(contract: Contract) -> dg.TimeWindowPartitionsDefinition | None:
    """The partitions of a dataset's bronze table."""
    return definition_of(contract.arrival, zone_of(contract), current=contract.include_current)


def events_of(contract: Contract) -> dg.TimeWindowPartitionsDefinition | None:
    """The partitions of a dataset's silver table."""
    return definition_of(contract.partitioning, zone_of(contract), current=contract.include_current)


def overlapping(lateness: int = 0) -> dg.TimeWindowPartitionMapping:
    """Depend on the upstream partitions whose time overlaps, and on `lateness` more: rows arrive up to so many partitions late."""
    return dg.TimeWindowPartitionMapping(start_offset=0, end_offset=lateness, allow_nonexistent_upstream_partitions=True)


def keys_between(definition: dg.TimeWindowPartitionsDefinition, first: date, last: date) -> list[str]:
    """The keys of the partitions that overlap the days [first, last], both inclusive, in order."""
    found = []
    for key in definition.get_partition_keys():
        window = definition.time_window_for_partition_key(key)
        if window.start.date() <= last and window.end.date() > first:
            found.append(key)
    return found
