"""Finding a person: the rows of bronze that name them, in every file on disk, also those of earlier versions and of killed runs.

What is found is kept as places, never as values: the hash of the landed content and the row in it tell the rejected rows and the decisions,
the days tell the partitions of silver.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.contracts.model.calendars import event_calendar
from assay.contracts.model.contract import EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW
from assay.lake.accounts import MADE_FROM, rows_token
from assay.lake.damage import refuse_changed
from assay.lake.foreign import BESIDE
from assay.lake.log import LOG
from assay.lake.manifest import manifest_of
from assay.lake.migrations import TOKEN, outgrown
from assay.lake.quarantine.decisions import LAYER as DECISIONS
from assay.lake.quarantine.store import ARRIVALS, visible_files
from assay.lake.row_groups import by_row_group
from assay.lake.slices import WHOLE
from assay.lake.snapshots import newest
from assay.masking.subjects import rows_of, spelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.lake.accounts import Rows
    from assay.lake.snapshots import Snapshot

ORIGIN = (SOURCE_FILE, SOURCE_HASH, SOURCE_ROW)
Place = tuple[str, int]


@dataclass(slots=True)
class Traces:
    """Where a person was found in a dataset: the rows by place, the days of their events, the landing files that they came in.

    `others` are rows of an earlier content at the same row of the same file, which no file of bronze has any more: theirs, or another's.
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
        _add_held_before(found, lake, contract, now)
    return found


def _add_held_before(found: Traces, lake: Path, contract: Contract, rows: set[tuple[str, int]]) -> None:
    """Add the places by which other tables know some rows of files: what a file that is sent again leaves as it was keeps its earlier hash.

    Of what readers see of partitions that are as bronze is now, that is so. All else may be about a row that was another one in that
    content: where a file of bronze has that row, it has told whose.
    """
    maybe = set[Place]()
    for table, current in shown_now(lake, contract):
        old = {file.path for file in table.files} - current
        found.places |= {(hash_, row) for file, row, hash_ in _origins(table, current) if (file, row) in rows}
        maybe |= {(hash_, row) for file, row, hash_ in _origins(table, old) if (file, row) in rows}
    found.others |= _told_by_nobody(lake, contract.dataset, maybe - found.places)


def _origins(table: Snapshot, paths: set[str]) -> Iterator[tuple[str, int, str]]:
    """Of some files of a table: the landing file of each row, its number there, and the hash of the content that it was read from."""
    known = table.scan(lambda file: file.path in paths, ["source_file", "source_row", "source_hash"]).unique().collect()
    return known.iter_rows()


def _told_by_nobody(lake: Path, dataset: str, places: set[Place]) -> set[Place]:
    """Those of some places of which no file of bronze has the row, of the newest version or an old one."""
    import polars as pl

    left = {*places}
    for path in data_files(lake / "bronze" / dataset) if left else ():
        for part in _parts(path, [SOURCE_HASH, SOURCE_ROW]):
            there = part.select(pl.col(SOURCE_HASH).alias("source_hash"), pl.col(SOURCE_ROW).cast(pl.Int64).alias("source_row"))
            left.difference_update(there.filter(at_places(there, places)).iter_rows())
    return left


def shown_now(lake: Path, contract: Contract) -> Iterator[tuple[Snapshot, set[str]]]:
    """Quarantine and claims, each with its files that readers see of partitions that are as bronze is now.

    Of a table of another calendar nobody can tell: there it is all that readers see.
    """
    published = {prefix: newest(lake, f"{layer}/{contract.dataset}") for prefix, layer in (("", "silver"), (ARRIVALS, "bronze"))}
    stale = made_from_others(published[""], published[ARRIVALS], contract)
    for layer in BESIDE:
        if table := newest(lake, f"{layer}/{contract.dataset}"):
            yield table, {file.path for file in visible_files(table, published) if file.values[0] not in stale}


def made_from_others(silver: Snapshot | None, bronze: Snapshot | None, contract: Contract) -> set[str]:
    """The partitions of silver that were made from other rows than bronze has of them now; none of a table of another calendar."""
    rows: dict[str, list[Rows]] = defaultdict(list)
    calendar = event_calendar(contract)
    if silver is None or outgrown(silver, calendar):
        return set()
    for file in bronze.files if bronze else ():
        for day, one in manifest_of(file.path).days.items():
            if day is not None or calendar is None:
                key = calendar.first_of(day).isoformat() if calendar and day else WHOLE.key
                rows[key].append(("".join(file.values), str(day or ""), one))
    return {key for key, made_from in silver.tokens(TOKEN + MADE_FROM).items() if made_from != rows_token(rows[key])}


def contents_known(lake: Path, dataset: str) -> set[str]:
    """The hashes of the contents of which any file of bronze has rows, of the newest version or an old one."""
    return set[str]().union(*(contents_in(path, SOURCE_HASH) for path in data_files(lake / "bronze" / dataset)))


def let_go_of_shown(found: Traces, lake: Path, contract: Contract) -> None:
    """Now that bronze has nothing of the person: what readers see of partitions that are as it is, is somebody else's.

    Such a row is among `others` when its content landed again after the search.
    """
    if found.others and not outgrown(newest(lake, f"silver/{contract.dataset}"), event_calendar(contract)):
        for table, current in shown_now(lake, contract):
            found.others.difference_update((hash_, row) for _, row, hash_ in _origins(table, current))


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
