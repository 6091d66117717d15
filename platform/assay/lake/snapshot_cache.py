"""Recent snapshots: the newest one of a table is kept while it is the newest.

To open a table takes 5 ms and more, its log being replayed; to see that nothing was committed since takes the listing of one folder. A plan
and the runs that it leads to look at each table a dozen times.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from assay.lake.bounded_cache import BoundedCache
from assay.lake.damage import MARK
from assay.lake.log import LOG

if TYPE_CHECKING:
    from pathlib import Path

    from assay.lake.snapshots import Snapshot

MOST_FILES, OF_A_TABLE = 200_000, 100  # files that are listed are kept, about a kilobyte each; a table without any is as heavy as so many
COMMIT, DIGITS = ".json", 20


class Commit(NamedTuple):
    """An entry of a table's log: its version and what tells it from the entry of another table at the same place."""

    version: int
    inode: int
    size: int
    changed_ns: int


def newest_commit(table: Path | str) -> Commit | None:
    """The newest entry of a table's log; None if there is no table, or only a checkpoint of its newest version."""
    log = f"{table}/{LOG}"  # texts: a path takes as long as the look
    try:
        names = [name for name in os.listdir(log) if name[:DIGITS].isdecimal()]  # noqa: PTH208  # a tenth of iterdir's time
        newest = max(names, default="")[:DIGITS]
        found = os.stat(f"{log}/{newest}{COMMIT}")  # noqa: PTH116  # as above
    except OSError:
        return None
    return Commit(int(newest), found.st_ino, found.st_size, found.st_mtime_ns)


def is_table(folder: str) -> bool:
    """Whether a folder has a table, or had one, or may not be looked into. Its log has an entry, or a checkpoint."""
    if not os.access(folder, os.R_OK | os.X_OK) or os.path.exists(f"{folder}/{MARK}"):  # noqa: PTH110  # as above, here and below
        return True
    log = f"{folder}/{LOG}"
    return os.path.isdir(log) and any(name[:DIGITS].isdecimal() for name in os.listdir(log))  # noqa: PTH112, PTH208


class Recent:
    """The newest snapshots of the tables that were opened last. Nobody moves the handle of one that is kept: others have it."""

    def __init__(self) -> None:
        self._kept: BoundedCache[str, tuple[Commit, Snapshot]] = BoundedCache(_weight, MOST_FILES)

    def get(self, table: str, commit: Commit) -> Snapshot | None:
        """The snapshot that was kept at this commit, if it was."""
        found = self._kept.get(table)
        return found[1] if found is not None and found[0] == commit else None

    def keep(self, table: str, commit: Commit, snapshot: Snapshot) -> None:
        """Keep a snapshot, unless the table had moved on when it was opened."""
        if snapshot.version == commit.version:
            self._kept.keep(table, (commit, snapshot))


def _weight(kept: tuple[Commit, Snapshot]) -> int:
    return OF_A_TABLE + len(vars(kept[1]).get("files", ()))  # of those that were listed: to ask for them would list them
