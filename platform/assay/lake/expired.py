"""Expired: the partitions that were removed because they were older than a contract keeps them, and that stay away.

The log says from which day on partitions are kept (RETAINED) and, of arrivals of bronze, which ones went, with what contents, and up to
which event day. What has gone has expired as long as the contract says so as well: one that keeps it longer lets it be made again, from
what is still there. Both are `txn` entries of the commit that takes the files away (`retention`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.model.retention import kept_from
from assay.errors import Superseded
from assay.lake.migrations import TOKEN, partition_token
from assay.lake.snapshots import partition_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from assay.contracts.model.calendars import Calendar
    from assay.lake.snapshots import Snapshot

RETAINED = "retained/"  # the app id in a table's log, after TOKEN: the first day that is kept, as its ordinal
EXPIRED, EXPIRED_ROWS = "expired/", "expired-rows/"  # before the key of an arrival that is gone: what it was, and the rows that had landed
CONTENT_BITS = 40


def retained_from(table: Snapshot | None) -> int:
    """What the log of a table says of the first day that is kept; 0 if nothing was ever removed."""
    return (table.token(TOKEN + RETAINED) if table else None) or 0


@dataclass(frozen=True, slots=True)
class Expired:
    """The partitions of a table that have expired: those that are over `before` a day. `noted` is what the log said when it was asked."""

    calendar: Calendar | None = None
    before: date | None = None
    noted: int = 0

    @classmethod
    def of(cls, table: Snapshot | None, calendar: Calendar | None, retention: timedelta | None, now: datetime | None) -> Expired:
        """What was removed of a table, as far as its contract would remove it `now`; without a time all that was removed."""
        noted = retained_from(table)
        if calendar is None or retention is None or not noted:
            return cls(calendar, None, noted)
        removed = date.fromordinal(noted)
        return cls(calendar, removed if now is None else min(removed, kept_from(calendar, retention, now)), noted)

    @classmethod
    def by_contract(cls, calendar: Calendar | None, retention: timedelta | None, now: datetime | None) -> Expired:
        """What a contract would remove `now`, where nobody can read what was removed: of what is known to have gone, what has expired."""
        if calendar is None or retention is None:
            return cls(calendar)
        return cls(calendar, date.max if now is None else kept_from(calendar, retention, now))

    def has(self, first: date) -> bool:
        """Whether the partition that begins on a day is expired."""
        return self.calendar is not None and self.before is not None and self.calendar.after(first) <= self.before

    def has_day(self, day: date) -> bool:
        """Whether a day has expired, be it of a partition that has not, because the calendar was changed since."""
        return self.before is not None and day < self.before

    def has_key(self, key: str) -> bool:
        """Whether the partition with this key is expired."""
        return self.before is not None and self.has(date.fromisoformat(key))

    def why(self, key: str) -> str:
        """Why a partition is not made, for who has asked for it."""
        return f"{key} has expired: its contract keeps what is from {self.before} on. Nothing was made of it; a longer `retention` does."


@dataclass(frozen=True, slots=True)
class Mark:
    """What the log keeps of an arrival that is gone: the last event day that it had, and a number for its contents."""

    last: date
    contents: int

    @classmethod
    def of(cls, last: date, contents: str) -> Mark:
        """Of contents as a digest in hexadecimal digits."""
        return cls(last, int(contents[: CONTENT_BITS // 4], 16))

    @classmethod
    def read(cls, table: Snapshot | None, key: str) -> Mark | None:
        """What the log of bronze has of an arrival; None for one that never went."""
        if table is None or not (found := table.token(TOKEN + EXPIRED + key)):
            return None
        return cls(date.fromordinal(found >> CONTENT_BITS), found & ((1 << CONTENT_BITS) - 1))

    @property
    def number(self) -> int:
        """As the log keeps it."""
        return self.last.toordinal() << CONTENT_BITS | self.contents

    def tells(self, contents: str) -> bool:
        """Whether these contents are those that went."""
        return self.contents == Mark.of(self.last, contents).contents


def has_expired(bronze: Snapshot | None, arrival: str) -> bool:
    """Whether an arrival went from bronze because it was older than its contract keeps it, and is not back."""
    return partition_token(bronze, arrival) is None and Mark.read(bronze, arrival) is not None


def expired_rows(bronze: Snapshot) -> int:
    """Count the rows that landed in arrivals that are gone, and that are not back."""
    there = {partition_key(file) for file in bronze.files}
    return sum(rows for key, rows in bronze.tokens(TOKEN + EXPIRED_ROWS).items() if key not in there)


def refuse_expired(table: Snapshot, calendar: Calendar | None, keys: Sequence[str], noted: int | None) -> None:
    """Raise Superseded if partitions have expired that a writer wants to publish, since it has `noted` what the log said.

    One that notes nothing knows of no retention: what it writes is not removed by one.
    """
    known = retained_from(table)
    if noted is None or calendar is None or known in {0, noted}:
        return
    if gone := [key for key in keys if calendar.after(date.fromisoformat(key)) <= date.fromordinal(known)]:
        raise Superseded(f"Tried to publish partition {gone[0]!r} of {table.name}; it has expired since its inputs were read.")
