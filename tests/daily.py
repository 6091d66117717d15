"""A made-up gold model for tests: orders by day, computed from the orders of `orders.py`, with rules of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.reading.examine import examine
from assay.contracts.reading.odcs import load_product
from assay.gold.trial import gold_trial
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.documents.document import Finding
    from assay.contracts.model.gold_contract import ProductContracts

DAILY = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:test:orders_daily
name: orders_daily
version: 2.1.0
status: active
domain: sales
team:
  name: tests
  members:
    - {username: owner@example.org, role: owner}
schema:
  - name: orders_daily
    physicalName: gold.orders_daily
    physicalType: table
    description: What was ordered, day by day.
    dataGranularityDescription: one row per day and customer
    properties:
      - {name: order_month, logicalType: date, required: true, partitioned: true, description: First day of the month.}
      - name: order_date
        logicalType: date
        required: true
        primaryKey: true
        primaryKeyPosition: 1
        description: Day of the order.
        logicalTypeOptions: {minimum: 2020-01-01}
      - name: customer
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 2
        classification: personal
        description: Who ordered.
        logicalTypeOptions: {minLength: 2, pattern: "^[a-z']+$"}
        relationships:
          - to: customers.customer
      - name: amount_eur
        logicalType: number
        physicalType: DOUBLE
        description: Sum of the orders.
        logicalTypeOptions: {minimum: 0}
        customProperties:
          - {property: unit, value: EUR}
      - name: state
        logicalType: string
        description: State of the last order.
        enum: [{value: open}, {value: paid}]
        quality:
          - {name: few_have_no_state, metric: nullValues, unit: percent, mustBeLessThan: 50, description: Most have a state., severity: warning}
      - {name: orders, logicalType: integer, physicalType: INTEGER, required: true, description: How many.}
    quality:
      - name: month_is_of_date
        type: custom
        engine: assay
        implementation: order_month = date_trunc('month', order_date)
        description: The partition is the month of the day.
      - name: amount_is_usual
        type: custom
        engine: assay
        implementation: amount_eur < 5000
        severity: warning
        description: Few are above.
      - {name: has_rows, metric: rowCount, mustBeGreaterThan: 0, description: Each month has orders.}
      - name: mean_is_usual
        type: sql
        query: SELECT AVG(amount_eur) FROM {object} WHERE orders > 0
        mustBeBetween: [1, 1000]
        description: The mean of a month is as always.
    customProperties:
      - property: eventTime
        value: {column: order_date}
      - property: reach
        value: {lookbackDays: 6, lookaheadDays: 1}
      - property: consumers
        value:
          - {name: board, contact: board@example.org, columns: [order_date, amount_eur]}
          - {name: mail, contact: mail@example.org}
"""
# version 1 called the amount something else, counted in another type, and had a column that version 2 gave up
OLDER = """\
apiVersion: v3.2.0
kind: DataContract
id: urn:test:orders_daily
name: orders_daily
version: 1.3.0
status: deprecated
team:
  name: tests
  members:
    - {username: owner@example.org, role: owner}
schema:
  - name: orders_daily
    physicalName: gold.orders_daily
    physicalType: table
    description: What was ordered, day by day.
    dataGranularityDescription: one row per day and customer
    properties:
      - {name: order_month, logicalType: date, required: true, partitioned: true, description: First day of the month.}
      - {name: order_date, logicalType: date, required: true, primaryKey: true, primaryKeyPosition: 1, description: Day of the order.}
      - name: customer
        logicalType: string
        required: true
        primaryKey: true
        primaryKeyPosition: 2
        description: Who ordered.
      - name: state
        logicalType: string
        description: State of the last order.
        customProperties:
          - {property: masking, value: {method: truncate, keep: 1}}
      - name: cents
        logicalType: integer
        physicalType: BIGINT
        description: Sum of the orders.
        transformLogic: CAST(ROUND(amount_eur * 100) AS BIGINT)
        logicalTypeOptions: {maximum: 1000000}
        customProperties:
          - {property: unit, value: ct}
      - {name: number, logicalType: integer, physicalType: BIGINT, description: How many., transformSourceObjects: [orders]}
      - {name: shop, logicalType: string, required: true, description: There was one shop., transformLogic: "'main'"}
    customProperties:
      - property: eventTime
        value: {column: order_date}
      - property: deprecated
        value: {since: 2.0.0, until: 2027-01-01, useInstead: v2.orders_daily}
      - property: consumers
        value:
          - {name: ledger, contact: ledger@example.org}
"""


def write_daily(folder: Path, *changes: tuple[str, str], older: str | None = None, text: str = DAILY) -> Path:
    """The contract of the model, after replacing pieces of its text, with those of what it reads. Returns its file."""
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        text = text.replace(old, new)
    gold = write_contracts(folder) / "gold"
    gold.mkdir(exist_ok=True)
    (gold / "orders_daily.odcs.yaml").write_text(text)
    if older is not None:
        (gold / "orders_daily.v1.odcs.yaml").write_text(older)
    return gold / "orders_daily.odcs.yaml"


def daily_product(folder: Path, *changes: tuple[str, str], older: str | None = None) -> ProductContracts:
    write_daily(folder, *changes, older=older)
    return load_product(folder)


def found_in(path: Path) -> list[Finding]:
    """All faults of a contract, those that only DuckDB can tell as well."""
    return examine([path], gold_trial)
