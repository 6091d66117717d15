"""dbt's sources, compiled from the contracts: what a model may read is said once, in the contract.

`assay contracts compile` writes the file, and a test holds it equal to what the contracts say now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from assay.contracts.about import column_words, dataset_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model import Column, Contract

HEADER = "# Generated from the contracts by `assay contracts compile`; do not edit.\n"
DUCKDB_TYPES = {"timestamp": "timestamptz", "string": "varchar", "text": "varchar"}


def dbt_sources(contracts: Mapping[str, Contract]) -> str:
    """The text of dbt's sources.yml: one source `silver`, one table per contract, with grain, columns, types and units."""
    source = {
        "name": "silver",
        "description": "Tables of the lake whose rows met their contract, read at a pinned version.",
        "schema": "silver",
        "tables": [_table(contract) for contract in contracts.values()],
    }
    return HEADER + yaml.safe_dump({"sources": [source]}, sort_keys=False, allow_unicode=True, width=120)


def _table(contract: Contract) -> dict[str, Any]:
    return {
        "name": contract.dataset,
        "description": dataset_words(contract),
        "config": {"meta": {"owner": contract.owner, "dagster": {"asset_key": ["silver", contract.dataset]}}},
        "columns": [_column(column) for column in contract.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    spelled = (column.physical_type or column.logical_type).lower()
    return {"name": column.name, "data_type": DUCKDB_TYPES.get(spelled, spelled), "description": column_words(column)}
