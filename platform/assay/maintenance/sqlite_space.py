"""The space of SQLite files: what deleted rows have left is given back to the disk, where that is much and there is room to do it.

SQLite writes the file anew beside itself. Readers go on meanwhile, writers wait. Killed on the way, the file is as it was.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LEAST_BYTES, LEAST_SHARE = 4 << 20, 0.2  # free, and of the whole file: below that the next rows fill it soon
PATIENCE = 30  # seconds for somebody who writes; the next maintenance tries again
NO_ROOM = "{} keeps {:.1f} MB that it does not need: to write it anew takes {:.1f} MB in {}, where {:.1f} MB are free"
BUSY = "{} keeps {:.1f} MB that it does not need: {}"


@dataclass(frozen=True, slots=True)
class Space:
    """The bytes of a SQLite file, and those of them that hold nothing."""

    file: Path
    size: int
    free: int

    @classmethod
    def of(cls, file: Path) -> Space:
        """Look at a file. Raises sqlite3.DatabaseError if it is none of SQLite's, or damaged."""
        with closing(_open(file)) as database:
            page, pages, free = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count"))
        return cls(file, page * pages, page * free)

    @property
    def pays(self) -> bool:
        """Whether it is worth to write the file anew."""
        return self.free >= LEAST_BYTES and self.free >= LEAST_SHARE * self.size

    def give_back(self) -> str:
        """Write the file anew, without what holds nothing; returns why not, or nothing."""
        needed = self.size - self.free
        # a temporary copy, then the same once more in the write-ahead log before it replaces the file
        for folder, times in ((tempfile.gettempdir(), 1), (str(self.file.parent), 2)):
            if (room := shutil.disk_usage(folder).free) < times * needed + LEAST_BYTES:
                return NO_ROOM.format(self.file.name, self.free / 1e6, times * needed / 1e6, folder, room / 1e6)
        try:
            with closing(_open(self.file)) as database:
                database.execute("VACUUM")
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.OperationalError as error:  # somebody writes, or the disk was filled by others meanwhile
            return BUSY.format(self.file.name, self.free / 1e6, error)
        return ""


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None)
