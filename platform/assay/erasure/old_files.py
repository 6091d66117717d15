"""Old versions: the files that no newest version names any more and that held a person are removed, and what the log tells of them.

A file that a commit has named and a later one removed comes back by no commit. Of files that no commit has named `committable` says which
a writer may still commit. Earlier versions of these partitions cannot be read afterwards; that is what is asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from assay.erasure.person_search import data_files, is_whole
from assay.lake.damage import log_read
from assay.lake.durable import replace_file, sync_folder
from assay.lake.log import LOG, checkpoint
from assay.lake.snapshots import newest, open_snapshot
from assay.maintenance.file_history import Named
from assay.maintenance.unfinished import changed_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from assay.lake.snapshots import Snapshot

BOUNDS = {"minValues", "maxValues"}
TOLD_BY_ROWS = ("bronze", "quarantine", "decisions", "claims")


@dataclass(frozen=True, slots=True)
class OldFiles:
    """The files of a table that its newest version does not name.

    Of those that no commit has named, a writer may still be about to commit some; some are nobody's: their writers are fenced off. What is
    `young` was staged since, and what it was made from may not be committed yet.
    """

    table: Path
    unnamed: tuple[Path, ...]
    maybe_staged: frozenset[Path]
    nobodys: frozenset[Path] = frozenset()
    young: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, lake: Path, name: str, fenced_at: datetime) -> OldFiles:
        """List them. The newest version is read last: a file that is committed meanwhile is live then, and not listed.

        Raises TableDamaged for an entry of the log that is cut.
        """
        table, known = lake / name, Named.of(lake, name).files
        on_disk = data_files(table)
        snapshot = newest(lake, name)
        live = {file.path for file in snapshot.files} if snapshot else set()
        unnamed = tuple(path for path in on_disk if str(path) not in live)
        since = committable(name, fenced_at)
        uncommitted = [one for one in unnamed if str(one.relative_to(table)) not in known]
        young = {one for one in uncommitted if changed_at(one) >= fenced_at.timestamp()}
        maybe = {one for one in young if changed_at(one) >= since or not is_whole(one)}  # the second kind is being written
        return cls(table, unnamed, frozenset(maybe), frozenset(uncommitted) - young, frozenset(young))

    @classmethod
    def unfenced(cls, lake: Path, name: str, begun: datetime) -> OldFiles:
        """The same of a table whose writers no fence keeps out: what no commit has named may always be named."""
        return replace(cls.of(lake, name, begun), nobodys=frozenset())

    def remove(self, is_meant: Callable[[Path], bool], is_spent: Callable[[Path], bool] = lambda _: False) -> list[Path]:
        """Delete those that are meant and that nobody can commit any more, those that are nobody's, and of all but the young those that are
        spent; returns them.
        """

        def goes(path: Path) -> bool:
            return path in self.nobodys or is_meant(path) or (path not in self.young and is_spent(path))

        gone = [path for path in self.unnamed if path not in self.maybe_staged and goes(path)]
        for path in gone:
            path.unlink(missing_ok=True)
        for folder in {path.parent for path in gone}:
            sync_folder(folder)
        return gone


def committable(name: str, fenced_at: datetime) -> float:
    """From which moment on (seconds since 1970) a file must have been staged if a writer may still commit it.

    Whoever read before the fence was raised cannot publish, so what was staged by then is nobody's. Of bronze, and of what lies beside a
    table, the rows tell whether a file holds the person: then it was made from what was read before.
    """
    return float("inf") if name.partition("/")[0] in TOLD_BY_ROWS else fenced_at.timestamp()


def rewritten(lake: Path, name: str, since: int | None) -> set[tuple[str, ...]]:
    """The partitions of a table whose files are others now than at a version; none if there was no table."""
    now = newest(lake, name)
    if now is None or since is None:
        return set()
    before, after = (_files(one) for one in (open_snapshot(lake, name, since), now))
    return {values for values in before.keys() | after.keys() if before.get(values) != after.get(values)}


def _files(snapshot: Snapshot) -> dict[tuple[str, ...], set[str]]:
    found: dict[tuple[str, ...], set[str]] = {}
    for file in snapshot.files:
        found.setdefault(file.values, set()).add(file.path)
    return found


def values_of(table: Path, path: Path) -> tuple[str, ...]:
    """The partition values that the folders of a file spell."""
    return tuple(unquote(part.partition("=")[2]) for part in path.relative_to(table).parts[:-1])


def forget_bounds(table: Path) -> None:
    """Take the smallest and largest values of files that are not there any more out of the log: they may be those of a person.

    Commits are written again one by one, whole or not at all, and say the same but for that. Checkpoints before the newest, which hold such
    values too, are replaced by one of now. Asked of all files that are gone, so that an erasure that was killed on the way goes on. Raises
    TableDamaged for an entry that is cut, also where a checkpoint covers it: nobody can tell what it still says.
    """
    log = table / LOG
    if not log.exists():
        return  # only staged files were there
    for entry in sorted(log.glob("*.json")):
        with log_read(f"{table.parent.name}/{table.name}", table):
            lines = entry.read_text(encoding="utf-8").splitlines()
            kept = [_without_bounds(line, table) if line.startswith('{"add"') else line for line in lines]
        if kept != lines:
            replace_file(entry, ("\n".join(kept) + "\n").encode())
    if old := sorted(log.glob("*.checkpoint*.parquet")):
        now = checkpoint(table)
        for path in old:
            if not path.name.startswith(f"{now:020d}"):
                path.unlink(missing_ok=True)
    sync_folder(log)


def _without_bounds(line: str, table: Path) -> str:
    action: dict[str, Any] = json.loads(line)
    stats = json.loads(action["add"].get("stats") or "{}")
    if not BOUNDS & stats.keys() or (table / unquote(action["add"]["path"])).exists():
        return line
    action["add"]["stats"] = json.dumps({name: value for name, value in stats.items() if name not in BOUNDS})
    return json.dumps(action, separators=(",", ":"))
