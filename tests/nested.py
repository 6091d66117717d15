"""Nested orders for tests: a contract that reads paths, and one whose rows are the lines of the orders."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from assay.contracts.reading.odcs import read_contract
from assay.ingest.bronze import bronze_rows
from assay.ingest.landing_file import LandingFile
from assay.ingest.merging import Content
from assay.ingest.reading import Batch, read_pieces
from assay.refine.kernel import Refined, refine
from contract_head import head

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

CONTRACT = """\
servers:
  - server: landing
    type: local
    path: nested/nested_{{arrival:yyyy-MM-dd}}.{format}
    format: {format}
    customProperties: [{server}]
schema:
  - name: nested_landing
    physicalType: file
    properties: [{landing}]
  - name: nested
    physicalType: table
    properties:
      - {{name: order_date, logicalType: date, required: true, partitioned: true}}
{columns}
    customProperties:
      - property: eventTime
        value: {{expression: {event}, format: yyyy-MM-dd, timeZone: Etc/UTC}}
      - {{property: partitioning, value: {{grain: day, start: 2024-01-01}}}}
      - {{property: arrival, value: {{grain: day, start: 2024-01-01}}}}
"""
LINES_COLUMNS = """\
{name: sku, logicalType: string, required: true, primaryKey: true, transformSourceObjects: [lines.sku]}
{name: price, logicalType: number, physicalType: "DECIMAL(9, 2)", logicalTypeOptions: {minimum: 0}, transformSourceObjects: [lines.price]}
{name: who, logicalType: string, logicalTypeOptions: {maxLength: 4}, transformSourceObjects: [customer.name]}"""


def contract_of(
    folder: Path,
    columns: str,
    *,
    landing: str = "id customer lines",
    event: str = "'\"customer.day\"'",
    form: str = "jsonl",
    server: str = "",
) -> Contract:
    """A contract with the columns of a published table, each a line of YAML."""
    names = ", ".join(f"{{name: {name}, logicalType: string}}" for name in landing.split())
    text = head("nested") + CONTRACT.format(
        format=form, server=server, landing=names, event=event, columns="\n".join(f"      - {one}" for one in columns.splitlines())
    )
    path = folder / "nested.odcs.yaml"
    path.write_text(text)
    found = read_contract(path)
    assert not hasattr(found, "event_column")
    return found  # type: ignore[return-value]  # no gold model


def landed(contract: Contract, path: Path) -> pl.DataFrame:
    """The bronze rows of a file."""
    batch = Batch("2024-01-01", (Content(LandingFile(path, path.name, date(2024, 1, 1)), "digest"),))
    (piece,) = read_pieces([batch], contract.source)
    for error in piece.failed.values():
        raise error
    return pl.DataFrame(bronze_rows(piece, contract))


def published(contract: Contract, path: Path) -> Refined:
    """What becomes of the rows of a file."""
    return refine(landed(contract, path).lazy(), contract, {}, None, "run")
