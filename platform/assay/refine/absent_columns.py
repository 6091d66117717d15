"""Which optional landing columns the bronze rows of a partition lack, told by the manifests of bronze: by the day, not by the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.lake.accounts import Rows


def absent_columns(days: Iterable[Rows], optional: Sequence[str]) -> frozenset[str]:
    """The optional columns without a value in any of the rows, those that their files landed without included."""
    absent = frozenset(optional)
    for _, _, day in days if absent else ():
        absent -= {*day.filled}
    return absent


def with_columns(bronze: pl.LazyFrame, contract: Contract) -> pl.LazyFrame:
    """Bronze rows with every landing column: one that nothing was ingested with yet is null."""
    import polars as pl

    known = bronze.collect_schema().names()
    return bronze.with_columns(pl.lit(None, pl.String).alias(name) for name in contract.source.columns if name not in known)
