"""The fence: what lets nobody publish who read before an erasure, or before another try at one, had begun. It is a number that only grows.

It is raised first where erasures are recorded, then in the log of each table that may hold the person. A writer notes the number before it
reads anything else (`Provenance.fence`), and its commit is refused by every table that knows a higher one. A table that is new, which an
erasure may have overlooked, asks where erasures are recorded, and knows from its first publication on what its writer had noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import Fenced, Superseded
from assay.lake.expired import refuse_expired
from assay.lake.migrations import TOKEN
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from pathlib import Path

    from assay.lake.publisher import Provenance
    from assay.lake.slices import Slice
    from assay.lake.snapshots import Snapshot

RECORDS = "erasures/requests"
FENCE = "erasures/"  # the app id in a table's log, after TOKEN


def fence_now(root: Path) -> int:
    """The number that a writer notes before it reads anything; 0 as long as nobody was ever erased."""
    return fence_of(newest(root, RECORDS))


def fence_of(table: Snapshot | None) -> int:
    """The number that a table knows."""
    return (table.token(TOKEN + FENCE) if table else None) or 0


def fence_to_note(table: Snapshot, writer: Provenance) -> dict[str, int]:
    """The `txn` entry by which whoever begins a table keeps out those who have read before: no erasure knew of it."""
    noted = writer.fence or 0
    return {TOKEN + FENCE: noted} if noted > fence_of(table) and not table.files else {}  # all files are only looked at if need be


def refuse_late(root: Path, table: Snapshot, slice_: Slice, writer: Provenance) -> None:
    """Raise Fenced if a writer has noted a smaller number than a table knows; one that notes none reads nobody's rows.

    Raises Superseded if the slice has other files now than those that the writer has read to replace them by what it made of them, or if
    a partition of it has expired since.
    """
    if writer.fence is not None:
        known = fence_of(table) if table.files else max(fence_of(table), fence_now(root))  # a new table may have been overlooked
        if known > writer.fence:
            raise Fenced(f"Tried to publish to {table.name} what was read before an erasure had begun.")
    if writer.replaces is not None:
        there = {file.path for file in table.files if slice_.owner(file.values) is not None}
        if there != {*writer.replaces}:
            raise Superseded(f"Tried to replace files of {table.name}; another writer has replaced them since they were read.")
    refuse_expired(table, slice_.spec.calendar, slice_.keys, writer.retained)
