"""The product of the model: sales by day, whose key counts within a day, and meters by month, whose key counts in the whole table.

Two grains, two zones, two scopes of a key, one person in a masked column; each contract in variants that differ in a rule, in what makes a
whole partition refused, or in the calendar. And three gold models over them as plain SQL, for a build without dbt. Nothing here says what becomes of a row: that is `lake_oracle`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from assay.contracts.reading.odcs import load_contracts
from assay.gold.models import Column, Model
from contract_head import landing_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model.contract import Contract

SALES, METERS = "sales", "meters"
DAYS = ("2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02")  # the last days of a month and the first of the next
UNREADABLE = "someday"
PEOPLE = ("ada.planted@example.org", "bob.other@example.org", "eve.third@example.org")
STAYS = "zoe.stays@example.org"  # whom nobody ever erases: her rows are there in the tenth publication, too
KIND = "customer"


class Calendar(NamedTuple):
    """The partitions of silver: their grain, their zone, the first day and the day after the last."""

    grain: str
    zone: str
    start: str
    end: str

    def partition_of(self, day: str) -> str | None:
        """The key of the partition in which a day lies; None for a day that cannot be read, or lies in none."""
        if day not in DAYS or not self.start <= day < self.end:
            return None
        return day if self.grain == "day" else f"{day[:7]}-01"


NEW_YORK, KOLKATA = "America/New_York", "Asia/Kolkata"
BY_DAY, BY_MONTH_OF_ALL = ("2024-01-30", "2024-02-03"), ("2024-01-01", "2024-03-01")
CALENDARS = {  # of each dataset: its own, then one of another grain, of another zone, one that begins later, one that ends earlier
    SALES: (
        Calendar("day", NEW_YORK, *BY_DAY), Calendar("month", NEW_YORK, *BY_MONTH_OF_ALL), Calendar("day", KOLKATA, *BY_DAY),
        Calendar("day", NEW_YORK, "2024-01-31", BY_DAY[1]), Calendar("day", NEW_YORK, BY_DAY[0], "2024-02-01"),
    ),
    METERS: (
        Calendar("month", KOLKATA, *BY_MONTH_OF_ALL), Calendar("day", KOLKATA, *BY_DAY), Calendar("month", NEW_YORK, *BY_MONTH_OF_ALL),
        Calendar("month", KOLKATA, "2024-02-01", BY_MONTH_OF_ALL[1]), Calendar("month", KOLKATA, BY_MONTH_OF_ALL[0], "2024-02-01"),
    ),
}  # fmt: skip


class Variant(NamedTuple):
    """How a version of a contract differs: the smallest amount that it takes, the share of rejected rows from which on a partition is
    refused, and which calendar it has."""

    least: int = 0
    limit: float | None = None
    calendar: int = 0


FIRST = "1.0.0"
VARIANTS = {
    FIRST: Variant(), "1.1.0": Variant(least=7), "1.2.0": Variant(limit=0.4), "2.0.0": Variant(calendar=1), "2.1.0": Variant(calendar=2),
    "2.2.0": Variant(calendar=3), "2.3.0": Variant(calendar=4),
}  # fmt: skip
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
      - {{property: eventTime, value: {{expression: day, format: yyyy-MM-dd, timeZone: {zone}}}}}
      - {{property: partitioning, value: {{grain: {grain}, start: {start}, end: {end}}}}}
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
      - {{property: eventTime, value: {{expression: day, format: yyyy-MM-dd, timeZone: {zone}}}}}
      - {{property: partitioning, value: {{grain: {grain}, start: {start}, end: {end}}}}}
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
        UNION ALL SELECT CAST(date_trunc('month', month) AS DATE) AS month, amount FROM {silver/meters}) GROUP BY ALL""",
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
    for version, variant in VARIANTS.items():
        with TemporaryDirectory() as folder:
            for name, text in TEXTS.items():
                top = landing_head(name, version=version, path=f"{name}/{name}_{{arrival:yyyy-MM-dd}}*.csv")
                said = text.format(least=variant.least, **calendar_of(name, version)._asdict())
                if variant.limit is not None:
                    said += f"      - {{property: rejectedShare, value: {{mustBeLessThan: {variant.limit}}}}}\n"
                Path(folder, f"{name}.odcs.yaml").write_text(top + said)
            for name, contract in load_contracts(Path(folder)).items():
                found[name][version] = contract
    return found


def models(by_month: Mapping[str, tuple[tuple[str, ...], str]] = BY_MONTH) -> tuple[Model, ...]:
    """Gold models (what each reads, and its SQL, by name), upstream before downstream, as they would be read from a manifest."""
    kinds = {"month": "DATE", "day": "DATE", "n": "BIGINT", "total": "BIGINT"}
    columns = tuple(Column(name, kind, name, nullable=False) for name, kind in kinds.items())
    return tuple(
        Model(
            name=name, unique_id=f"model.lake.{name}", description=name, columns=columns, owner={}, partition_by="month", event_time="day",
            key=("day",), lookback_days=0, lookahead_days=0, depends_on=reads, tests=(), code_version=sql, contract_version="1.0.0",
            reads=reads,
        )
        for name, (reads, sql) in by_month.items()
    )  # fmt: skip


def calendar_of(dataset: str, version: str) -> Calendar:
    """The calendar of a version of a contract."""
    return CALENDARS[dataset][VARIANTS[version].calendar]


@cache
def partitions_of(dataset: str, version: str) -> set[str | None]:
    """The keys of the partitions in which days lie by a version of a contract."""
    return {calendar_of(dataset, version).partition_of(day) for day in DAYS}


def csv_of(dataset: str, rows: list[tuple[str, ...]]) -> str:
    """A landing file."""
    return "".join(",".join(row) + "\n" for row in [FIELDS[dataset], *rows])
