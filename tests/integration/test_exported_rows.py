"""Exported schemas meet the real product: every row that was published or landed fits them, and comes back from Avro as it was."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from assay.contracts.export.avro import avro_schema
from assay.contracts.export.json_schema import landed_row, published_row
from assay.contracts.reading.odcs import load_contracts, load_product
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from small_world import World

    from assay.contracts.model.contract import Published

DATASETS = ("airlines", "airports", "flights", "planes", "weather")
MODELS = ("carrier_punctuality_daily", "carrier_ranking_7d", "departures_weather", "route_delays_daily")
MOST = 1500  # rows of a dataset that are looked at


def faults(schema: dict[str, Any], rows: list[dict[str, Any]]) -> list[str]:
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for row in rows for error in validator.iter_errors(row)]


def published(world: World, dataset: str) -> tuple[Published, list[dict[str, Any]]]:
    contract = load_product(CONTRACTS).promises[dataset]
    return contract, world.rows(f"{contract.layer}/{dataset}").head(MOST).to_dicts()


@pytest.mark.parametrize("dataset", [*DATASETS, *MODELS])
def test_every_published_row_fits_its_json_schema(built_world: World, dataset: str) -> None:
    contract, rows = published(built_world, dataset)
    as_json = json.loads(json.dumps(rows, default=lambda value: value.isoformat()))
    assert len(rows) > 10
    assert faults(published_row(contract), as_json) == []


@pytest.mark.parametrize("dataset", [*DATASETS, *MODELS])
def test_every_published_row_comes_back_from_avro_as_it_was(built_world: World, dataset: str) -> None:
    contract, rows = published(built_world, dataset)
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(avro_schema(contract)), rows)
    file.seek(0)
    assert list(fastavro.reader(file)) == rows


def landed(file: Path) -> Iterator[dict[str, Any]]:
    with file.open() as lines:
        yield from csv.DictReader(lines) if file.suffix == ".csv" else map(json.loads, lines)


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_landed_row_fits_the_schema_for_producers(built_world: World, dataset: str) -> None:
    rows = [row for file in (built_world.settings.landing / dataset).iterdir() for row in landed(file)]
    assert len(rows) > 10
    assert faults(landed_row(load_contracts(CONTRACTS)[dataset]), rows[:MOST]) == []
