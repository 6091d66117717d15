"""Bronze as consumers see it: every row as it landed, with the values of sensitive columns hidden. The files keep them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import ContractInvalid
from assay.lake.duckdb_sql import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from assay.lake.snapshots import Snapshot
    from assay.settings import Settings

    Open = Mapping[str, Collection[str]]

BRONZE = "bronze"


def open_columns(settings: Settings, query: str) -> Open:
    """The landing columns that anybody may read, by dataset. While a contract has a fault nobody knows, so there are none.

    Nor are there any for a query that does not name bronze: nothing of it is shown, and reading the contracts takes 0.5 s.
    """
    if BRONZE not in query.lower():
        return {}
    from assay.cli.product import contracts_folder
    from assay.contracts.model.sensitivity import sensitive_landing_columns
    from assay.contracts.reading.odcs import load_contracts

    try:
        contracts = load_contracts(contracts_folder(settings))
    except ContractInvalid:
        return {}
    return {name: {*contract.source.columns} - {*sensitive_landing_columns(contract)} for name, contract in contracts.items()}


def hidden_bronze(snapshot: Snapshot, known: Open) -> str:
    """SQL for a bronze table: where a value was that is not known to be open, `***` is. A column without contract is not open."""
    from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW
    from assay.masking.redaction import HIDDEN

    shown = {ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_ROW, SOURCE_HASH} | {*known.get(snapshot.name.partition("/")[2], ())}
    columns = [
        quoted(name) if name in shown else f"CASE WHEN {quoted(name)} IS NOT NULL THEN {literal(HIDDEN)} END AS {quoted(name)}"
        for name in snapshot.schema.names
    ]
    return f"SELECT {', '.join(columns)} FROM ({snapshot.duckdb_select()})"  # noqa: S608  # quoted
