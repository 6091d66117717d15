"""dbt's sources, compiled from the contracts: what a model may read is said once, in the contract.

`assay contracts compile` writes the file, and a test holds it equal to what the contracts say now.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from assay.contracts.model.descriptions import column_words, dataset_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model.contract import Column, Contract

HEADER = "# Generated from the contracts by `assay contracts compile`; do not edit.\n"
JINJA = re.compile(r"\{[{%#]")
DUCKDB_TYPES = {"timestamp": "timestamptz", "string": "varchar", "text": "varchar"}


def dbt_sources(contracts: Mapping[str, Contract]) -> str:
    """The text of dbt's sources.yml: one source `silver`, one table per contract, with grain, columns, types and units."""
    source = {
        "name": "silver",
        "description": "Tables of the lake whose rows met their contract, read at a pinned version.",
        "schema": "silver",
        "tables": [_table(contract) for contract in contracts.values()],
    }
    return HEADER + yaml.safe_dump({"sources": [plain(source)]}, sort_keys=False, allow_unicode=True, width=120)


def plain(value: Any) -> Any:  # noqa: ANN401  # of whatever YAML has
    """The same value, with all texts as they are when dbt has rendered them: it reads Jinja in every text."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return JINJA.sub(lambda found: f"{{{{ '{found.group()}' }}}}", value) if isinstance(value, str) else value


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
