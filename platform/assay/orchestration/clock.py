"""The clock: the time by which partitions begin to exist, which is Dagster's own. Whoever plans or surveys asks here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from datetime import datetime

QUARTERS = dg.TimeWindowPartitionsDefinition("2000-01-01", "%Y-%m-%d", timezone="UTC", cron_schedule="*/15 * * * *")


def now() -> datetime:
    """The last quarter of an hour that has begun. Days begin at one in every time zone that is used, so the date is right everywhere."""
    last = QUARTERS.get_last_partition_window()
    assert last is not None  # noqa: S101  # the first ended in 2000
    return last.end
