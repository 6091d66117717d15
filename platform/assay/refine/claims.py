"""What a partition claims of a key that may be published once in the table, and which of several claims is published. Pure frame functions.

The last good arrival has the key. A claim of a partition that must stay as it is (`locked`) keeps it all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.language.file_names import arrival_names
from assay.contracts.model.contract import ARRIVAL, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Contract
from assay.contracts.model.sensitivity import is_keyed
from assay.lake.claims import DISPLACED, KEY
from assay.lake.publisher import fingerprint
from assay.lake.quarantine.store import PARTITION

if TYPE_CHECKING:
    import polars as pl

    from assay.masking.methods import Masks

LOCKED = "_locked"
ORIGIN = (ARRIVAL, SOURCE_FILE, SOURCE_ROW, SOURCE_HASH)


def claims_of(published: pl.DataFrame, latest: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """The claims of partitions by themselves: PARTITION, the key as published, and where each row came from.

    `published` are the masked rows, `latest` the same rows in the same order as they landed, with PARTITION and ORIGIN.
    """
    import polars as pl

    arrival = pl.col(ARRIVAL) if ARRIVAL in latest.columns else pl.lit(None, pl.Date)
    origin = latest.select(
        PARTITION, arrival.alias("arrival"), pl.col(SOURCE_FILE).alias("source_file"), pl.col(SOURCE_ROW).alias("source_row"),
        pl.col(SOURCE_HASH).alias("source_hash"),
    )  # fmt: skip
    return published.select(_key(published, contract)).hstack(origin)


def published_keys(rows: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """PARTITION and KEY of published rows."""
    import polars as pl

    return rows.select(pl.col(str(contract.partitioning.column)).cast(pl.String).alias(PARTITION), _key(rows, contract))


def _key(rows: pl.DataFrame, contract: Contract) -> pl.Expr:
    """A text that is equal for equal keys and different for different ones: one column's value, or several as JSON."""
    import polars as pl

    values = [_one_zero(pl.col(name), rows.schema[name]).cast(pl.String).alias(name) for name in contract.key]
    return (values[0] if len(values) == 1 else pl.struct(values).struct.json_encode()).alias(KEY)


def _one_zero(value: pl.Expr, kind: pl.DataType) -> pl.Expr:
    """0.0 and -0.0 are one number and two texts."""
    import polars as pl

    return pl.when(value == 0).then(pl.lit(0.0, kind)).otherwise(value) if kind.is_float() else value


def key_meaning(contract: Contract, masks: Masks) -> int:
    """A number for what decides whether two published keys are equal texts: claims under another one cannot be compared."""
    columns = {column.name: column for column in contract.columns}
    keyed = [columns[name] for name in contract.key]
    said = [(one.name, one.logical_type, one.physical_type, one.masking and (one.masking.method, one.subject)) for one in keyed]
    return fingerprint(said, *(masks.meaning(contract) if any(is_keyed(one.masking) for one in keyed) else ()))


def file_order(files: pl.Series, contract: Contract) -> pl.Expr:
    """The place of each row's file, which the column of that name holds, in the order in which files arrived: `ArrivalNames.order`."""
    import polars as pl

    known = sorted(files.drop_nulls().unique(), key=arrival_names(contract.source.path).order)
    return pl.col(files.name).replace_strict(known, range(len(known)), default=None, return_dtype=pl.UInt32)


def with_displaced(claims: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Claims (PARTITION, KEY, arrival, PLACE, LOCKED) with DISPLACED: whether another partition publishes the row of the key."""
    import polars as pl

    contested = claims.with_row_index("_row").filter(pl.col(KEY).is_duplicated())
    order = [pl.col(LOCKED), pl.col("arrival"), file_order(contested["source_file"], contract), pl.col("source_row")]
    kept = contested.sort(order).unique(KEY, keep="last", maintain_order=True)["_row"]
    lost = contested.filter(~pl.col("_row").is_in(kept.implode()))["_row"]
    return claims.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).is_in(lost.implode()).alias(DISPLACED))
