"""What a reader sees of quarantine: rows that are held, rows that a steward discarded, rows of the newest refused attempt.

Held and discarded rows are those that the published tables name (see `quarantine`), split by the decisions in force. Together they are the
rows of the sum, landed = published + quarantined + duplicates; refused rows are not part of it, because nothing of them was published.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from assay.errors import TableUnreadable
from assay.lake.duckdb_sql import literal
from assay.lake.fence import fence_now
from assay.lake.quarantine.decisions import ROW, decisions_of, in_force, in_force_sql
from assay.lake.quarantine.store import ARRIVALS, COLUMNS, PARTITION, PUBLICATION, REFUSED, refused_files, visible_files
from assay.lake.snapshots import newest, open_snapshot, table_names, total_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import polars as pl

    from assay.lake.snapshots import DataFile, Snapshot

SHOWN = tuple(name for name in COLUMNS.names if name != PUBLICATION)
DECIDED = ("decision", "decided_by", "decided_at", "because")


class Fate(StrEnum):
    """What became of a rejected row."""

    HELD = "held"
    DISCARDED = "discarded"
    REFUSED = "refused"


@dataclass(frozen=True)
class View:
    """The quarantine of one dataset at one moment. For the order see `visible_files`."""

    dataset: str
    silver: Snapshot | None
    bronze: Snapshot | None
    decisions: Snapshot | None
    quarantine: Snapshot
    noted: int | TableUnreadable  # the fence before all else was read, or why it cannot be told

    @classmethod
    def open(cls, root: Path, dataset: str) -> View:
        """Pin the tables. Raises TableMissing when no row of the dataset was ever rejected."""
        fence = _fence(root)
        silver, bronze = newest(root, f"silver/{dataset}"), newest(root, f"bronze/{dataset}")
        return cls(dataset, silver, bronze, decisions_of(root, dataset), open_snapshot(root, f"quarantine/{dataset}"), fence)

    @property
    def fence(self) -> int:
        """The number of the moment, for whoever writes what was read here. Raises TableUnreadable if the erasures cannot be read."""
        if isinstance(self.noted, TableUnreadable):
            raise self.noted
        return self.noted

    def files(self, fate: Fate) -> Sequence[DataFile]:
        """The quarantine files that hold the rows of a fate; held and discarded rows share theirs."""
        if fate is Fate.REFUSED:
            return refused_files(self.quarantine, self.silver)
        return visible_files(self.quarantine, {"": self.silver, ARRIVALS: self.bronze})

    def rows(self, fate: Fate, columns: Sequence[str] = SHOWN) -> pl.DataFrame:
        """The rows of a fate, by partition, file and row; discarded ones also say DECIDED. A partition is shown by its key alone."""
        import polars as pl

        wanted = list(dict.fromkeys([*columns, PARTITION, "source_file", *ROW]))
        rows = self.quarantine.scan(_within(self.files(fate)), wanted).with_columns(pl.col(PARTITION).str.strip_prefix(REFUSED))
        extra: tuple[str, ...] = ()
        if fate is Fate.DISCARDED:
            extra = DECIDED
            rows = rows.join(self._discarded(), on=ROW) if self.decisions else rows.head(0).with_columns(_undecided())
        elif fate is Fate.HELD and self.decisions:
            rows = rows.join(self._discarded(), on=ROW, how="anti")
        return rows.sort(PARTITION, "source_file", "source_row").select(*columns, *extra).collect()

    def count(self, fate: Fate) -> int:
        """How many rows, from the log alone where nothing was ever decided."""
        if fate is Fate.REFUSED or self.decisions is None:
            return 0 if fate is Fate.DISCARDED else total_rows(self.files(fate))
        return self.rows(fate, [PARTITION]).height

    def duckdb_select(self, fate: Fate) -> str:
        """SQL for the rows of a fate, with the columns of `rows`."""
        body = self.quarantine.duckdb_select(_within(self.files(fate)))
        names = ", ".join(name if name != PARTITION else f"replace({name}, {literal(REFUSED)}, '') AS {name}" for name in SHOWN)
        if fate is Fate.REFUSED or (fate is Fate.HELD and self.decisions is None):
            return f"SELECT {names} FROM ({body})"  # noqa: S608  # the names are constants, the body is quoted
        if self.decisions is None:
            empty = "NULL::BIGINT AS decision, NULL::VARCHAR AS decided_by, NULL::TIMESTAMPTZ AS decided_at, NULL::VARCHAR AS because"
            return f"SELECT {names}, {empty} FROM ({body}) WHERE false"  # noqa: S608
        join = "ANTI JOIN" if fate is Fate.HELD else "JOIN"
        extra = "" if fate is Fate.HELD else ", " + ", ".join(DECIDED)
        return f"SELECT {names}{extra} FROM ({body}) {join} ({in_force_sql(self.decisions)}) USING (source_hash, source_row)"  # noqa: S608

    def arrivals_stored(self, rule: str | None = None) -> set[str]:
        """The keys of the arrivals that quarantine holds rows of, or held until they were last published."""
        rows = self.quarantine.scan(lambda file: file.values[0].startswith(ARRIVALS), ["rule", PARTITION]).unique().collect()
        return {key.removeprefix(ARRIVALS) for found, key in rows.iter_rows() if rule in {None, found}}

    def _discarded(self) -> pl.LazyFrame:
        assert self.decisions is not None  # noqa: S101  # the caller looked
        return in_force(self.decisions).lazy().select(*ROW, *DECIDED)


def _fence(root: Path) -> int | TableUnreadable:
    try:
        return fence_now(root)
    except TableUnreadable as error:  # who only reads is not concerned
        return error


def quarantined_datasets(root: Path) -> list[str]:
    """The datasets of which rows were ever rejected, in order."""
    return [name.partition("/")[2] for name in table_names(root) if name.startswith("quarantine/")]


def _within(files: Sequence[DataFile]) -> Callable[[DataFile], bool]:
    paths = {file.path for file in files}
    return lambda file: file.path in paths


def _undecided() -> list[Any]:
    import polars as pl

    kinds = (pl.Int64(), pl.String(), pl.Datetime("us", "UTC"), pl.String())
    return [pl.lit(None, kind).alias(name) for name, kind in zip(DECIDED, kinds, strict=True)]
