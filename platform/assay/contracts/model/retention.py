"""How long partitions are kept: from which one on a contract's retention keeps them, at a moment. What is removed is not here."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from assay.contracts.model.calendars import EARLIEST

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta

    from assay.contracts.model.calendars import Calendar


def kept_from(calendar: Calendar, retention: timedelta, now: datetime) -> date:
    """The first partition of which something is not older than the retention yet; all before it are older as a whole."""
    try:
        oldest = (now - retention).astimezone(ZoneInfo(calendar.zone)).date()
    except OverflowError:  # longer than there are years
        oldest = EARLIEST
    return calendar.first_of(oldest)
