"""Cleaning: everything on the disk of a lake that nobody needs any more, found first, then removed file by file.

What is found is what goes: a look alone finds the same. Killed on the way, the next one finds what is left. `workplaces.deleting` is to be
held around both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import FormatNewer, LayerClosed, TableUnreadable
from assay.lake.erasures import BEGUN, erasures
from assay.lake.layers import refuse_closed_layer
from assay.lake.log import LOG
from assay.lake.snapshots import newest
from assay.lake.tables import table_folders
from assay.lake.workplaces import left_behind
from assay.maintenance.checkpoints import replaced_checkpoints
from assay.maintenance.cutoff import safe_before
from assay.maintenance.log_cleanup import keep_provenance, spent_entries
from assay.maintenance.sources import BRONZE, still_needed
from assay.maintenance.unfinished import bytes_of, changed_at, remove, unfinished
from assay.maintenance.vacuum import Kind, OldFiles, Removal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from datetime import datetime, timedelta

    from assay.lake.snapshots import Snapshot
    from assay.settings import Settings

SCRATCH = "scratch"  # what is beside the tables
NO_ERASURE = "erasure {} is not finished: until `assay erase` has been run again no old file goes"
NEEDED = "{} old files stay until all that was made from them is made again and gone"
UNREADABLE = "cannot be read, so nothing of it goes: {}"


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What can go of a table, or beside the tables; `told` says why more of it stays, `is_damaged` that it cannot be read."""

    name: str
    removals: tuple[Removal, ...] = ()
    told: str = ""
    is_damaged: bool = False
    table: Snapshot | None = field(default=None, compare=False)

    @property
    def freed(self) -> int:
        """The bytes of what goes."""
        return sum(one.size for one in self.removals)

    @property
    def counts(self) -> dict[Kind, int]:
        """How much there is of each kind."""
        return dict(Counter(one.kind for one in self.removals))

    def carry_out(self, lake: Path) -> None:
        """Remove it, but for what was committed since it was found: a writer without a place may have stood still until then.

        What entries of the log say is kept first.
        """
        if self.table is not None:
            keep_provenance(self.table, [one.path for one in self.removals if one.kind is Kind.ENTRY])
        table = None if self.is_damaged else newest(lake, self.name)
        live = {file.path for file in table.files} if table and self.removals else set()
        for one in self.removals:
            if str(one.path) not in live:
                remove(one.path)


@dataclass(frozen=True)
class Survey:
    """A look at a lake: `now`, and how long what was given up is kept. `is_outdated` says whether anything that an old file of bronze may
    have fed waits to be made again: asked with the name of its table and its path.
    """

    settings: Settings
    now: datetime
    keep: timedelta
    is_outdated: Callable[[str, Path], bool]

    def cleanings(self, names: Collection[str] | None = None) -> Iterator[Cleaning]:
        """What can go of some tables; without names of all there is, private folders included."""
        before = safe_before(self.settings.scratch, self.now, self.keep)
        chosen = list(table_folders(self.settings.lake)) if names is None else list(names)
        yield from self._tables(chosen, before)
        if names is None:
            folders = left_behind(self.settings.scratch)
            yield Cleaning(SCRATCH, tuple(_removals(folders, Kind.WORKPLACE)))

    def _tables(self, chosen: Collection[str], before: datetime) -> Iterator[Cleaning]:
        lake, faults = self.settings.lake, dict[str, str]()
        newer = set[str]()  # what is unfinished of them a newer Assay may know, or somebody who may look into them
        old = {name: self._old(name, before, faults, newer) for name in table_folders(lake)}
        for name, found in old.items():
            if found is not None and name not in chosen:  # they stay this time
                found.stays += [one.path for one in found.removals]
        begun = _unfinished_erasure(lake)
        for name in chosen:
            left = tuple(_removals(unfinished(lake / name, before), Kind.UNFINISHED)) if name not in newer else ()
            left += tuple(_removals(replaced_checkpoints(lake / name / LOG, before), Kind.CHECKPOINT)) if old.get(name) else ()
            if (found := old.get(name)) is None:
                yield Cleaning(name, left, UNREADABLE.format(faults.get(name, "it is gone")), is_damaged=True)
            elif begun:
                yield Cleaning(name, left, NO_ERASURE.format(begun) if found.removals else "")
            else:
                yield self._cleaning(found, old, left, before)

    def _cleaning(self, found: OldFiles, old: dict[str, OldFiles | None], left: tuple[Removal, ...], before: datetime) -> Cleaning:
        needed = set[Path]()
        if found.table.startswith(f"{BRONZE}/"):
            needed = still_needed(self.settings.lake, found.table, found.removals, old)
            needed |= {one.path for one in found.removals if one.kind is Kind.EARLIER and self.is_outdated(found.table, one.path)}
        going = tuple(one for one in found.removals if one.path not in needed)
        table, folder = newest(self.settings.lake, found.table), self.settings.lake / found.table
        stale = {str(path.relative_to(folder)) for path in (*(one.path for one in found.removals), *found.stays)}
        entries = tuple(_removals(spent_entries(folder, stale, before), Kind.ENTRY)) if table else ()
        return Cleaning(found.table, (*going, *left, *entries), NEEDED.format(len(needed)) if needed else "", table=table)

    def _old(self, name: str, before: datetime, faults: dict[str, str], newer: set[str]) -> OldFiles | None:
        try:
            refuse_closed_layer(self.settings.lake, name)
            return OldFiles.of(self.settings.lake, name, before)
        except (TableUnreadable, ValueError, OSError) as error:
            faults[name] = str(error)
            newer.update([name] if isinstance(error, FormatNewer | LayerClosed) else ())
            return None


def _unfinished_erasure(lake: Path) -> str:
    """The number of an erasure that has to be finished; "of unknown number" if nobody can tell; else nothing."""
    try:
        return next((str(one.number) for one in erasures(lake) if one.state == BEGUN), "")
    except TableUnreadable:
        return "of unknown number"


def _removals(paths: Iterable[Path], kind: Kind) -> Iterator[Removal]:
    for path in paths:
        yield Removal(path, kind, bytes_of(path), changed_at(path))
