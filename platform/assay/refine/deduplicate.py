"""The last of each key, and the order in which rows are published. Pure frame functions.

What is kept of some rows is what is kept of these and others together: a part may be reduced before all are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.model.contract import ARRIVAL, SOURCE_FILE, SOURCE_ROW, Contract
from assay.contracts.model.reserved_names import OWN
from assay.lake.quarantine.store import PARTITION
from assay.refine.claims import file_order

if TYPE_CHECKING:
    import polars as pl

PLACE = f"{OWN}place"


def latest_of(good: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Keep the last arrival of each key: by arrival, then as `ArrivalNames.order` sorts files, then by row. In order of the key.

    A key counts within its partition here: which partitions are refined together must not decide which row is published. Where it counts in
    the whole table, what is left are the partition's claims.
    """
    import polars as pl

    ordered = good.sort(order_of(contract), maintain_order=not contract.key)
    if not contract.key:
        return ordered
    key = [PARTITION, *contract.key]
    again = ordered.select(pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in key)).to_series()
    if not again.any():
        return ordered
    repeated = again | again.shift(-1, fill_value=False)  # only these are sorted by arrival: they are few, and a sort of all rows is dear
    arrival = [ARRIVAL] if ARRIVAL in good.columns else []
    contested = (
        ordered.with_row_index(PLACE)
        .filter(repeated)
        .sort([*arrival, file_order(ordered.filter(repeated)[SOURCE_FILE], contract), SOURCE_ROW])
    )
    last = contested.unique(key, keep="last", maintain_order=True)[PLACE]
    return ordered.filter(pl.lit(~repeated) | pl.int_range(pl.len()).is_in(last.cast(pl.Int64).implode()))


def order_of(contract: Contract) -> list[str]:
    """By what published rows are sorted: their partition and key; without either, by every column."""
    column = contract.partitioning.column
    return list(dict.fromkeys([*([column] if column else []), *contract.key])) or published_schema(contract).names


def masked_order(contract: Contract) -> list[str]:
    """By what rows are sorted again once they are masked, because their order would tell that of the raw keys; empty if it does not."""
    order = order_of(contract)
    return order if any(column.masking for column in contract.columns if column.name in order) else []


def masked_sorted(published: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Masked rows in their order."""
    order = masked_order(contract)
    return published.sort(order) if order else published
