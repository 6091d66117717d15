"""What bronze holds of each arrival, which stays when landing is archived: a file that is there no more keeps its rows.

A file of the same name with another content replaces the old content, one content under two names is taken once, and the newest file of a
snapshot stays the newest. Held rows are read from bronze as they landed, so bronze can be built again from itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.contracts.arrivals import arrival_names
from assay.contracts.calendars import arrival_calendar
from assay.contracts.model import SOURCE_FILE, SOURCE_ROW
from assay.ingest.opening import taken_from
from assay.lake.damage import file_damage
from assay.lake.manifest import manifest_of
from assay.lake.migrations import outgrown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from assay.contracts.landing_source import LandingSource
    from assay.contracts.model import Contract
    from assay.ingest.landing import LandingFile
    from assay.lake.manifest import Landed
    from assay.lake.snapshots import Snapshot

    Contents = tuple[tuple["LandingFile | HeldFile", str], ...]


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A landing file whose rows bronze has. `name` is its path below the landing folder, where it need not be any more."""

    landed: Landed
    rows: HeldRows

    @property
    def name(self) -> str:
        """The path that it had below the landing folder."""
        return self.landed.name

    def read(self, source: LandingSource) -> tuple[pa.Table, pa.ChunkedArray]:
        """Its rows as its contract's landing columns, all text, and the number of each in the file. A column that bronze lacks is null."""
        found = self.rows.by_file.get(self.name, self.rows.none)
        texts = [found.column(name) if name in found.column_names else pa.nulls(found.num_rows, pa.string()) for name in source.columns]
        names = list(source.columns)
        return pa.Table.from_arrays([text.cast(pa.string()) for text in texts], names=names), found.column(SOURCE_ROW)


@dataclass(slots=True, eq=False)
class HeldRows:
    """The rows of an arrival, read once, by whichever of its files is asked for first."""

    snapshot: Snapshot
    paths: frozenset[str]
    lock: Lock = field(default_factory=Lock)
    found: dict[str, pa.Table] | None = None

    @property
    def by_file(self) -> dict[str, pa.Table]:
        """The rows of each landing file, in its order."""
        import polars as pl

        with self.lock:
            if self.found is None:
                frame = self.snapshot.scan(lambda file: file.path in self.paths).collect()
                parts = frame.sort(SOURCE_ROW).partition_by(SOURCE_FILE, as_dict=True)
                self.found = {str(name): part.to_arrow(compat_level=pl.CompatLevel.oldest()) for (name,), part in parts.items()}
            return self.found

    @property
    def none(self) -> pa.Table:
        """No rows, for a file that had none."""
        return pa.Table.from_arrays([pa.nulls(0, pa.int64())], names=[SOURCE_ROW])


@dataclass(frozen=True)
class Holdings:
    """What a bronze table holds: nothing, if there is no table yet."""

    snapshot: Snapshot | None = None
    regrouped: Contract | None = None

    @classmethod
    def of_table(cls, table: Snapshot | None, contract: Contract) -> Holdings:
        """What a table holds, by arrivals of the contract's calendar: in a table of another one, by those that names of files say."""
        return cls(table, contract if outgrown(table, arrival_calendar(contract)) else None)

    @cached_property
    def arrivals(self) -> dict[str, list[str]]:
        """The data files of each arrival; that of a snapshot is "". A damaged one holds nothing: see `lost`."""
        found: dict[str, list[str]] = {}
        for file in self.snapshot.files if self.snapshot else ():
            if file_damage(file):
                continue
            before = file.values[0] if file.values else ""
            names = manifest_of(file.path).sources if self.regrouped else ()
            for arrival in {self._arrival(landed.name, before) for landed in names} if self.regrouped else {before}:
                found.setdefault(arrival, []).append(file.path)
        return found

    def _arrival(self, name: str, before: str) -> str:
        """The arrival of a file by the contract's calendar; of one whose name says no date, that which has its arrival of `before`."""
        calendar = arrival_calendar(self.regrouped) if self.regrouped else None
        if self.regrouped is None or calendar is None:
            return before
        moment = arrival_names(self.regrouped.source.path).moment(name)
        return calendar.first_of(moment.date() if moment else date.fromisoformat(before)).isoformat()

    def of(self, arrival: str) -> list[HeldFile]:
        """The landing files of an arrival."""
        paths = self.arrivals.get(arrival, [])
        if self.snapshot is None or not paths:
            return []
        rows = HeldRows(self.snapshot, frozenset(paths))
        found = {path: manifest_of(path).sources for path in paths}
        before = {file.path: file.values[0] if file.values else "" for file in self.snapshot.files} if self.regrouped else {}
        return [
            HeldFile(landed, rows)
            for path, sources in found.items()
            for landed in sources
            if self.regrouped is None or self._arrival(landed.name, before[path]) == arrival
        ]


def merged(found: Sequence[tuple[LandingFile, str]], held: Sequence[HeldFile], source: LandingSource) -> Contents:
    """The files of an arrival, in their order: what lies in landing, and what bronze holds of names that do not. Each content once."""
    there = {file.name for file, _ in found}
    both: list[tuple[LandingFile | HeldFile, str]] = [*found, *((file, file.landed.hash) for file in held if file.name not in there)]
    once: dict[str, LandingFile | HeldFile] = {}
    order = arrival_names(source.path).order
    for file, digest in sorted(both, key=lambda one: order(one[0].name)):
        once.setdefault(digest, file)
    return tuple((file, digest) for digest, file in once.items())


def newest_of(files: Sequence[LandingFile], held: Sequence[HeldFile], contract: Contract, now: datetime | None = None) -> Contents:
    """The newest file of a snapshot, which may be the one that bronze holds; nothing if it is gone since it was listed.

    A file that names a day to come, as of `now`, is not yet its newest.
    """
    names, there = arrival_names(contract.source.path), {file.name for file in files}
    known: list[LandingFile | HeldFile] = [*files, *(file for file in held if file.name not in there)]
    moments = ((file, names.moment(file.name)) for file in known)
    open_ = [file for file, moment in moments if now is None or moment is None or taken_from(contract, moment.date()) <= now]
    if not open_:
        return ()
    newest = max(open_, key=lambda file: names.order(file.name))
    digest = newest.landed.hash if isinstance(newest, HeldFile) else newest.content_hash()
    return ((newest, digest),) if digest is not None else ()
