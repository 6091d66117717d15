"""Consumer views over what is published now, as SQL for DuckDB: which can be shown, and why another cannot.

A table is of one major version. While it is still of an older one than the contracts say (its months have not been built again), that
version is what it holds, and its readers see it as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.versions import Version
from assay.errors import TableUnreadable
from assay.gold.full_refresh import published_version
from assay.gold.models import LAYER
from assay.gold.views import ConsumerView, views_of
from assay.lake.duckdb_sql import quoted
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

    from assay.contracts.model.gold_contract import GoldContract, ProductContracts
    from assay.lake.snapshots import Snapshot


def view_statements(lake: Path, product: ProductContracts, today: date) -> Iterator[str]:
    """The statements that make every consumer view, schemas first, each over one pinned version of its table.

    A view of a damaged table says so when it is read.
    """
    views = list(views_of(product))
    yield from (f"CREATE SCHEMA IF NOT EXISTS {schema}" for schema in sorted({view.schema for view in views}))
    for view in views:
        try:
            body = _body(view, newest(lake, f"{LAYER}/{view.current.dataset}"), product, today)
        except TableUnreadable as error:
            body = view.refuse(f"{view.contract.view} cannot be read: {error}")
        yield f"CREATE OR REPLACE VIEW {view.schema}.{quoted(view.contract.dataset)} AS {body}"


def _body(view: ConsumerView, snapshot: Snapshot | None, product: ProductContracts, today: date) -> str:
    contract, table = view.contract, f"{LAYER}/{view.contract.dataset}"
    if view.has_ended(today):
        return view.refuse(view.refusal())
    if snapshot is None:
        return view.refuse(f"{contract.view} cannot be read yet: nothing is published of {table}")
    held = _held(snapshot, product.majors(contract.dataset))
    relation = f"({snapshot.duckdb_select()})"
    if held is view.current:
        return view.select(relation)
    if held is contract:
        return view.select_own(relation)
    build = f"build it: assay backfill --select {table}"
    return view.refuse(
        f"{contract.view} cannot be read yet: {table} is published as {published_version(snapshot) or 'another version'}, {build}"
    )


def _held(snapshot: Snapshot, majors: tuple[GoldContract, ...]) -> GoldContract | None:
    """The major version that a table is of: by its commit, or else by its columns."""
    if (version := Version.read(published_version(snapshot))) is not None:
        return next((contract for contract in majors if contract.major == version.numbers[0]), None)
    names = set(snapshot.schema.names)
    return next((contract for contract in majors if {column.name for column in contract.columns} == names), None)
