"""Vacuum: the data files of a table that nobody needs any more. Those of earlier versions, and those that were staged and never committed.

Only files that Assay has named are looked at, and of what was removed only what Assay has removed: what another tool did to a table is left
to that tool, so that it can be taken back. A partition that is not as it was published keeps all of its old files: from them it may be
made again.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from assay.lake.foreign import altered
from assay.lake.slices import WHOLE
from assay.lake.snapshots import newest
from assay.maintenance.file_history import Named
from assay.maintenance.unfinished import changed_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

OURS = re.compile(r"part-[0-9a-f]{16}-[0-9a-f]{12}\.parquet")  # as `staging` names them


class Kind(StrEnum):
    """Why a file is not needed."""

    EARLIER = "of earlier versions"
    STAGED = "staged by runs that died"
    UNFINISHED = "unfinished"
    CHECKPOINT = "replaced checkpoints"
    ENTRY = "old entries of the log"
    WORKPLACE = "left in private folders"


@dataclass(frozen=True, slots=True)
class Removal:
    """Something that can go: where it is, how many bytes it has, and when (seconds since 1970) it was not needed any more."""

    path: Path
    kind: Kind
    size: int
    at: float


@dataclass(slots=True)
class OldFiles:
    """The files of a table that its newest version does not name: what can be removed, and what stays for now."""

    table: str
    removals: list[Removal] = field(default_factory=list)
    stays: list[Path] = field(default_factory=list)

    @classmethod
    def of(cls, lake: Path, name: str, before: datetime) -> OldFiles:
        """Look at a table. `before` is safe: see `limits`. The newest version is read last: what is committed meanwhile is live then.

        Raises TableDamaged for an entry of the log that cannot be read; then nothing is known.
        """
        folder, found = lake / name, cls(name)
        on_disk = sorted(data_files(folder))
        named, snapshot = Named.of(lake, name), newest(lake, name)
        live = {file.path for file in snapshot.files} if snapshot else set()
        changed = altered(snapshot)
        for path in [path for path in on_disk if str(path) not in live]:
            removal = _judged(path, str(path.relative_to(folder)), named)
            if removal is None or removal.at >= before.timestamp() or partition_of(folder, path) in changed:
                found.stays.append(path)
            else:
                found.removals.append(removal)
        return found


def _judged(path: Path, below: str, named: Named) -> Removal | None:
    """Since when a file that is not live is not needed; None if nobody can tell, or it is another tool's business."""
    written, size = changed_at(path), _size(path)
    if gone := named.removed.get(below):
        return Removal(path, Kind.EARLIER, size, gone.at) if gone.by_assay else None
    if below in named.added:
        return None
    # of a log that lacks its beginning nobody can tell whether it was committed once: before the oldest entry, if it was
    return Removal(path, Kind.EARLIER if written < named.since else Kind.STAGED, size, max(written, named.since))


def data_files(folder: Path) -> Iterator[Path]:
    """The data files of a table that have a name as Assay gives it, at a place where it puts them. Links are not followed."""
    for above, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if "=" in one]
        yield from (path for one in files if OURS.fullmatch(one) and not (path := Path(above, one)).is_symlink())


def partition_of(folder: Path, path: Path) -> str:
    """The key of the partition that a file lies in, as `foreign` knows it."""
    parts = path.relative_to(folder).parts[:-1]
    return unquote(parts[0].partition("=")[2]) if parts else WHOLE.key


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
