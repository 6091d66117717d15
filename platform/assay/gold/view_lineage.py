"""Consumer views and who reads them as nodes of the lineage, so that a change is followed to the people whom it concerns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.gold.lineage import Node
from assay.gold.select_lineage import LineageUnknown, lineage_of
from assay.gold.views import ConsumerView
from assay.lake.duckdb_sql import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.model.gold_contract import Consumer, GoldContract, ProductContracts

ALL_COLUMNS = "it names no columns."


def view_nodes(view: ConsumerView) -> Iterator[Node]:
    """A view, and everybody who reads it."""
    model, columns = view.current.dataset, [column.name for column in view.current.columns]
    name, table = view.contract.view, view.contract.view.replace(".", "/")
    try:
        lineage, unknown = lineage_of(view.select(f"gold.{quoted(model)}"), {f"gold.{model}": columns}), ""
    except LineageUnknown as why:
        lineage, unknown = None, why.message.partition("; ")[2]
    yield Node(name, "view", table, (f"gold/{model}",), lineage, unknown)
    yield from (_consumer(consumer, view.contract, table) for consumer in view.contract.consumers)


def _consumer(consumer: Consumer, contract: GoldContract, table: str) -> Node:
    name = f"{consumer.name} ({consumer.contact})"
    if not consumer.columns:
        return Node(name, "consumer", None, (table,), None, ALL_COLUMNS)
    schema, _, view = contract.view.partition(".")
    select = f"SELECT {', '.join(map(quoted, consumer.columns))} FROM {schema}.{quoted(view)}"  # noqa: S608  # only traced
    return Node(name, "consumer", None, (table,), lineage_of(select, {contract.view: [column.name for column in contract.columns]}))


def broken_views(old: GoldContract, after: ProductContracts) -> Iterator[Node]:
    """The view that a model's former contract gave its readers, unless a contract that is there now keeps it alive."""
    if old.dataset not in after.models or old.major not in {kept.major for kept in after.older.get(old.dataset, ())}:
        yield from view_nodes(ConsumerView(old, old))
