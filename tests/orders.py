"""A made-up dataset for tests: orders, which refer to customers. Its contract uses every kind of rule; its rows are small dicts of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW
from assay.contracts.reading.odcs import load_contracts
from assay.ingest.bronze import bronze_spec, event_dates
from assay.refine.kernel import Refined, refine
from contract_head import head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract

    Row = Mapping[str, str | None]

SERVER = """\
servers:
  - server: landing
    type: local
    path: {name}/{name}_{{arrival:yyyy-MM-dd}}*.csv*
    format: csv
    customProperties:
      - {{property: nullValues, value: [NA, ""]}}
"""
CUSTOMERS = (
    head("customers")
    + SERVER.format(name="customers")
    + """\
schema:
  - name: customers_landing
    physicalType: file
    properties:
      - {name: customer, logicalType: string}
  - name: customers
    physicalType: table
    properties:
      - {name: customer, logicalType: string, required: true, primaryKey: true}
    customProperties:
      - {property: eventTime, value: none, description: Customers have no events.}
"""
)
ORDERS = (
    head("orders")
    + SERVER.format(name="orders")
    + """\
schema:
  - name: orders_landing
    physicalType: file
    properties:
      - {name: day, logicalType: string}
      - {name: number, logicalType: string}
      - {name: customer, logicalType: string}
      - {name: amount, logicalType: string}
      - {name: state, logicalType: string}
      - {name: placed, logicalType: string}
      - {name: gift, logicalType: string}
      - {name: note, logicalType: string}
  - name: orders
    physicalType: table
    description: Orders.
    properties:
      - {name: order_date, logicalType: date, physicalType: DATE, required: true, partitioned: true}
      - {name: number, logicalType: integer, physicalType: INTEGER, required: true, primaryKey: true}
      - name: customer
        logicalType: string
        description: Who ordered.
        logicalTypeOptions: {pattern: "^[a-z]+$"}
        relationships:
          - to: customers.customer
            customProperties:
              - {property: name, value: customer_known}
      - name: amount
        logicalType: number
        physicalType: DOUBLE
        logicalTypeOptions: {minimum: 0, maximum: 1000}
      - {name: state, logicalType: string, enum: [{value: open}, {value: paid}]}
      - name: placed_at
        logicalType: timestamp
        transformSourceObjects: [placed]
        logicalTypeOptions: {format: "yyyy-MM-dd'T'HH:mm:ssXXX"}
      - {name: is_gift, logicalType: boolean, transformSourceObjects: [gift]}
      - {name: note, logicalType: string, logicalTypeOptions: {minLength: 2, maxLength: 5}}
    quality:
      - name: paid_has_amount
        type: custom
        engine: assay
        implementation: state <> 'paid' OR amount IS NOT NULL
        description: A paid order has an amount.
      - name: amount_is_usual
        type: custom
        engine: assay
        implementation: amount < 500
        severity: warning
        description: Few orders are above 500.
      - {name: some_rows, type: library, metric: rowCount, mustBeGreaterThan: 0, description: A day has orders.}
    customProperties:
      - property: eventTime
        value: {expression: day, format: yyyy-MM-dd, timeZone: Europe/Berlin}
      - property: partitioning
        value: {grain: day, start: 2024-01-01, end: 2024-02-01}
      - property: arrival
        value: {grain: day, start: 2024-01-01, end: 2024-02-10, lateness: 3}
      - property: rejectedShare
        value: {mustBeLessThan: 0.6}
"""
)
COLUMNS = ("day", "number", "customer", "amount", "state", "placed", "gift", "note")
GOOD = {
    "day": "2024-01-01", "number": "1", "customer": "ada", "amount": "10", "state": "open", "placed": "2024-01-01T10:00:00+01:00",
    "gift": "no", "note": "hello",
}  # fmt: skip
KNOWN_CUSTOMERS = {("customers", "customer"): pl.Series(["ada", "bob"])}


def write_contracts(folder: Path, orders: str = ORDERS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "orders.odcs.yaml").write_text(orders)
    (folder / "customers.odcs.yaml").write_text(CUSTOMERS)
    return folder


def orders_contract(folder: Path, old: str = "", new: str = "") -> Contract:
    """The contract of orders, after replacing a piece of its text."""
    assert old in ORDERS, f"the contract has no {old!r}"
    return load_contracts(write_contracts(folder, ORDERS.replace(old, new) if old else ORDERS))["orders"]


def bronze_of(contract: Contract, rows: Sequence[Row]) -> pl.DataFrame:
    """Rows as bronze has them. `file` and `row` say where one came from; by default they count."""
    spec = bronze_spec(contract).schema
    texts = {name: [{**GOOD, **row}.get(name) for row in rows] for name in contract.source.columns}
    arrivals = [row.get("arrival") or "2024-01-02" for row in rows]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)).with_columns(
        pl.Series(SOURCE_FILE, [row.get("file") or "a.csv" for row in rows], dtype=pl.String),
        pl.Series(SOURCE_ROW, [int(row.get("row") or number) for number, row in enumerate(rows, 1)], dtype=pl.Int64),
        pl.lit("hash").alias(SOURCE_HASH),
        pl.Series(ARRIVAL, arrivals, dtype=pl.String).str.to_date("%Y-%m-%d"),
    )
    return frame.with_columns(event_dates(frame, contract)).select(spec.names)


def refined(contract: Contract, rows: Sequence[Row], references: Mapping[tuple[str, str], pl.Series] | None = None) -> Refined:
    """What the kernel makes of rows that differ from GOOD in what they say; those without an event date stay in bronze."""
    frame = bronze_of(contract, rows).filter(pl.col(EVENT_DATE).is_not_null())
    return refine(frame.lazy(), contract, references or KNOWN_CUSTOMERS, None, "test")


def column_types(contract: Contract) -> dict[str, str]:
    return {field.name: str(field.type) for field in published_schema(contract)}


def csv_text(rows: Sequence[Row]) -> str:
    """A landing file; None is an empty value."""
    lines = [",".join(str({**GOOD, **row}[name] or "") for name in COLUMNS) for row in rows]
    return "\n".join([",".join(COLUMNS), *lines]) + "\n"
