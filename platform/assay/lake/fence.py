"""The fence: what lets nobody publish who read before an erasure, or before another try at one, had begun. It is a number that only grows.

It is raised first where erasures are recorded, then in the log of each table that may hold the person. A writer notes the number before it
reads anything else (`Provenance.fence`), and its commit is refused by every table that knows a higher one, and by a table that is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import Fenced, Superseded
from assay.lake.migrations import TOKEN
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

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


def refuse_fenced(root: Path, table: Snapshot, noted: int | None) -> None:
    """Raise Fenced if a writer that noted a number may not publish to a table; one that notes none reads nobody's rows."""
    if noted is None:
        return
    known = fence_of(table) if table.files else max(fence_of(table), fence_now(root))  # a new table may have been overlooked
    if known > noted:
        raise Fenced(f"Tried to publish to {table.name} what was read before an erasure had begun.")


def refuse_unread(table: Snapshot, slice_: Slice, read: Collection[str] | None) -> None:
    """Raise Superseded if a slice has other files now than a writer has read, who would replace them by what it made of those."""
    if read is None:
        return
    there = {file.path for file in table.files if slice_.owner(file.values) is not None}
    if there != {*read}:
        raise Superseded(f"Tried to replace files of {table.name}; another writer has replaced them since they were read.")
