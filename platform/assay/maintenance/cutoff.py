"""Limits: how old something must be to be nobody's any more, by a number of days and by those who are at work now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from assay.lake.workplaces import at_work

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_RUN = timedelta(days=1)  # longer than any that Dagster lets run; whoever is at work for longer is known by their workplace


def safe_before(scratch: Path, now: datetime, keep: timedelta) -> datetime:
    """The moment before which a file must have been given up: no living run can have read or staged it since.

    Whoever reads without a workplace, a query or another tool, has `keep`.
    """
    begun = [datetime.fromtimestamp(one.since, UTC) for one in at_work(scratch)]
    return min([now - keep, *begun])
