"""Finding a person: the rows of bronze that name them, in every file on disk, also those of earlier versions and of killed runs.

What is found is kept as places, never as values: the hash of the landed content and the row in it tell the rejected rows and the decisions,
the days tell the partitions of silver.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.contracts.model.contract import EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW
from assay.lake.damage import refuse_changed
from assay.lake.log import LOG
from assay.lake.manifest import manifest_of
from assay.lake.quarantine.decisions import LAYER as DECISIONS
from assay.lake.quarantine.store import ARRIVALS, visible_files
from assay.lake.row_groups import by_row_group
from assay.lake.snapshots import newest
from assay.masking.subjects import rows_of, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.lake.snapshots import Snapshot

ORIGIN = (SOURCE_FILE, SOURCE_HASH, SOURCE_ROW)
Place = tuple[str, int]


@dataclass(slots=True)
class Traces:
    """Where a person was found in a dataset: the rows by place, the days of their events, the landing files that they came in.

    `others` are rows of an earlier content at the same row of the same file, which nobody sees: theirs, or somebody else's.
    """

    places: set[Place] = field(default_factory=set)
    others: set[Place] = field(default_factory=set)
    days: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    def add(self, other: Traces) -> None:
        """Take what another search has found as well."""
        self.places |= other.places
        self.others |= other.others
        self.days |= other.days
        self.files |= other.files

    def to_json(self) -> dict[str, Any]:
        """As it is kept while the erasure is under way."""
        return {"places": sorted(self.places), "others": sorted(self.others), "days": sorted(self.days), "files": sorted(self.files)}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Traces:
        """Read what was kept."""
        places, others = ({(hash_, row) for hash_, row in said.get(name, ())} for name in ("places", "others"))
        return cls(places, others, set(said["days"]), set(said["files"]))

    def of(self, layer: str) -> set[Place]:
        """The places of the rows that a layer has to lose. What is rejected or claimed is made again, so it loses what may be theirs, too;
        a decision about somebody else's row would be lost for good.
        """
        return self.places if layer == DECISIONS else self.places | self.others


def data_files(table: Path) -> list[Path]:
    """Every Parquet file of a table that is on disk, whether or not a version of the table names it."""
    found = list[Path]()
    for above, folders, files in os.walk(table):
        folders[:] = [one for one in folders if one != LOG]
        found += [Path(above, one) for one in files if one.endswith(".parquet")]
    return sorted(found)


def is_whole(path: Path) -> bool:
    """Whether a Parquet file can be read: a writer that was killed leaves one that is cut."""
    import pyarrow.parquet as pq

    try:
        pq.read_metadata(path)
    except (ValueError, OSError):  # Arrow's own are these
        return False
    return True


def _parts(path: Path, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
    """The rows of a file, a row group at a time. One that cannot be decoded ends there: it is an old one, which the proof names."""
    import polars as pl

    try:
        found = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        yield from by_row_group(path, found if columns is None else found.select(columns))
    except (pl.exceptions.PolarsError, ValueError, OSError) as error:  # Arrow's own are these
        if isinstance(error, OSError) and error.errno is not None:
            raise


def holds(path: Path, contract: Contract, kind: str, value: str) -> pl.DataFrame:
    """The rows of a bronze file that name a person, as ORIGIN and the event date."""
    import polars as pl

    wanted = dict.fromkeys((*contract.source.columns, *ORIGIN), pl.String()) | {SOURCE_ROW: pl.Int64(), EVENT_DATE: pl.Date()}
    found = [pl.DataFrame(schema={name: wanted[name] for name in (*ORIGIN, EVENT_DATE)})]
    for part in _parts(path):
        frame = part.with_columns(pl.lit(None, type_).alias(name) for name, type_ in wanted.items() if name not in part.columns)
        found.append(frame.filter(named(frame, contract, kind, value)).select(*ORIGIN, EVENT_DATE))
    return pl.concat(found, how="vertical_relaxed")


def contents_in(path: Path, column: str) -> set[str]:
    """The hashes of the landed contents that a file has rows of. Of one that is cut nothing can be told."""
    return set[str]().union(*(part[column].unique() for part in _parts(path, [column])))


def named(frame: pl.DataFrame, contract: Contract, kind: str, value: str) -> pl.Series:
    """Which rows of bronze name a person."""
    wanted = spelled(contract, kind, value)
    return rows_of(frame, contract, kind, lambda texts: texts.is_in(wanted))


def search(lake: Path, contract: Contract, kind: str, value: str) -> Traces:
    """Look through all files of a bronze table. Raises TableDamaged for one of its newest version that is not as it was committed: nobody
    can tell whom that names. Of an old one the proof says so.
    """
    found, name, now = Traces(), f"bronze/{contract.dataset}", set[Place]()
    table = newest(lake, name)
    if table:
        refuse_changed(table, table.files)
    live = {file.path for file in table.files} if table else set()
    for path in data_files(lake / name):
        if str(path) not in live and not is_whole(path):
            continue  # `old_files` removes it
        rows = holds(path, contract, kind, value)
        names = {one.hash: one.aliases for one in manifest_of(str(path)).sources} if rows.height else {}
        for file, hash_, row, day in rows.iter_rows():
            found.places.add((hash_, row))
            found.files |= {file, *names.get(hash_, ())}
            if day is not None:
                found.days.add(day.isoformat())
            if str(path) in live:
                now.add((file, row))
    if now:
        _add_held_before(found, lake, contract.dataset, now)
    return found


def _add_held_before(found: Traces, lake: Path, dataset: str, rows: set[Place]) -> None:
    """Add the places by which other tables know some rows of files: what a file that is sent again leaves as it was keeps its earlier hash.

    Of what readers see that is so. What is kept of older publications may be about a row that was another one in that content.
    """
    published = {prefix: newest(lake, f"{layer}/{dataset}") for prefix, layer in (("", "silver"), (ARRIVALS, "bronze"))}
    for layer in ("quarantine", "claims"):
        if table := newest(lake, f"{layer}/{dataset}"):
            seen = {file.path for file in visible_files(table, published)}
            found.places |= _origins(table, seen, rows)
            found.others |= _origins(table, {file.path for file in table.files} - seen, rows)
    found.others -= found.places


def _origins(table: Snapshot, paths: set[str], rows: set[Place]) -> set[Place]:
    known = table.scan(lambda file: file.path in paths, ["source_file", "source_row", "source_hash"]).unique().collect()
    return {(hash_, row) for name, row, hash_ in known.iter_rows() if (name, row) in rows}


def at_places(frame: pl.DataFrame, places: Iterable[Place]) -> pl.Series:
    """Which rows with `source_hash` and `source_row` came from some places."""
    import polars as pl

    wanted = pl.DataFrame(sorted(places), schema={"source_hash": pl.String, "source_row": pl.Int64}, orient="row")
    marked = frame.select("source_hash", "source_row").join(
        wanted.with_columns(pl.lit(value=True).alias("_meant")), on=("source_hash", "source_row"), how="left", maintain_order="left"
    )
    return marked["_meant"].fill_null(value=False)


def holds_places(path: Path, places: set[Place]) -> bool:
    """Whether a file of a table whose rows say where they come from has some of a person."""
    return bool(places) and any(at_places(part, places).any() for part in _parts(path, ["source_hash", "source_row"]))
