"""Datasets that depend on each other: stores, a snapshot; items, which refer to stores; sales, which refer to items; and gold over both.

Each contract is made of terms that change in the course of a life. Nothing here says what becomes of a row: that is `linked_oracle`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
from lake_product import models as models_of
from lake_world import memory

from assay.contracts.reading.odcs import load_contracts
from contract_head import head

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.contracts.model.contract import Contract
    from assay.gold.models import Model

Cells = tuple[str | None, ...]
STORES, ITEMS, SALES = "stores", "items", "sales"
FIELDS = {
    STORES: ("store", "town"), ITEMS: ("at", "code", "store", "price"),
    SALES: ("at", "number", "item", "store", "buyer", "amount", "note"),
}  # fmt: skip
PUBLISHED = {
    STORES: ("store", "town"), ITEMS: ("item_date", "code", "store", "price"),
    SALES: ("sale_date", "number", "item", "store", "buyer", "amount", "note"),
}  # fmt: skip
MASKED_AS = {(STORES, "store"): "store", (ITEMS, "code"): "item", (SALES, "item"): "item", (SALES, "buyer"): "customer"}
BUYERS = ("ada@example.org", "bob@example.org", "zoe@example.org")
ENDINGS = {"csv": (".csv", ".csv.gz"), "jsonl": (".jsonl", ".jsonl.gz"), "parquet": (".parquet",), "avro": (".avro",)}
FIRST, LAST = "2024-01-01", "2024-04-01"
BY_MONTH = {
    "monthly": (
        ("silver/sales",),
        """SELECT CAST(date_trunc('month', sale_date) AS DATE) AS month, sale_date AS day, count(*) AS n,
        CAST(coalesce(sum(amount), 0) AS BIGINT) AS total FROM {silver/sales} GROUP BY ALL""",
    ),
    "both": (
        ("silver/items", "silver/sales"),
        """SELECT month, month AS day, count(*) AS n, CAST(coalesce(sum(amount), 0) AS BIGINT) AS total FROM (
        SELECT CAST(date_trunc('month', sale_date) AS DATE) AS month, amount FROM {silver/sales}
        UNION ALL SELECT CAST(date_trunc('month', item_date) AS DATE) AS month, price AS amount FROM {silver/items}) GROUP BY ALL""",
    ),
    "again": (
        ("gold/monthly",),
        "SELECT month, month AS day, CAST(sum(n) AS BIGINT) AS n, CAST(sum(total) AS BIGINT) AS total FROM {gold/monthly} GROUP BY ALL",
    ),
}


@dataclass(frozen=True)
class Terms:
    """What a contract says: of its partitions, its key, its rules, and how its files come. `strict`: a reference that fails is an error."""

    grain: str = "day"
    zone: str = "UTC"
    start: str = FIRST
    arrivals: str = "day"
    scope: str = "table"
    key: tuple[str, ...] = ("number",)
    least: int = 0
    share: float | None = None
    count: int | None = None
    masked: bool = False
    strict: bool = True
    refers: bool = True
    pair: bool = False
    form: str = "csv"

    def key_of(self, dataset: str) -> tuple[str, ...]:
        return {STORES: ("store",), ITEMS: ("code",), SALES: self.key}[dataset]


def text_of(dataset: str, terms: Terms) -> str:
    """The contract of a dataset."""
    ending = f"{terms.form}*" if len(ENDINGS[terms.form]) > 1 else terms.form
    path = f"{dataset}/{dataset}_{{arrival:yyyy-MM-dd}}*.{ending}"
    landing = "".join(f"      - {{name: {one}, logicalType: string, required: {_yes(one != 'note')}}}\n" for one in FIELDS[dataset])
    return (
        head(dataset)
        + f'servers:\n  - {{server: landing, type: local, path: "{path}", format: {terms.form}}}\n'
        + f"schema:\n  - name: {dataset}_landing\n    physicalType: file\n    properties:\n{landing}"
        + f"  - name: {dataset}\n    physicalType: table\n    description: Rows.\n    dataGranularityDescription: one row each\n    properties:\n"
        + "".join(_column(dataset, name, terms) for name in PUBLISHED[dataset])
        + (_PAIR if dataset == SALES and terms.pair else "")
        + (f"    quality:\n{_COUNT.format(terms.count)}" if terms.count is not None else "")
        + "    customProperties:\n"
        + ("      - {property: eventTime, value: none, description: No events.}\n" if dataset == STORES else _calendar(terms))
    )


def _yes(value: bool) -> str:
    return "true" if value else "false"


_PAIR = """\
    relationships:
      - from: [sales.item, sales.store]
        to: [items.code, items.store]
        customProperties: [{property: name, value: pair_known}]
"""
_COUNT = "      - {{name: some_rows, type: library, metric: rowCount, mustBeGreaterThan: {}, description: There are rows.}}\n"


def _calendar(terms: Terms) -> str:
    share = f"      - {{property: rejectedShare, value: {{mustBeLessThan: {terms.share}}}}}\n" if terms.share is not None else ""
    scope = f"      - {{property: keyScope, value: {terms.scope}}}\n" if terms.key else ""
    return f"""\
      - property: eventTime
        value: {{expression: at, format: "yyyy-MM-dd'T'HH:mm:ss'Z'", sourceTimeZone: Etc/UTC, timeZone: {terms.zone}}}
      - {{property: partitioning, value: {{grain: {terms.grain}, start: {terms.start}, end: {LAST}}}}}
      - {{property: arrival, value: {{grain: {terms.arrivals}, start: {FIRST}, end: 2024-03-01, lateness: 4}}}}
{scope}{share}"""


def _column(dataset: str, name: str, terms: Terms) -> str:
    if name.endswith("_date"):
        return f"      - {{name: {name}, logicalType: date, required: true, partitioned: true}}\n"
    is_number, is_key = name in {"number", "price", "amount"}, name in terms.key_of(dataset)
    said = [f"name: {name}", f"logicalType: {'integer' if is_number else 'string'}", f"primaryKey: {_yes(is_key)}"]
    if is_key or name in {"number", "item"}:
        said.append("required: true")
    if name in {"price", "amount"}:
        said.append(f"logicalTypeOptions: {{minimum: {terms.least}}}")
    subject = MASKED_AS.get((dataset, name))
    if subject and (terms.masked or name == "buyer"):
        masking = f"[{{property: masking, value: {{method: tokenize}}}}, {{property: subject, value: {subject}}}]"
        said += ["classification: personal", f"customProperties: {masking}"]
    to = {(ITEMS, "store"): "stores.store", (SALES, "item"): "items.code"}.get((dataset, name))
    if to and terms.refers:
        severity = f"{{property: severity, value: {'error' if terms.strict else 'warning'}}}"
        said.append(f"relationships: [{{to: {to}, customProperties: [{{property: name, value: {name}_known}}, {severity}]}}]")
    return f"      - {{{', '.join(said)}}}\n"


def contracts_of(terms: Mapping[str, Terms]) -> dict[str, Contract]:
    """The contracts of all datasets. Raises ContractInvalid."""
    return _contracts(tuple((name, text_of(name, one)) for name, one in terms.items()))


@cache
def _contracts(texts: tuple[tuple[str, str], ...]) -> dict[str, Contract]:
    with TemporaryDirectory(dir=memory()) as folder:
        for name, text in texts:
            Path(folder, f"{name}.odcs.yaml").write_text(text)
        return load_contracts(Path(folder))


def models() -> tuple[Model, ...]:
    """The gold models, upstream before downstream."""
    return models_of(BY_MONTH)


def bytes_of(dataset: str, name: str, form: str, rows: Sequence[Cells], *, noted: bool) -> bytes:
    """A landing file in the form of its contract; if not `noted` without the column that a file may lack."""
    fields = FIELDS[dataset] if noted or dataset != SALES else FIELDS[dataset][:-1]
    records = [dict(zip(fields, row[: len(fields)], strict=True)) for row in rows]
    content = _PACKED[form](fields, records)
    return gzip.compress(content, mtime=0) if name.endswith(".gz") else content


def _csv(fields: Sequence[str], records: Sequence[dict[str, Any]]) -> bytes:
    found = io.StringIO()
    writer = csv.DictWriter(found, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return found.getvalue().encode()


def _jsonl(fields: Sequence[str], records: Sequence[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(record)}\n" for record in records).encode()


def _parquet(fields: Sequence[str], records: Sequence[dict[str, Any]]) -> bytes:
    found = io.BytesIO()
    pq.write_table(pa.table({name: pa.array([record[name] for record in records], pa.string()) for name in fields}), found)
    return found.getvalue()


def _avro(fields: Sequence[str], records: Sequence[dict[str, Any]]) -> bytes:
    found, schema = io.BytesIO(), {"type": "record", "name": "row", "fields": [{"name": one, "type": ["null", "string"]} for one in fields]}
    fastavro.writer(found, schema, records, sync_marker=b"0" * 16)
    return found.getvalue()


_PACKED = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "avro": _avro}
