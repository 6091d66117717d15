"""Named: what the log of a table says of its data files, those of every version: which were added, which were removed, when and by whom."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from assay.lake.damage import log_read
from assay.lake.log import LOG, entry
from assay.lake.log_entries import versions_of
from assay.lake.publisher import ATTEMPT_ID

if TYPE_CHECKING:
    from pathlib import Path

FILES = ('{"add"', '{"remove"')


@dataclass(frozen=True, slots=True)
class Removed:
    """When a file was removed last, at the latest (seconds since 1970), and whether Assay did it."""

    at: float
    by_assay: bool


@dataclass(slots=True)
class Named:
    """The data files that the entries of a log name, by their paths below the table.

    `since` is when the oldest entry was written: what happened before it nobody knows. It is 0 if the log has its beginning.
    """

    added: set[str] = field(default_factory=set)
    removed: dict[str, Removed] = field(default_factory=dict)
    since: float = 0.0

    @classmethod
    def of(cls, root: Path, name: str) -> Named:
        """Read the log of a table; one that is not there names nothing.

        Raises TableDamaged for an entry that is cut, also where a checkpoint covers it: a checkpoint does not say what once was there.
        """
        folder, found = root / name, cls()
        log = folder / LOG
        with log_read(name, folder):
            versions = versions_of(log) if log.is_dir() else []
            for version in versions:
                at = found._read(entry(log, version))
                if version == versions[0] and version > 0:
                    found.since = at
        return found

    @property
    def files(self) -> set[str]:
        """All that are named."""
        return self.added | self.removed.keys()

    def _read(self, path: Path) -> float:
        """Add what an entry says; returns when it was written: by its own words or by the file system, whichever is later."""
        lines = path.read_text(encoding="utf-8").splitlines()
        about: dict[str, Any] = next((json.loads(line)["commitInfo"] for line in lines if line.startswith('{"commitInfo"')), {})
        at = max(float(about.get("timestamp", 0)) / 1000, path.stat().st_mtime)
        for line in lines:
            if line.startswith(FILES):
                for name, action in json.loads(line).items():
                    file = unquote(action["path"])
                    if name == "add":
                        self.added.add(file)
                    else:
                        self.removed[file] = Removed(at, ATTEMPT_ID in about)
        return at
