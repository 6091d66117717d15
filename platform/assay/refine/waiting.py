"""Which arrivals concern which event partitions: a day is not built from late rows alone while its own file waits to be ingested."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.model.calendars import arrival_calendar
from assay.contracts.model.contract import Grain
from assay.refine.inputs import event_dates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.contracts.model.contract import Contract
    from assay.lake.slices import Partition


def waiting(contract: Contract, partitions: Sequence[Partition], arrivals: Sequence[str]) -> set[str]:
    """The keys of the event partitions that any of these arrivals concerns."""
    calendar = arrival_calendar(contract)
    if not arrivals or not partitions:
        return set()
    if calendar is None or days_of(contract, partitions) is None:
        return {partition.key for partition in partitions}
    firsts = sorted(map(date.fromisoformat, arrivals))

    def concerned(partition: Partition) -> bool:
        # arrivals do not overlap: if any reaches into these days, then the last that begins before they end (one look, not thousands)
        start, end = event_dates(contract, partition)
        before = bisect_left(firsts, end)
        return before > 0 and calendar.overlaps(firsts[before - 1], start, end)

    return {partition.key for partition in partitions if concerned(partition)}


def days_of(contract: Contract, partitions: Sequence[Partition]) -> tuple[date, date] | None:
    """The days [start, end) from the first to the last of some event partitions; None if any arrival may concern them."""
    if contract.is_snapshot or contract.arrival.grain is Grain.NONE:
        return None
    spans = [event_dates(contract, partition) for partition in partitions]
    return min(start for start, _ in spans), max(end for _, end in spans)


def reaches(contract: Contract, arrival: str, days: tuple[date, date] | None) -> bool:
    """Whether an arrival covers any of these days."""
    calendar = arrival_calendar(contract)
    return days is None or calendar is None or calendar.overlaps(date.fromisoformat(arrival), *days)
