"""Set aside: the rows that a refinement rejects, on their way to quarantine, and what became of those that left it.

What quarantine is and when it is seen is for `lake/quarantine/store.py` to say; here partition values of frames become partition keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.contract import EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Contract, Grain
from assay.lake.quarantine.store import PARTITION
from assay.refine.kernel import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from assay.lake.slices import Partition, Slice


def value_of(partition: Partition) -> str:
    """How the kernel names a partition: the value of its partition column, or WHOLE for a table without partitions."""
    return partition.values[0] if partition.values else WHOLE


def keys_by_value(slice_: Slice) -> dict[str, str]:
    """The key of each partition of a slice, by how the kernel names it."""
    return {value_of(partition): partition.key for partition in slice_.partitions}


def rejected_of(rejected: pl.DataFrame, keys: Mapping[str, str]) -> pl.DataFrame:
    """The rejected rows of some partitions, PARTITION being the key. `keys` maps the value of each partition to its key."""
    import polars as pl

    rows = rejected.filter(pl.col(PARTITION).is_in(list(keys)))
    return rows.with_columns(pl.col(PARTITION).replace_strict(keys, return_dtype=pl.String))


def landed_rows(bronze: pl.LazyFrame, left: pl.DataFrame, contract: Contract, keys: Mapping[str, str]) -> pl.DataFrame:
    """The bronze rows where rows of `left` came from, and some near them: PARTITION (the key), source_file, source_row, source_hash."""
    import polars as pl

    files, numbers = left["source_file"].unique().implode(), left["source_row"]
    near = pl.col(SOURCE_ROW).is_between(numbers.min(), numbers.max())  # or a part of a large file would read all of it
    rows = bronze.filter(pl.col(SOURCE_FILE).is_in(files) & near).with_columns(_value(contract).alias(PARTITION))
    return rows.select(
        pl.col(PARTITION).replace_strict(keys, default=None, return_dtype=pl.String), pl.col(SOURCE_FILE).alias("source_file"),
        pl.col(SOURCE_ROW).alias("source_row"), pl.col(SOURCE_HASH).alias("source_hash"),
    ).collect()  # fmt: skip


def _value(contract: Contract) -> pl.Expr:
    import polars as pl

    if contract.is_snapshot:
        return pl.lit(WHOLE)
    day = pl.col(EVENT_DATE)
    return (day.dt.truncate("1mo") if contract.partitioning.grain is Grain.MONTH else day).cast(pl.String)
