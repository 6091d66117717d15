"""What bronze holds of each arrival, which stays when landing is archived: a file that is there no more keeps its rows.

Held rows are read from bronze as they landed, so bronze can be built again from itself: of an arrival that another tool has changed, from
the version before. A content that has landed under several names is there once, and held under each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from threading import Lock
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.cached_property import cached_property
from assay.contracts.language.file_names import arrival_names
from assay.contracts.model.calendars import arrival_calendar
from assay.contracts.model.contract import SOURCE_FILE, SOURCE_ROW
from assay.errors import AssayError, FileUnreadable
from assay.lake.damage import file_damage
from assay.lake.foreign import altered, before_it_was_altered, damage_by_key, files_by_key, noted_of
from assay.lake.manifest import Landed, manifest_of
from assay.lake.migrations import outgrown
from assay.lake.slices import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.contracts.model.landing_source import LandingSource
    from assay.lake.snapshots import DataFile, Snapshot


LOST = "Tried to read the rows of {} from bronze; {}, and no version that is left has them as they landed."
CHANGED = "another tool has changed them"
BRING_BACK = "Put its file back into the landing folder; or accept what is left: docs/operations.md says how."


@dataclass(frozen=True, slots=True)
class Origin:
    """A data file of bronze, in the version that has it, and its arrival by the table's own calendar.

    Of an arrival that no version has as it landed there is no data file, but the landing files that it had: they are `lost`.
    """

    arrival: str
    path: str = ""
    version: Snapshot | None = None
    lost: tuple[Landed, ...] = ()
    why: str = ""

    @property
    def landed(self) -> tuple[Landed, ...]:
        """The landing files that it is made from."""
        return self.lost or manifest_of(self.path).sources


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A landing file whose rows bronze has, or has lost. `name` is its path below the landing folder, where it need not be any more.

    `under` is the name that its content has in bronze: another one, if this is an alias of that.
    """

    landed: Landed
    rows: HeldRows | None
    under: str
    why: str = ""

    @property
    def name(self) -> str:
        """The path that it had below the landing folder."""
        return self.landed.name

    def read(self, source: LandingSource) -> tuple[pa.Table, pa.ChunkedArray]:
        """Its rows as its contract's landing columns, all text, and the number of each in the file. A column that bronze lacks is null.

        Raises FileUnreadable if another tool has changed them, or their data file is damaged, and nobody has them as they landed.
        """
        if self.rows is None:
            raise FileUnreadable(LOST.format(self.name, self.why), hint=BRING_BACK)
        found = self.rows.by_file.get(self.under, self.rows.none)
        texts = [found.column(name) if name in found.column_names else pa.nulls(found.num_rows, pa.string()) for name in source.columns]
        names = list(source.columns)
        return pa.Table.from_arrays([text.cast(pa.string()) for text in texts], names=names), found.column(SOURCE_ROW)


@dataclass(slots=True, eq=False)
class HeldRows:
    """The rows of an arrival, read once, by whichever of its files is asked for first."""

    origins: Sequence[Origin]
    lock: Lock = field(default_factory=Lock)
    found: dict[str, pa.Table] | None = None

    @property
    def by_file(self) -> dict[str, pa.Table]:
        """The rows of each landing file, in its order."""
        import polars as pl

        with self.lock:
            if self.found is None:
                versions = {one.version.version: one.version for one in self.origins if one.version}
                frames = [self._rows_in(version) for version in versions.values()]
                parts = pl.concat(frames, how="diagonal_relaxed").sort(SOURCE_ROW).partition_by(SOURCE_FILE, as_dict=True)
                self.found = {str(name): part.to_arrow(compat_level=pl.CompatLevel.oldest()) for (name,), part in parts.items()}
            return self.found

    def _rows_in(self, version: Snapshot) -> pl.DataFrame:
        paths = {one.path for one in self.origins if one.version and one.version.version == version.version}
        return version.scan(lambda file: file.path in paths).collect()

    @property
    def none(self) -> pa.Table:
        """No rows, for a file that had none."""
        return pa.Table.from_arrays([pa.nulls(0, pa.int64())], names=[SOURCE_ROW])


@dataclass(frozen=True)
class Holdings:
    """What a bronze table holds: nothing, if there is no table yet.

    What another tool has made of rows that no version has as they landed is only taken if it is `believed`.
    """

    snapshot: Snapshot | None = None
    regrouped: Contract | None = None
    believed: bool = False

    @classmethod
    def of_table(cls, table: Snapshot | None, contract: Contract, *, believed: bool = False) -> Holdings:
        """What a table holds, by arrivals of the contract's calendar: in a table of another one, by those that names of files say."""
        return cls(table, contract if outgrown(table, arrival_calendar(contract)) else None, believed)

    @cached_property
    def changed(self) -> set[str]:
        """The partitions that are not as they were published. To tell, the file system is asked for each file."""
        return altered(self.snapshot)

    @cached_property
    def arrivals(self) -> dict[str, list[Origin]]:
        """Where the rows of each arrival are; that of a snapshot is ""."""
        found: dict[str, list[Origin]] = {}
        for one in self._origins():
            named = [name for landed in one.landed for name in landed.names] if self.regrouped else []
            for arrival in {self._arrival(name, one.arrival) for name in named} if self.regrouped else {one.arrival}:
                found.setdefault(arrival, []).append(one)
        return found

    def _origins(self) -> Iterator[Origin]:
        if self.snapshot is None:
            return
        changed = self.changed
        before = before_it_was_altered(self.snapshot, changed) if changed else {}
        there, damaged = files_by_key(self.snapshot), damage_by_key(self.snapshot) if changed else {}
        for key in [*there, *sorted(changed - there.keys())]:
            arrival, older = ("" if key == WHOLE.key else key), before.get(key)
            if older is None and key in changed and (key in damaged or not self.believed):
                yield Origin(arrival, lost=_lost(self.snapshot, key, there.get(key, ())), why=damaged.get(key, CHANGED))
            else:
                table, files = older or (self.snapshot, there.get(key, []))
                yield from (Origin(arrival, file.path, table) for file in files)

    def _arrival(self, name: str, before: str) -> str:
        """The arrival of a file by the contract's calendar; of one whose name says no date, that which has its arrival of `before`."""
        calendar = arrival_calendar(self.regrouped) if self.regrouped else None
        if self.regrouped is None or calendar is None:
            return before
        moment = arrival_names(self.regrouped.source.path).moment(name)
        return calendar.first_of(moment.date() if moment else date.fromisoformat(before)).isoformat()

    def of(self, arrival: str) -> list[HeldFile]:
        """The landing files of an arrival, by each of their names."""
        origins = self.arrivals.get(arrival, [])
        rows = HeldRows([one for one in origins if not one.lost])
        return [
            HeldFile(replace(landed, name=name, aliases=()), None if one.lost else rows, landed.name, one.why)
            for one in origins
            for landed in one.landed
            for name in landed.names
            if self.regrouped is None or self._arrival(name, one.arrival) == arrival
        ]


def _lost(table: Snapshot, key: str, there: Iterable[DataFile]) -> tuple[Landed, ...]:
    """The landing files of an arrival that no version has as it was published, as the log names them, or what is left of it."""
    named: dict[str, list[str]] = {}
    for name, digest in noted_of(table, key).get("files", []):
        named.setdefault(digest, []).append(name)
    noted = [Landed(name, digest, 0, aliases=tuple(aliases)) for digest, (name, *aliases) in named.items()]
    if found := noted or [landed for file in there if not file_damage(file) for landed in manifest_of(file.path).sources]:
        return tuple(found)
    raise AssayError(LOST.format(f"{table.name} of {key}", CHANGED), hint=BRING_BACK)
