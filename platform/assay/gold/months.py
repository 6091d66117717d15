"""Months, by their first days: those of a gold partition, of a span of days, and stretches without a gap.

A table without partitions has no month: `None` stands for the whole of it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.calendars import next_month
from assay.lake.slices import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.lake.slices import Partition


def months_between(start: date, end: date) -> list[date]:
    """The first days of the months that overlap [start, end)."""
    found, month = [], start.replace(day=1)
    while month < end:
        found.append(month)
        month = next_month(month)
    return found


def month_of(partition: Partition) -> date | None:
    """The month of a gold partition; None for the one of a table without."""
    return date.fromisoformat(partition.values[0]) if partition.values else None


def key_of(month: date | None) -> str:
    """The key of a month's partition."""
    return WHOLE.key if month is None else month.isoformat()


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
