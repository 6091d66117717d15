"""What reference rules look into: the values that other datasets have, read once from their pinned versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from assay.contracts.model import Contract
    from assay.lake.snapshots import Snapshot


def reference_values(contract: Contract, snapshots: Mapping[str, Snapshot]) -> dict[tuple[str, Any], pl.Series]:
    """For each (dataset, column) that a rule looks into, the values there; for (dataset, (column, ..)) they are structs of those fields."""
    wanted = dict.fromkeys(rule.argument for rule in contract.references)
    return {(dataset, columns): _values(snapshots[dataset], columns) for dataset, columns in wanted}


def _values(snapshot: Snapshot, columns: str | tuple[str, ...]) -> pl.Series:
    if isinstance(columns, str):
        return snapshot.scan(columns=[columns]).collect()[columns]
    return snapshot.scan(columns=list(columns)).collect().select(columns).to_struct().unique()
