"""The fence: what lets nobody publish who read before an erasure, or before another try at one, had begun. It is a number that only grows.

It is raised first where erasures are recorded, then in the log of each table that may hold the person. A writer notes the number before it
reads anything else (`Provenance.fence`), and its commit is refused by every table that knows a higher one. A table that is new, which an
erasure may have overlooked, asks where erasures are recorded, and knows from its first publication on what its writer had noted.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from assay.errors import Fenced, Superseded, TableUnreadable
from assay.lake.expired import refuse_expired
from assay.lake.migrations import TOKEN
from assay.lake.snapshots import newest, table_names

if TYPE_CHECKING:
    from pathlib import Path

    from assay.lake.publisher import Provenance
    from assay.lake.slices import Slice
    from assay.lake.snapshots import Snapshot

RECORDS = "erasures/requests"
FENCE = "erasures/"  # the app id in a table's log, after TOKEN


def fence_now(root: Path) -> int:
    """The number that a writer notes before it reads anything; 0 as long as nobody was ever erased.

    While the record of erasures begins anew it is the highest that any table knows: with a smaller one nobody would be let in.
    """
    number = fence_of(newest(root, RECORDS))
    return number if number or not (root / RECORDS).exists() else known_elsewhere(root, RECORDS)


def known_elsewhere(root: Path, name: str) -> int:
    """The highest number that any table but one knows, of those that can be read."""
    known = [0]
    for other in table_names(root):
        with suppress(TableUnreadable):
            known.append(fence_of(newest(root, other)) if other != name else 0)
    return max(known)


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
