"""Products: datasets whose calendars, zones, keys, types and formats are drawn, and their contracts as a person would write them.

A product is plain values. Nothing here says what becomes of a row (`oracle.py`), and nothing imports Assay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

NONE, DAY, MONTH = "none", "day", "month"
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Auckland",
    "Africa/Casablanca", "Pacific/Honolulu", "Asia/Kathmandu",
)  # fmt: skip
LANDING = ("id", "moment", "amount", "state", "store")
# how a row tells when it happened: a date, an instant with its offset, or what a clock in UTC shows
SPELLINGS = {"date": "yyyy-MM-dd", "instant": "yyyy-MM-dd'T'HH:mm:ssXXX", "clock": "yyyy-MM-dd HH:mm:ss"}
DIALECTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"delimiter": ";", "decimalChar": ","},
    {"delimiter": "\t"},
    {"delimiter": "|", "header": False},
    {"commentChar": "#"},
)
# what a person says of the masking of a column: of the state, the amount, or the store
MASKS: dict[str, dict[str, Any]] = {
    "state": {"method": "truncate", "keep": 2},
    "amount": {"method": "generalize", "to": 10},
    "store": {"method": "nullify"},
}
AMOUNTS = {"INTEGER": "integer", "BIGINT": "integer", "DOUBLE": "number", "DECIMAL(9,2)": "number"}


@dataclass(frozen=True)
class Calendar:
    """Partitions of days or months over [start, end); without grain the table has none."""

    grain: str = NONE
    start: date | None = None
    end: date | None = None

    @property
    def said(self) -> dict[str, Any]:
        """As a contract says it."""
        return {name: value for name, value in (("grain", self.grain), ("start", self.start), ("end", self.end)) if value is not None}


@dataclass(frozen=True)
class Dataset:
    """One dataset: what its contract says, field by field. Without events it is reference data, replaced by each file."""

    name: str
    zone: str = "UTC"
    events: Calendar = Calendar()
    arrivals: Calendar = Calendar()
    spelling: str = "date"
    padded: bool = True
    suffix: str = ".csv"
    amount: str = "INTEGER"
    most: int = 100
    states: tuple[str, ...] = ("open", "paid")
    refers_to: str | None = None
    key_scope: str = "partition"
    current: bool = False
    deadline: str | None = None
    most_rows: int | None = None
    rejected_below: float | None = None
    masked: str | None = None
    dialect: int = 0

    @property
    def is_reference(self) -> bool:
        return self.events.grain == NONE

    def file(self, arrival: date, mark: str = "") -> str:
        """The name of a file, below the landing folder."""
        day = arrival.isoformat() if self.padded else f"{arrival.year}-{arrival.month}-{arrival.day}"
        return f"{self.name}/{self.name}_{day}{mark}{self.suffix}"


@dataclass(frozen=True)
class Product:
    """Datasets, those that others refer to first; `gold` names the datasets of each model."""

    datasets: tuple[Dataset, ...]
    gold: tuple[tuple[str, ...], ...] = ()
    factor: int = 1  # what the models multiply amounts by

    def of(self, name: str) -> Dataset:
        return next(dataset for dataset in self.datasets if dataset.name == name)


def draw_product(draw: Random, today: date, features: frozenset[str]) -> Product:
    """A product whose calendars lie about `today`."""
    shared = _draw_calendars(draw, today, features)
    stores = Dataset("stores", suffix=draw.choice((".csv", ".jsonl")), padded=True)
    datasets = [stores] if draw.random() < 0.6 else []
    for name in ("sales", "visits", "returns")[: draw.randint(1, 2 if datasets else 3)]:
        zone, events, arrivals = _draw_calendars(draw, today, features) if "calendars" in features else shared
        datasets.append(
            Dataset(
                name, zone, events, arrivals,
                spelling=draw.choice(tuple(SPELLINGS)), padded=draw.random() < 0.7, suffix=draw.choice((".csv", ".csv", ".csv.gz", ".jsonl", ".parquet", ".avro")),
                amount=draw.choice(tuple(AMOUNTS)), most=draw.choice((50, 100)),
                refers_to="stores" if datasets and datasets[0] is stores and draw.random() < 0.6 else None,
                key_scope=draw.choice(("partition", "table")) if "key_scope" in features else "partition",
                current="current" in features and draw.random() < 0.25,
                deadline=draw.choice((None, "0 6 * * *")),
            )
        )  # fmt: skip
    dated = [dataset.name for dataset in datasets if not dataset.is_reference]
    gold: tuple[tuple[str, ...], ...] = ()
    if "gold" in features and draw.random() < 0.4:
        gold = tuple((name,) for name in dated) if draw.random() < 0.5 else (tuple(dated[:2]),)
    if "refuse" in features:
        datasets = [replace(one, most_rows=draw.choice((None, None, 1, 2))) if one.key_scope == "partition" else one for one in datasets]
    if "share" in features:
        shares = (None, None, 0.4, 0.7)
        datasets = [replace(one, rejected_below=draw.choice(shares)) if one.key_scope == "partition" else one for one in datasets]
    if "mask" in features:
        datasets = [one if one.name == "stores" else replace(one, masked=draw.choice((None, None, *MASKS))) for one in datasets]
    if "dialect" in features:
        datasets = [replace(one, dialect=draw.randrange(len(DIALECTS))) if ".csv" in one.suffix else one for one in datasets]
    return Product(tuple(datasets), gold)


def _draw_calendars(draw: Random, today: date, features: frozenset[str]) -> tuple[str, Calendar, Calendar]:
    """A zone, event partitions and arrival partitions that go together."""
    zone = draw.choice(ZONES)
    events, arrivals = draw.choice(((DAY, DAY), (DAY, DAY), (DAY, MONTH), (MONTH, DAY), (MONTH, MONTH)))
    if "midnight" not in features:
        events = arrivals = DAY
    cut = "cut months" in features
    start, end = today - timedelta(days=draw.randint(2, 40)), today + timedelta(days=draw.randint(1, 40))
    return zone, _calendar(draw, events, start, end, cut=cut), _calendar(draw, arrivals, start, end + timedelta(days=5), cut=cut)


def _calendar(draw: Random, grain: str, start: date, end: date, *, cut: bool) -> Calendar:
    if grain == MONTH and not cut:
        start, end = start.replace(day=1), (end + timedelta(days=31)).replace(day=1)
    return Calendar(grain, start, end if draw.random() < 0.5 else None)


def write_contracts(product: Product, folder: Path) -> None:
    """One file for each dataset; files of datasets that are gone are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for dataset in product.datasets:
        text = yaml.safe_dump(contract_of(dataset), sort_keys=False)
        (folder / f"{dataset.name}.odcs.yaml").write_text(text)


def contract_of(dataset: Dataset) -> dict[str, Any]:
    """The contract of a dataset as a document of the standard."""
    pattern = "yyyy-MM-dd" if dataset.padded else "yyyy-M-d"
    kind = {"csv": "csv", "gz": "csv", "jsonl": "jsonl", "parquet": "parquet", "avro": "avro"}[dataset.suffix.rpartition(".")[2]]
    server: dict[str, Any] = {
        "server": "landing",
        "type": "local",
        "path": f"{dataset.name}/{dataset.name}_{{arrival:{pattern}}}*{dataset.suffix}",
        "format": kind,
    }
    if DIALECTS[dataset.dialect]:
        server["customProperties"] = [{"property": "dialect", "value": DIALECTS[dataset.dialect]}]
    landing = {"name": f"{dataset.name}_landing", "physicalType": "file", "properties": [_text(name) for name in LANDING]}
    document: dict[str, Any] = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": f"urn:lives:{dataset.name}",
        "name": dataset.name,
        "version": "1.0.0",
        "status": "active",
        "team": {"name": "lives", "members": [{"username": "owner@example.org", "role": "owner"}]},
        "servers": [server],
        "schema": [landing, _published(dataset)],
    }
    if dataset.deadline:
        document["slaProperties"] = [{"property": "frequency", "value": 1, "unit": "d", "scheduler": "cron", "schedule": dataset.deadline}]
    return document


def _text(name: str) -> dict[str, Any]:
    return {"name": name, "logicalType": "string"}


def _published(dataset: Dataset) -> dict[str, Any]:
    properties: list[dict[str, Any]] = []
    if not dataset.is_reference:
        properties.append({"name": "event_day", "logicalType": "date", "physicalType": "DATE", "required": True, "partitioned": True})
    properties += [
        {"name": "id", "logicalType": "integer", "physicalType": "INTEGER", "required": True, "primaryKey": True},
        {
            "name": "amount",
            "logicalType": AMOUNTS[dataset.amount],
            "physicalType": dataset.amount,
            "logicalTypeOptions": {"maximum": dataset.most},
        },
        {"name": "state", "logicalType": "string", "required": True, "enum": [{"value": state} for state in dataset.states]},
        {"name": "store", "logicalType": "string"},
    ]
    if dataset.refers_to:
        known = {"customProperties": [{"property": "name", "value": "store_known"}], "to": f"{dataset.refers_to}.store"}
        properties[-1]["relationships"] = [known]
    for one in properties:
        if one["name"] == dataset.masked:
            one["customProperties"] = [{"property": "masking", "value": MASKS[dataset.masked]}]
    published: dict[str, Any] = {
        "name": dataset.name,
        "physicalType": "table",
        "properties": properties,
        "customProperties": _custom(dataset),
    }
    if dataset.most_rows is not None:
        published["quality"] = [
            {
                "name": "few_rows",
                "type": "library",
                "metric": "rowCount",
                "mustBeLessOrEqualTo": dataset.most_rows,
                "description": "Few rows.",
            }
        ]
    return published


def _custom(dataset: Dataset) -> list[dict[str, Any]]:
    share = [{"property": "rejectedShare", "value": {"mustBeLessThan": dataset.rejected_below}}] if dataset.rejected_below else []
    if dataset.is_reference:
        return [{"property": "eventTime", "value": "none", "description": "Reference data have no events."}, *share]
    time = {"expression": "moment", "format": SPELLINGS[dataset.spelling], "timeZone": dataset.zone}
    if dataset.spelling == "clock":
        time["sourceTimeZone"] = "Etc/UTC"
    current = {"includeCurrent": True} if dataset.current else {}
    said = [("eventTime", time), ("partitioning", dataset.events.said), ("arrival", dataset.arrivals.said | {"lateness": 1} | current)]
    if dataset.key_scope != "partition":
        said.append(("keyScope", dataset.key_scope))
    return [{"property": name, "value": value} for name, value in said] + share
