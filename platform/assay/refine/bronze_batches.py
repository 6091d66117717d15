"""Pieces: the bronze rows of a partition too large to be held, some at a time and in their order; and how large a partition is.

Row groups are looked into in turn, so that nothing has to be held but the rows that are worked on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from assay.contracts.model.contract import EVENT_DATE
from assay.lake.manifest import MANIFESTS, manifest_of
from assay.refine.absent_columns import with_columns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import polars as pl
    import pyarrow.parquet as pq

    from assay.lake.slices import Partition
    from assay.lake.snapshots import DataFile
    from assay.refine.inputs import Inputs

    Span = tuple[date, date] | None  # half-open; None for all rows

SAMPLE = 1024  # rows
CELL = 12  # bytes in memory of a value of which nothing more is known
MOST_OF_A_CELL, MOST_UNPACKED = 64, 64  # a file that would be small even so is not looked into
FASTER = 16  # times: so much more than the last are the next rows at most


def pieces_of(inputs: Inputs, partition: Partition, size: int) -> Iterator[pl.DataFrame]:
    """The rows of `Inputs.rows` in the same order, about `size` bytes at a time."""
    import polars as pl

    span, paths = inputs.span(partition), {file.path for file in inputs.files(partition)}
    pending, held = list[pl.DataFrame](), 0
    for file in inputs.bronze.files:
        for rows in _parts(inputs, file, span, size) if file.path in paths else ():
            pending.append(rows)
            held += int(rows.estimated_size())
            if held >= size:
                yield pl.concat(pending)
                pending, held = [], 0
    if pending:
        yield pl.concat(pending)


def _parts(inputs: Inputs, file: DataFile, span: Span, size: int) -> Iterator[pl.DataFrame]:
    import polars as pl
    import pyarrow.parquet as pq

    found = with_columns(inputs.bronze.scan_files([file]), inputs.contract)
    footer, at, count = pq.read_metadata(file.path), 0, max(min(SAMPLE, size // (CELL * len(inputs.bronze.schema))), 1)
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        end = at + group.num_rows
        while at < end and _may_hold(group, span):
            rows = found.slice(at, min(count, end - at)).collect()
            at += rows.height
            count = max(min(rows.height * size // max(int(rows.estimated_size()), 1), rows.height * FASTER), 1)
            if span is not None:
                rows = rows.filter((pl.col(EVENT_DATE) >= span[0]) & (pl.col(EVENT_DATE) < span[1]))
            if rows.height:
                yield rows
        at = end


def _may_hold(group: pq.RowGroupMetaData, span: Span) -> bool:
    """Whether a row group may have a row of these event dates, as far as its footer tells."""
    if span is None:
        return True
    for place in range(group.num_columns):
        column = group.column(place)
        if column.path_in_schema == EVENT_DATE:
            told = column.statistics
            return told is None or not told.has_min_max or (told.min < span[1] and told.max >= span[0])
    return True


def size_of(inputs: Inputs, partition: Partition, little: int) -> int:
    """About how many bytes the bronze rows of a partition take in memory; a file of fewer bytes than `little` is not looked into."""
    span, columns, total = inputs.span(partition), len(inputs.bronze.schema), 0
    for file in inputs.files(partition):
        days = manifest_of(file.path).days.items()
        rows = sum(one.rows for day, one in days if span is None or (day is not None and span[0] <= day < span[1]))
        small = max(file.rows * columns * MOST_OF_A_CELL, file.size * MOST_UNPACKED) < little
        total += rows * (columns * CELL if small else _width(file.path, columns))
    return total


@lru_cache(MANIFESTS)
def _width(path: str, columns: int) -> int:
    """About how many bytes a row of a file takes: as a sample does, and no less than what the footer says of all."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        said = file.metadata
        encoded: int = sum(said.row_group(number).total_byte_size for number in range(said.num_row_groups))
        sample = next(file.iter_batches(SAMPLE, use_threads=False), None)
    sampled: int = sample.nbytes // max(sample.num_rows, 1) if sample else 0
    rows: int = said.num_rows
    return max(encoded // max(rows, 1), sampled, columns)
