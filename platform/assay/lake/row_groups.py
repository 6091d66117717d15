"""The rows of a Parquet file a row group at a time, so that no more of a large one is held."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl


def by_row_group(path: Path | str, rows: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """What `rows` reads of the file at `path`, all of its rows in their order, one row group after the other."""
    import pyarrow.parquet as pq

    footer, at = pq.read_metadata(path), 0
    for number in range(footer.num_row_groups):
        count = footer.row_group(number).num_rows
        yield rows.slice(at, count).collect()
        at += count
