"""The dataset that the bad inputs are made of: sales, with a column of every type, and the four formats in which it may land.

`Case` is one file and what must become of it. Files are made here, by code, from rows that are small dicts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from contract_head import head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMNS = ("day", "number", "quantity", "price", "weight", "placed", "shipped", "gift", "note")
DAY = "2024-01-02"
TEXT = {
    "day": DAY, "number": "1", "quantity": "2", "price": "1.50", "weight": "0.1", "placed": "2024-01-02T10:00:00+01:00",
    "shipped": "2024-01-03", "gift": "no", "note": "hello",
}  # fmt: skip
TYPED = {
    "day": date(2024, 1, 2), "number": 1, "quantity": 2, "price": Decimal("1.50"), "weight": 0.1,
    "placed": datetime(2024, 1, 2, 9, tzinfo=UTC), "shipped": date(2024, 1, 3), "gift": False, "note": "hello",
}  # fmt: skip
MOST_BYTES = 64 << 20
CONTRACT = """\
servers:
  - server: landing
    type: local
    path: orders/orders_{{arrival:yyyy-MM-dd}}*.{format}*
    format: {format}
    customProperties:
      - {{property: maxBytes, value: {most}}}
schema:
  - name: orders_landing
    physicalType: file
    properties:
{landing}
  - name: orders
    physicalType: table
    description: Sales.
    properties:
      - {{name: order_date, logicalType: date, physicalType: DATE, required: true, partitioned: true}}
      - {{name: number, logicalType: integer, physicalType: BIGINT, required: true, primaryKey: true}}
      - {{name: quantity, logicalType: integer, physicalType: SMALLINT}}
      - {{name: price, logicalType: number, physicalType: "DECIMAL(12, 2)"}}
      - {{name: weight, logicalType: number, physicalType: DOUBLE}}
      - {{name: placed, logicalType: timestamp, logicalTypeOptions: {{format: "yyyy-MM-dd'T'HH:mm:ss{fraction}XXX"}}}}
      - {{name: shipped, logicalType: date}}
      - {{name: gift, logicalType: boolean}}
      - {{name: note, logicalType: string}}
    customProperties:
      - property: eventTime
        value: {{expression: day, format: yyyy-MM-dd, timeZone: Europe/Berlin}}
      - property: partitioning
        value: {{grain: day, start: 2024-01-01, end: 2024-02-01}}
      - property: arrival
        value: {{grain: day, start: 2024-01-01, end: 2024-02-10, lateness: 30}}
"""


def contract_text(format_: str, most: int = MOST_BYTES, columns: Sequence[str] = COLUMNS) -> str:
    """The contract for files of a format. In typed formats instants have microseconds."""
    landing = "\n".join(f"      - {{name: {name}, logicalType: string}}" for name in columns)
    return head("orders") + CONTRACT.format(
        format=format_, most=most, landing=landing, fraction="" if format_ in {"csv", "jsonl"} else ".SSSSSS"
    )


@dataclass(frozen=True)
class Case:
    """One file, and its fate: `refused` (a pattern of the refusal), or the published rows by number and how many were not published.

    `published` has for each number only the columns that differ from a good row. `held` are the texts of a column that quarantine has, in
    the order of the file.
    """

    id: str
    content: bytes
    format: str = "csv"
    ending: str = ""
    refused: str = ""
    published: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    rejected: int = 0
    set_aside: int = 0
    duplicates: int = 0
    held: Mapping[str, Sequence[str]] = field(default_factory=dict)
    most: int = MOST_BYTES

    def __str__(self) -> str:
        return f"{self.format}-{self.id}"

    @property
    def rows(self) -> int:
        """The rows that the file has."""
        return len(self.published) + self.rejected + self.set_aside + self.duplicates

    def name(self, day: str) -> str:
        """The name under which it lands."""
        return f"orders_{day}.{self.format}{self.ending}"


def numbered(rows: Sequence[Mapping[str, Any]], base: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Whole rows, numbered from 1 where they do not say their number."""
    kind = type(base["number"])
    return [{**base, "number": kind(number), **row} for number, row in enumerate(rows, 1)]


def csv_file(*rows: Mapping[str, Any], columns: Sequence[str] = COLUMNS, end: str = "\n") -> bytes:
    """Rows of text as CSV. Python's own writer leaves a lone CR without quotes, where it ends a line."""
    lines = [columns, *([str(row[name]) for name in columns] for row in numbered(rows, TEXT))]
    return "".join(",".join(map(_csv_value, line)) + end for line in lines).encode()


def _csv_value(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text


def json_line(**changed: str) -> str:
    """One row; each changed value is JSON as it stands in the file."""
    values = {name: json.dumps(value) for name, value in TEXT.items()} | changed
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in values.items()) + "}"


def json_file(*lines: str) -> bytes:
    """Lines as a file, with a line end behind each."""
    return "".join(f"{line}\n" for line in lines).encode()
