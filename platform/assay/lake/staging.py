"""Staging: Parquet files where no reader looks yet, and what their footers say about them.

A staged file lies at its final place under a name that no other attempt can have, and is invisible until a Delta commit names it. What
is checked before the commit is read back from the staged bytes, so the cost of a check does not grow with the rows.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from assay.errors import NullsInRequiredColumn, RowsOutsideSlice
from assay.lake.durable import sync_folder
from assay.lake.schemas import conform, missing_columns, union
from assay.lake.staged import StagedFile, Staging
from assay.lake.statistics import footer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import polars as pl
    import pyarrow as pa

    from assay.lake.slices import Partition, Slice

ROW_GROUP = 131_072
# store_schema=False: the same rows give the same bytes, whichever engine's spelling of a type they came in
OPTIONS: dict[str, Any] = {"store_schema": False, "coerce_timestamps": "us"}
SMALL_BYTES = 4 << 20  # in small files zstd costs as much as all the rest of writing, a context per column, and saves a few kilobytes
WRITERS = 4
ROW, FIRST, LAST, ROWS = "\0row", "\0first", "\0last", "\0rows"  # names that no partition column has


def stage(
    root: Path, slice_: Slice, frames: Iterable[pl.DataFrame | pa.Table], footers: Mapping[str, Mapping[str, str]] | None = None
) -> Staging:
    """Write each frame as one file per partition under `root` and check the result against the slice.

    `footers` says by partition key what else the footers of its files say; such a partition has a file even if it has no row. Frames are
    consumed one by one, so memory is bounded by the largest. Raises SchemaDrift, NullsInRequiredColumn or RowsOutsideSlice; then the files
    are gone and the table is as it was.
    """
    import pyarrow as pa

    staging, notes = nothing_staged(root, slice_), footers or {}
    try:
        with ThreadPoolExecutor(WRITERS) as pool:
            for frame in frames:
                table, added = to_arrow(frame, slice_)
                staging.added = union(staging.added, added)
                refuse_nulls(table, slice_)
                _write_all(pool, staging, split(table, slice_), notes)
            without_rows = {*notes} - {file.partition.key for file in staging.files}
            empty = conform(pa.Table.from_arrays([], names=[]), slice_.spec.schema, slice_.spec.partition_by)
            _write_all(pool, staging, ((part, empty) for part in slice_.partitions if part.key in without_rows), notes)
        sync_folders(staging)
        for file in staging.files:
            refuse_strays(file, slice_)
    except BaseException:
        staging.discard()
        raise
    return staging


def nothing_staged(root: Path, slice_: Slice) -> Staging:
    """A new attempt, without a file yet: published so it leaves the partitions empty."""
    import pyarrow as pa

    return Staging(root, slice_, uuid.uuid4().hex[:12], [], pa.schema([]))


def _write_all(
    pool: ThreadPoolExecutor, staging: Staging, parts: Iterable[tuple[Partition, pa.Table]], footers: Mapping[str, Mapping[str, str]]
) -> None:
    """Each thread records its file itself: none is forgotten when another one fails."""

    def write(part: tuple[Partition, pa.Table]) -> None:
        staging.files.append(_write(staging, *part, footers.get(part[0].key, {})))

    for _ in pool.map(write, list(parts)):
        pass


def to_arrow(frame: pl.DataFrame | pa.Table, slice_: Slice) -> tuple[pa.Table, pa.Schema]:
    """A frame as the table stores it, and the columns that the table does not have yet. Raises SchemaDrift."""
    import polars as pl
    import pyarrow as pa

    table = frame if isinstance(frame, pa.Table) else frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    added = missing_columns(slice_.spec, table.schema)
    return conform(table, pa.schema([*slice_.spec.schema, *added])), added


def split(table: pa.Table, slice_: Slice) -> Iterator[tuple[Partition, pa.Table]]:
    """Cut a table into its partitions, keeping the order of rows. Raises RowsOutsideSlice for a value that the slice does not own."""
    import polars as pl

    columns = slice_.spec.partition_by
    if not table.num_rows:
        return
    if not columns:
        yield slice_.partitions[0], table
        return
    keys = pl.from_arrow(table.select(list(columns)))
    assert isinstance(keys, pl.DataFrame)  # noqa: S101  # from_arrow of a table is a frame
    row = pl.col(ROW)
    grouped = keys.with_row_index(ROW).group_by(columns, maintain_order=True)
    groups = grouped.agg(row.min().alias(FIRST), row.max().alias(LAST), row.len().alias(ROWS))
    body = table.select([name for name in table.column_names if name not in columns])
    if (groups[LAST] - groups[FIRST] + 1 != groups[ROWS]).any():  # bring together what is scattered
        body = body.take(grouped.agg(row)[ROW].explode().alias("").to_arrow())  # Arrow's names end at a NUL
        groups = groups.with_columns((groups[ROWS].cum_sum() - groups[ROWS]).alias(FIRST))
    for group in groups.iter_rows(named=True):
        found = tuple(partition_value(group[column]) for column in columns)
        owner = slice_.owner(found)
        if owner is None:
            shown = ", ".join(f"{name} = {value}" for name, value in zip(columns, found, strict=True))
            raise RowsOutsideSlice(
                f"Tried to publish {_named(slice_)} of {slice_.spec.name}; found {group[ROWS]} rows with {shown}, which are not part of it."
            )
        yield owner, body.slice(group[FIRST], group[ROWS])


def partition_value(value: object) -> str:
    """Spell the value of a partition column as Delta keeps it: dates and timestamps in ISO form, anything else as text. Null is empty.

    A timestamp with a time zone says so (`Z`): DuckDB would read it in the zone of its session.
    """
    if isinstance(value, datetime):
        wall = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        return wall.isoformat(sep="T" if value.tzinfo else " ") + ("Z" if value.tzinfo else "")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    return "" if value is None else str(value)


def _named(slice_: Slice) -> str:
    keys = slice_.keys
    return f"partition {keys[0]!r}" if len(keys) == 1 else f"{len(keys)} partitions ({keys[0]!r} to {keys[-1]!r})"


def folder_of(slice_: Slice, partition: Partition) -> str:
    """The folder of a partition below its table, in Hive's way: `column=value`, percent-encoded."""
    return "".join(
        f"{quote(column, safe='')}={quote(value, safe='')}/"
        for column, value in zip(slice_.spec.partition_by, partition.values, strict=True)
    )


def _write(staging: Staging, partition: Partition, table: pa.Table, footer_says: Mapping[str, str]) -> StagedFile:
    """Write one file and sync its bytes; `sync_folders` follows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, compression=compression_of(table), **OPTIONS) as writer:
        writer.write_table(table, row_group_size=ROW_GROUP)
        if footer_says:
            writer.add_key_value_metadata(dict(footer_says))
    data = sink.getvalue()
    nulls, bounds = footer(pq.read_metadata(pa.BufferReader(data)), staging.slice.spec.without_bounds)
    digest = hashlib.blake2b(data, digest_size=8).hexdigest()
    folder = staging.root / folder_of(staging.slice, partition)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name_of(digest)
    with target.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return StagedFile(
        path=str(target.relative_to(staging.root)), partition=partition, size=len(data), rows=table.num_rows,
        modified_ms=int(target.stat().st_mtime * 1000), digest=digest, nulls=nulls, bounds=bounds,
    )  # fmt: skip


def compression_of(table: pa.Table) -> str:
    """How a file is packed that begins with these rows, or has no others."""
    return "zstd" if table.nbytes > SMALL_BYTES else "snappy"


def name_of(digest: str) -> str:
    """A name for a file of these bytes that no other attempt can have."""
    return f"part-{digest}-{uuid.uuid4().hex[:12]}.parquet"


def sync_folders(staging: Staging) -> None:
    """Make the names of the files durable, and of every folder up to the lake: whoever has made one may have been killed before it was."""
    above = (staging.root, staging.root.parent, staging.root.parent.parent)
    folders = {PurePath(folder) for folder in {file.path.rpartition("/")[0] for file in staging.files}}
    inner = {staging.root / one for folder in folders for one in (folder, *folder.parents)}
    for folder in sorted({*inner, *above} if inner else inner, reverse=True):
        sync_folder(folder)


def refuse_nulls(table: pa.Table, slice_: Slice) -> None:
    """Raise NullsInRequiredColumn for a value that is missing.

    Asked of the frame, not of the file: footers do not count the nulls of nested columns.
    """
    for field in slice_.spec.schema:
        if not field.nullable and (nulls := table.column(field.name).null_count):
            raise NullsInRequiredColumn(
                f"Tried to publish {_named(slice_)} of {slice_.spec.name}; found {nulls} nulls in {field.name!r}, which is required."
            )


def refuse_strays(file: StagedFile, slice_: Slice) -> None:
    """Raise RowsOutsideSlice for a file that has an event time outside of the window of its partition."""
    column, window = slice_.spec.event_time, file.partition.window
    if column is None or window is None or column not in file.bounds:
        return
    strays = [moment for moment in file.bounds[column] if _moment(moment) not in window]
    if strays:
        raise RowsOutsideSlice(
            f"Tried to publish partition {file.partition.key!r} of {slice_.spec.name}, [{window.start}, {window.end});"
            f" found {column} = {strays[0]}."
        )


def _moment(value: date | datetime) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)
