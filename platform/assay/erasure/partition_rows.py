"""A partition that is written again without some of its rows: they are read a row group at a time, and of a large one no more is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lake.manifest import KEY, Landed, Manifest, days_of
from assay.lake.row_groups import by_row_group
from assay.lake.staging import stage
from assay.lake.stored_days import days_in
from assay.lake.streaming_writer import grown
from assay.steps import CHUNK_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import polars as pl

    from assay.lake.slices import Slice, TableSpec
    from assay.lake.snapshots import DataFile, Snapshot
    from assay.lake.staged import Staging

HELD_ROWS = CHUNK_ROWS  # a partition of more is never in memory as a whole


def parts_of(table: Snapshot, files: Sequence[DataFile], spec: TableSpec) -> Iterator[pl.DataFrame]:
    """The rows of some files of a snapshot in their order, with columns of the spec that the table has not learned yet as nulls.

    There is at least one part, without rows if need be. Raises TableDamaged for a file that is not as it was committed.
    """
    import polars as pl

    kinds = pl.Schema(spec.schema)

    def whole(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.lit(None, kinds[name]).alias(name) for name in spec.schema.names if name not in frame.columns)

    is_empty = True
    for file in files:
        for part in by_row_group(file.path, table.scan_files([file])):
            is_empty = False
            yield whole(part)
    if is_empty:
        yield whole(table.scan_files([]).collect())


def stage_rows(root: Path, slice_: Slice, parts: Iterable[pl.DataFrame], *, held: bool) -> Staging:
    """Stage the only partition of a slice, from memory if it is `held`; without a row there is no file."""
    import polars as pl

    return stage(root, slice_, [pl.concat(parts)]) if held else grown(root, slice_, _filled(parts))


def stage_arrival(root: Path, slice_: Slice, parts: Iterable[pl.DataFrame], sources: tuple[Landed, ...], *, held: bool) -> Staging:
    """The same of an arrival in bronze, whose file is there without a row, too: it says which `sources` have landed."""
    import polars as pl

    (key,) = slice_.keys
    if held:
        rows = pl.concat(parts).to_arrow(compat_level=pl.CompatLevel.oldest())
        return stage(root, slice_, [rows], {key: {KEY: Manifest(sources, next(iter(days_of(rows).values()), {})).dump()}})
    return grown(root, slice_, _filled(parts), lambda one: {KEY: Manifest(sources, days_in(one.path, one.sizes)).dump()})


def _filled(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    return (part for part in parts if part.height)
