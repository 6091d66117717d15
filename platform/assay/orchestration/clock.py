"""The clock: the time by which partitions begin to exist, which is Dagster's own. Whoever plans or surveys asks here and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
QUARTERS = dg.TimeWindowPartitionsDefinition(EARLIEST, "%Y-%m-%d", timezone="UTC", cron_schedule="*/15 * * * *")


def wall_clock() -> datetime:
    """Now, in UTC: for what was recorded at an instant, and for how old data are."""
    return datetime.now(UTC)


def now() -> datetime:
    """The last quarter of an hour that has begun. Days begin at one in every time zone that is used, so the date is right everywhere.

    A clock that shows less than the year 2000 was never set; that it cannot be believed is told by `clock_rollback`.
    """
    last = QUARTERS.get_last_partition_window()
    return last.end if last else EARLIEST
