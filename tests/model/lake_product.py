"""The product of the model: sales by day, whose key counts within a day, and meters by month, whose key counts in the whole table.

Two grains, two zones, two scopes of a key, one person in a masked column; each contract in variants that differ in one rule. And three gold
models over them as plain SQL, for a build without dbt. Nothing here says what becomes of a row: that is `lake_oracle`.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assay.contracts.reading.odcs import load_contracts
from assay.gold.models import Column, Model
from contract_head import landing_head

if TYPE_CHECKING:
    from assay.contracts.model.contract import Contract

SALES, METERS = "sales", "meters"
DAYS = ("2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02")  # the last days of a month and the first of the next
UNREADABLE = "someday"
PEOPLE = ("ada.planted@example.org", "bob.other@example.org", "eve.third@example.org")
STAYS = "zoe.stays@example.org"  # whom nobody ever erases: her rows are there in the tenth publication, too
LEAST = {"1.0.0": 0, "1.1.0": 7}  # the smallest amount that a version of a contract takes
KIND = "customer"
TEXTS = {
    SALES: """\
schema:
  - name: sales_landing
    physicalType: file
    properties:
      - {{name: day, logicalType: string}}
      - {{name: number, logicalType: string}}
      - {{name: buyer, logicalType: string}}
      - {{name: amount, logicalType: string}}
  - name: sales
    physicalType: table
    description: Sales.
    dataGranularityDescription: one row per sale
    properties:
      - {{name: sale_date, logicalType: date, required: true, partitioned: true}}
      - {{name: number, logicalType: integer, required: true, primaryKey: true}}
      - name: buyer
        logicalType: string
        classification: personal
        customProperties:
          - {{property: masking, value: {{method: tokenize}}}}
          - {{property: subject, value: customer}}
      - {{name: amount, logicalType: integer, physicalType: BIGINT, required: true, logicalTypeOptions: {{minimum: {least}}}}}
    customProperties:
      - {{property: eventTime, value: {{expression: day, format: yyyy-MM-dd, timeZone: America/New_York}}}}
      - {{property: partitioning, value: {{grain: day, start: 2024-01-30, end: 2024-02-03}}}}
      - {{property: arrival, value: {{grain: day, start: 2024-01-30, end: 2024-02-03, lateness: 4}}}}
""",
    METERS: """\
schema:
  - name: meters_landing
    physicalType: file
    properties:
      - {{name: day, logicalType: string}}
      - {{name: number, logicalType: string}}
      - {{name: amount, logicalType: string}}
  - name: meters
    physicalType: table
    description: Meters.
    dataGranularityDescription: one row per meter
    properties:
      - {{name: month, logicalType: date, required: true, partitioned: true}}
      - {{name: number, logicalType: integer, required: true, primaryKey: true}}
      - {{name: amount, logicalType: integer, physicalType: BIGINT, required: true, logicalTypeOptions: {{minimum: {least}}}}}
    customProperties:
      - {{property: eventTime, value: {{expression: day, format: yyyy-MM-dd, timeZone: Asia/Kolkata}}}}
      - {{property: partitioning, value: {{grain: month, start: 2024-01-01, end: 2024-03-01}}}}
      - {{property: arrival, value: {{grain: day, start: 2024-01-30, end: 2024-02-03, lateness: 4}}}}
      - {{property: keyScope, value: table}}
""",
}
FIELDS = {SALES: ("day", "number", "buyer", "amount"), METERS: ("day", "number", "amount")}
BY_MONTH = {
    "monthly": (
        ("silver/sales",),
        """SELECT CAST(date_trunc('month', sale_date) AS DATE) AS month, sale_date AS day, count(*) AS n,
        CAST(sum(amount) AS BIGINT) AS total FROM {silver/sales} GROUP BY ALL""",
    ),
    "both": (
        ("silver/meters", "silver/sales"),
        """SELECT month, month AS day, count(*) AS n, CAST(sum(amount) AS BIGINT) AS total FROM (
        SELECT CAST(date_trunc('month', sale_date) AS DATE) AS month, amount FROM {silver/sales}
        UNION ALL SELECT month, amount FROM {silver/meters}) GROUP BY ALL""",
    ),
    "again": (
        ("gold/monthly",),
        "SELECT month, month AS day, CAST(sum(n) AS BIGINT) AS n, CAST(sum(total) AS BIGINT) AS total FROM {gold/monthly} GROUP BY ALL",
    ),
}


@cache
def contracts() -> dict[str, dict[str, Contract]]:
    """The contracts in all variants: by dataset, then by version."""
    found: dict[str, dict[str, Contract]] = {name: {} for name in TEXTS}
    for version, least in LEAST.items():
        with TemporaryDirectory() as folder:
            for name, text in TEXTS.items():
                top = landing_head(name, version=version, path=f"{name}/{name}_{{arrival:yyyy-MM-dd}}*.csv")
                Path(folder, f"{name}.odcs.yaml").write_text(top + text.format(least=least))
            for name, contract in load_contracts(Path(folder)).items():
                found[name][version] = contract
    return found


def models() -> tuple[Model, ...]:
    """The gold models, upstream before downstream, as they would be read from a manifest."""
    kinds = {"month": "DATE", "day": "DATE", "n": "BIGINT", "total": "BIGINT"}
    columns = tuple(Column(name, kind, name, nullable=False) for name, kind in kinds.items())
    return tuple(
        Model(
            name=name, unique_id=f"model.lake.{name}", description=name, columns=columns, owner={}, partition_by="month", event_time="day",
            key=("day",), lookback_days=0, lookahead_days=0, depends_on=reads, tests=(), code_version=sql, contract_version="1.0.0",
            reads=reads,
        )
        for name, (reads, sql) in BY_MONTH.items()
    )  # fmt: skip


def partition_of(dataset: str, day: str) -> str | None:
    """The key of the silver partition in which a day lies; None for a day that cannot be read."""
    if day not in DAYS:
        return None
    return day if dataset == SALES else date.fromisoformat(day).replace(day=1).isoformat()


def csv_of(dataset: str, rows: list[tuple[str, ...]]) -> str:
    """A landing file."""
    return "".join(",".join(row) + "\n" for row in [FIELDS[dataset], *rows])
