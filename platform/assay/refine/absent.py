"""Which optional landing columns the bronze rows of a partition lack, told from the footers of its files.

Files never change, so each is looked at once in a process; and only where a contract has optional columns.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from assay.contracts.model import Contract
    from assay.lake.snapshots import DataFile


def absent_columns(files: Iterable[DataFile], optional: Sequence[str]) -> frozenset[str]:
    """The optional columns without a value in any of the files, those that a file was written without included."""
    absent = frozenset(optional)
    for file in files if absent else ():
        absent -= _filled(file.path)
    return absent


def with_columns(bronze: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Bronze rows with every landing column: one that nothing was ingested with yet is null."""
    import polars as pl

    known = bronze.collect_schema().names()
    return bronze.with_columns(pl.lit(None, pl.String).alias(name) for name in contract.source.columns if name not in known)


@cache
def _filled(path: str) -> frozenset[str]:
    """The columns of a file that have values, or of which its footer does not say that they have none."""
    import pyarrow.parquet as pq

    footer = pq.read_metadata(path)
    empty, names = set[str](), {footer.schema.column(place).path for place in range(footer.num_columns)}
    for place in range(footer.num_columns):
        chunks = [footer.row_group(group).column(place) for group in range(footer.num_row_groups)]
        counts = [chunk.statistics.null_count if chunk.statistics and chunk.statistics.has_null_count else -1 for chunk in chunks]
        if counts == [chunk.num_values for chunk in chunks]:
            empty.add(footer.schema.column(place).path)
    return frozenset(names - empty)
