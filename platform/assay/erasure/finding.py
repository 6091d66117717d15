"""Finding a person: the rows of bronze that name them, in every file on disk, also those of earlier versions and of killed runs.

What is found is kept as places, never as values: the hash of the landed content and the row in it tell the rejected rows and the decisions,
the days tell the partitions of silver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.contracts.model.contract import EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW
from assay.lake.log import LOG
from assay.lake.snapshots import newest
from assay.masking.subjects import rows_of, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import polars as pl

    from assay.contracts.model.contract import Contract

ORIGIN = (SOURCE_FILE, SOURCE_HASH, SOURCE_ROW)
Place = tuple[str, int]


@dataclass(slots=True)
class Traces:
    """Where a person was found in a dataset: the rows by place, the days of their events, the landing files that they came in."""

    places: set[Place] = field(default_factory=set)
    days: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    def add(self, other: Traces) -> None:
        """Take what another search has found as well."""
        self.places |= other.places
        self.days |= other.days
        self.files |= other.files

    def to_json(self) -> dict[str, Any]:
        """As it is kept while the erasure is under way."""
        return {"places": sorted(self.places), "days": sorted(self.days), "files": sorted(self.files)}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Traces:
        """Read what was kept."""
        return cls({(hash_, row) for hash_, row in said["places"]}, set(said["days"]), set(said["files"]))


def data_files(table: Path) -> list[Path]:
    """Every Parquet file of a table that is on disk, whether or not a version of the table names it."""
    return sorted(path for path in table.rglob("*.parquet") if LOG not in path.relative_to(table).parts)


def is_whole(path: Path) -> bool:
    """Whether a Parquet file can be read: a writer that was killed leaves one that is cut."""
    import pyarrow.parquet as pq

    try:
        pq.read_metadata(path)
    except (ValueError, OSError):  # Arrow's own are these
        return False
    return True


def holds(path: Path, contract: Contract, kind: str, value: str) -> pl.DataFrame:
    """The rows of a bronze file that name a person, as ORIGIN and the event date."""
    import polars as pl

    frame = pl.read_parquet(path, hive_partitioning=False)
    missing = [name for name in (*contract.source.columns, EVENT_DATE) if name not in frame.columns]
    frame = frame.with_columns(pl.lit(None, pl.Date if name == EVENT_DATE else pl.String).alias(name) for name in missing)
    return frame.filter(named(frame, contract, kind, value)).select(*ORIGIN, EVENT_DATE)


def named(frame: pl.DataFrame, contract: Contract, kind: str, value: str) -> pl.Series:
    """Which rows of bronze name a person."""
    wanted = spelled(contract, kind, value)
    return rows_of(frame, contract, kind, lambda texts: texts.is_in(wanted))


def search(lake: Path, contract: Contract, kind: str, value: str) -> Traces:
    """Look through all files of a bronze table."""
    found, name, now = Traces(), f"bronze/{contract.dataset}", set[Place]()
    table = newest(lake, name)
    live = {file.path for file in table.files} if table else set()
    for path in data_files(lake / name):
        if str(path) not in live and not is_whole(path):
            continue  # `old_files` removes it
        for file, hash_, row, day in holds(path, contract, kind, value).iter_rows():
            found.places.add((hash_, row))
            found.files.add(file)
            if day is not None:
                found.days.add(day.isoformat())
            if str(path) in live:
                now.add((file, row))
    found.places |= _held_before(lake, contract, now)
    return found


def _held_before(lake: Path, contract: Contract, rows: set[Place]) -> set[Place]:
    """The places by which other tables know some rows of files: what a file that was sent again leaves as it was keeps its earlier hash."""
    found = set[Place]()
    for layer in ("quarantine", "claims") if rows else ():
        if table := newest(lake, f"{layer}/{contract.dataset}"):
            known = table.scan(columns=["source_file", "source_row", "source_hash"]).unique().collect()
            found |= {(hash_, row) for file, row, hash_ in known.iter_rows() if (file, row) in rows}
    return found


def at_places(frame: pl.DataFrame, places: Iterable[Place]) -> pl.Series:
    """Which rows with `source_hash` and `source_row` came from some places."""
    import polars as pl

    wanted = pl.DataFrame(sorted(places), schema={"source_hash": pl.String, "source_row": pl.Int64}, orient="row")
    marked = frame.select("source_hash", "source_row").join(
        wanted.with_columns(pl.lit(value=True).alias("_meant")), on=("source_hash", "source_row"), how="left", maintain_order="left"
    )
    return marked["_meant"].fill_null(value=False)


def holds_places(path: Path, found: Traces) -> bool:
    """Whether a file of a table whose rows say where they come from has some of a person."""
    import polars as pl

    if not found.places or not is_whole(path):
        return False
    return bool(at_places(pl.read_parquet(path, columns=["source_hash", "source_row"], hive_partitioning=False), found.places).any())
