"""Consumer views as assets: what analysts read is where lineage ends. Nothing materializes them; they are computed whenever they are read.

What a view is, and who reads it, is `gold/views.py` and the contract of its major version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.contracts.export.page_rules import ending
from assay.gold.models import LAYER
from assay.gold.views import views_of
from assay.lake.duckdb_sql import quoted
from assay.orchestration.metadata import column_schema, owner_metadata, owners_of, tag_value

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from assay.contracts.model.gold_contract import GoldContract, ProductContracts
    from assay.gold.views import ConsumerView

READERS = dg.TableSchema([dg.TableColumn("reader"), dg.TableColumn("contact"), dg.TableColumn("columns")])


def view_specs(product: ProductContracts, models: Collection[str], folder: Path) -> list[dg.AssetSpec]:
    """An external asset for each major version of some models, grouped as they are read: `v1`, `v2`. `folder` is that of the contracts."""
    return [_spec(view, folder) for view in views_of(product) if view.current.dataset in models]


def _spec(view: ConsumerView, folder: Path) -> dg.AssetSpec:
    contract, model = view.contract, view.current.dataset
    tags = {"contract": contract.dataset, "contract_version": contract.version, "domain": contract.domain}
    return dg.AssetSpec(
        [view.schema, model],
        deps=[[LAYER, model]],
        description=_words(view),
        group_name=view.schema,
        kinds={"view", "duckdb"},
        owners=owners_of(contract.owner),
        tags={name: tag_value(value) for name, value in tags.items() if value},
        metadata=_metadata(view, folder),
    )


def _words(view: ConsumerView) -> str:
    contract = view.contract
    going = f" Deprecated {ending(contract.deprecated)}" if contract.deprecated else ""
    made = f"{contract.view}, as its readers were promised it: computed from gold/{contract.dataset} when it is read.{going}"
    return f"{made}\n\n{contract.description}"


def _metadata(view: ConsumerView, folder: Path) -> dict[str, Any]:
    contract = view.contract
    sql = view.select(f"{LAYER}.{quoted(contract.dataset)}")
    said = {"deprecated": ending(contract.deprecated) if contract.deprecated else "", "granularity": contract.granularity}
    return {
        "dagster/table_name": contract.view,
        "dagster/column_schema": column_schema(contract.columns, contract.key),
        "contract": dg.MetadataValue.path(folder / contract.path),
        "contract_version": contract.version,
        "computed by": dg.MetadataValue.md(f"```sql\n{sql}\n```"),
        "read by": _readers(contract),
        **{name: text for name, text in said.items() if text},
        **owner_metadata(contract.owner),
    }


def _readers(contract: GoldContract) -> dg.TableMetadataValue:
    rows = [{"reader": one.name, "contact": one.contact, "columns": ", ".join(one.columns) or "all"} for one in contract.consumers]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows], READERS)
