"""Migrations: the partitions of a table are all of one calendar. Those of another replace the table whole, in one commit, or not at all.

The log says in a `txn` entry of its own of which grain and zone they are. A table that has partitions which its calendar lacks is outgrown
as well: `start` or `end` was drawn in. Which rows the new partitions have is decided by the steps.
"""

from __future__ import annotations

import zlib
from datetime import date
from typing import TYPE_CHECKING

from assay.errors import PermanentFailure

if TYPE_CHECKING:
    from collections.abc import Collection

    from assay.contracts.model.calendars import Calendar
    from assay.lake.slices import Slice
    from assay.lake.snapshots import Snapshot

CALENDAR = "assay-calendar"  # the app id in the Delta log
TOKEN = "assay:"  # noqa: S105  # the prefix of a partition's app id in the Delta log
GONE = -1  # the token of a partition that went with its calendar: a `txn` entry cannot be removed


class CalendarChanged(PermanentFailure):
    """A table has partitions of another calendar than its contract says, and would have both."""

    hint = "Build all its partitions at once: `assay backfill --select LAYER/NAME`. Nothing was changed."


def number_of(calendar: Calendar) -> int:
    """What the log keeps of a calendar: a number for its grain and its zone."""
    return zlib.crc32(f"{calendar.grain} {calendar.zone}".encode())


def outgrown(snapshot: Snapshot | None, calendar: Calendar | None) -> str | None:
    """Why what is published is of another calendar than it is now; None if it is not.

    A table whose log says nothing was published before calendars were noted: its partitions are taken for what they look like.
    """
    if calendar is None or snapshot is None or len(snapshot.partition_by) != 1:
        return None
    if snapshot.token(CALENDAR) not in {None, number_of(calendar)}:
        return f"its partitions are not those of a calendar of {calendar.grain}s in {calendar.zone}"
    # one of which every row was rejected has no file, and its rows are shown in quarantine as long as it is there
    if strays := sorted(key for key in published_keys(snapshot) | _in_files(snapshot) if not _has(calendar, key)):
        return f"it has {len(strays)} partitions that its calendar has not, such as {strays[0]}"
    return None


def refuse_outgrown(snapshot: Snapshot, slice_: Slice) -> None:
    """Raise CalendarChanged if the partitions of a slice would stand beside those of another calendar."""
    if why := outgrown(snapshot, slice_.spec.calendar):
        raise calendar_changed(slice_, why)


def calendar_changed(slice_: Slice, why: str) -> CalendarChanged:
    """The error for a slice that is less than the whole table."""
    name = slice_.spec.name
    hint = f"Build all its partitions at once: `assay backfill --select {name}`. Nothing was changed."
    return CalendarChanged(f"Tried to publish {len(slice_.partitions)} partitions of {name}; its calendar was changed: {why}.", hint=hint)


def migration(before: Snapshot | None, slice_: Slice, everything: Collection[str] | None) -> dict[str, int] | None:
    """The fingerprints of the partitions that go when a slice replaces a table whole; None if the table is not outgrown.

    `everything` has the keys of all partitions that there is something for. Raises CalendarChanged if the slice lacks one of them.
    """
    why = outgrown(before, slice_.spec.calendar)
    if why is None:
        return None
    if everything is None or (left := sorted(set(everything) - set(slice_.keys))):
        raise calendar_changed(slice_, why + (f"; {len(left)} others, such as {left[0]}, would be left" if everything is not None else ""))
    return other_tokens(before, slice_)


def partition_token(snapshot: Snapshot | None, key: str) -> int | None:
    """The fingerprint that a table holds for a partition; None for one that was never published, or is gone."""
    found = snapshot.token(TOKEN + key) if snapshot else None
    return None if found == GONE else found


def other_tokens(snapshot: Snapshot | None, slice_: Slice) -> dict[str, int]:
    """The fingerprints of all partitions of a table that has a calendar, but for those of a slice."""
    mine = set(slice_.keys)
    return {key: value for key, value in _dated_tokens(snapshot).items() if key not in mine}


def published_keys(snapshot: Snapshot | None) -> set[str]:
    """The partitions of a table that has a calendar which were published, empty ones too, and those that have files for whatever reason."""
    return {*_dated_tokens(snapshot), *filter(_is_date, _in_files(snapshot))}


def _in_files(snapshot: Snapshot | None) -> set[str]:
    return {file.values[0] for file in (snapshot.files if snapshot else ()) if len(file.values) == 1}


def _dated_tokens(snapshot: Snapshot | None) -> dict[str, int]:
    tokens = snapshot.tokens(TOKEN) if snapshot else {}
    return {key: value for key, value in tokens.items() if value != GONE and _is_date(key)}


def _has(calendar: Calendar, value: str) -> bool:
    return _is_date(value) and calendar.has(date.fromisoformat(value))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
