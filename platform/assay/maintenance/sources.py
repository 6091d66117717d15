"""Sources go last: an old file of bronze stays as long as anything that may have been made from it is on the disk and not in bronze now.

An erasure finds a person in bronze, old files included, and learns from there what else is theirs. Without the old file of bronze it would
miss an old file of silver, or a rejected row.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import TableUnreadable
from assay.lake.layers import is_closed_layer
from assay.lake.manifest import manifest_of
from assay.lake.snapshots import newest
from assay.maintenance.cutoff import LONGEST_RUN
from assay.maintenance.unfinished import changed_at
from assay.maintenance.vacuum import Kind, data_files, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from assay.maintenance.vacuum import OldFiles, Removal

BRONZE, SILVER, GOLD = "bronze", "silver", "gold"
BY_CONTENT = ("quarantine", "claims", "decisions")  # whose rows say from which landed content they are


def fed_by(name: str, tables: Iterable[str]) -> list[str]:
    """The tables that may be made from a table of bronze and do not say from which of its rows."""
    dataset = name.partition("/")[2]
    return [one for one in tables if one == f"{SILVER}/{dataset}" or one.startswith(f"{GOLD}/")]


def still_needed(lake: Path, name: str, removals: Sequence[Removal], old: Mapping[str, OldFiles | None]) -> set[Path]:
    """Which of the old files of a bronze table have to stay. `old` are those of all tables, None for one that cannot be read."""
    if any(map(is_closed_layer, old)):  # what is made from it may lie there
        return {one.path for one in removals}
    fed, told = [old[one] for one in fed_by(name, old)], [f"{layer}/{name.partition('/')[2]}" for layer in BY_CONTENT]
    if any(one is None for one in fed) or any(old[one] is None for one in told if one in old):
        return {one.path for one in removals}
    oldest = min((changed_at(path) for one in fed if one for path in one.stays), default=float("inf"))
    committed = [one for one in removals if one.kind is Kind.EARLIER]  # from what was never committed nothing was made
    made = {one.path for one in committed if oldest <= one.at + LONGEST_RUN.total_seconds()}
    return made | _told_of(lake, name, [one.path for one in committed if one.path not in made])


def _told_of(lake: Path, name: str, paths: Sequence[Path]) -> set[Path]:
    """The files of contents that bronze has no more, of which rejected rows, claims or decisions are left."""
    if not paths:
        return set()
    import polars as pl

    try:
        gone = {path: _contents([str(path)]) - _contents(_beside(lake, name, path)) for path in paths}
        told = _contents_told(lake, name.partition("/")[2]) if any(gone.values()) else set()
    except (TableUnreadable, OSError, ValueError, pl.exceptions.PolarsError):  # of a file that cannot be read nobody knows
        return {*paths}
    return {path for path, contents in gone.items() if contents & told}


def _contents(paths: Iterable[str]) -> set[str]:
    return {source.hash for path in paths for source in manifest_of(path).sources}


def _beside(lake: Path, name: str, path: Path) -> list[str]:
    """The live files of the arrival of an old one."""
    table, key = newest(lake, name), partition_of(lake / name, path)
    return [file.path for file in table.files if partition_of(lake / name, Path(file.path)) == key] if table else []


def _contents_told(lake: Path, dataset: str) -> set[str]:
    """The contents of which these tables have rows, in any file that is on the disk."""
    import polars as pl

    paths = [str(path) for layer in BY_CONTENT for path in data_files(lake / layer / dataset)]
    if not paths:
        return set()
    rows = pl.scan_parquet(paths, glob=False, hive_partitioning=False, extra_columns="ignore", schema={"source_hash": pl.String})
    return set(rows.unique().collect()["source_hash"])
