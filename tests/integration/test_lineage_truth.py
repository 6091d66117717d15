"""The lineage of the product's real models against the truth: change one column of the inputs, run the model, see what becomes different.

Whatever changes must have been foretold. The reverse cannot be asked: a use need not show in a few rows.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.reading.odcs import load_contracts
from assay.gold.compiled import compiled_project
from assay.gold.lineage import Node, downstream, project_lineage
from assay.gold.models import read_models
from assay.gold.staged import model_schema
from assay.project_root import CHECKOUT
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

pytestmark = pytest.mark.slow  # whichever runs first imports dbt and parses the project

ROWS = 60
FIRST = date(1999, 12, 24)  # the month that models are rendered for begins soon after
PROJECT = CHECKOUT / "dbt_project"


def values(kind: pa.DataType, seed: str) -> list[Any]:
    """Random values of a type, few enough to meet in joins and groups; some are null."""
    chance, text = random.Random(seed), str(kind)
    makers: dict[str, Any] = {
        "string": lambda: chance.choice("abcd"), "bool": lambda: chance.random() < 0.5,
        "date32[day]": lambda: FIRST + timedelta(chance.randrange(40)),
        "timestamp[us, tz=UTC]": lambda: datetime(1999, 12, 31, tzinfo=UTC) + timedelta(hours=chance.randrange(96)),
    }  # fmt: skip
    number = (lambda: float(chance.randrange(60))) if text in {"double", "float"} else (lambda: chance.randrange(60))
    make = makers.get(text, number)
    return [None if chance.random() < 0.05 else make() for _ in range(ROWS)]


@pytest.fixture(scope="module")
def schemas() -> dict[str, pa.Schema]:
    manifest, _ = compiled_project(PROJECT)
    silver = {f"silver/{name}": published_schema(contract) for name, contract in load_contracts(CONTRACTS).items()}
    return silver | {model.table: model_schema(model) for model in read_models(manifest)}


@pytest.fixture(scope="module")
def nodes() -> dict[str, Node]:
    return {node.name: node for node in project_lineage(PROJECT, {})}


def run(sql: str, tables: Mapping[str, pl.DataFrame]) -> dict[str, Counter[Any]]:
    """For each column of the result its values, without their order."""
    with duckdb.connect() as base:
        base.execute("SET TimeZone = 'UTC'; SET threads = 1")
        base.execute("ATTACH ':memory:' AS assay; CREATE SCHEMA assay.silver; CREATE SCHEMA assay.gold")
        for name, frame in tables.items():
            base.register("frame", frame.to_arrow())
            base.execute(f"CREATE TABLE assay.{name.replace('/', '.')} AS SELECT * FROM frame")
        found = base.execute(sql)
        names = [column[0] for column in found.description]
        rows = found.fetchall()
    return {name: Counter(round(row[at], 6) if isinstance(row[at], float) else row[at] for row in rows) for at, name in enumerate(names)}


@pytest.mark.parametrize("name", sorted(path.stem for path in (PROJECT / "models/gold").glob("*.sql")))
def test_whatever_changes_was_foretold(name: str, nodes: dict[str, Node], schemas: dict[str, pa.Schema]) -> None:
    sql, node = compiled_project(PROJECT)[1][f"model.assay.{name}"], nodes[name]
    assert node.lineage is not None, node.unknown
    tables = {
        table: pl.DataFrame({field.name: values(field.type, f"{table}.{field.name}") for field in schemas[table]}, strict=False)
        for table in node.reads
    }
    before, seen = run(sql, tables), 0
    assert sum(before[next(iter(before))].values()) > 0, "the model gives no row: the test would see nothing"
    for table in node.reads:
        for field in schemas[table]:
            column = pl.Series(field.name, values(field.type, "another seed"), dtype=tables[table][field.name].dtype, strict=False)
            after = run(sql, tables | {table: tables[table].with_columns(column)})
            used = {use for use in node.lineage.rows if (use.table, use.column) == (table.replace("/", "."), field.name)}
            for output in before:
                if after[output] != before[output]:
                    seen += 1
                    uses = node.lineage.columns[output]
                    foretold = used or any((use.table, use.column) == (table.replace("/", "."), field.name) for use in uses)
                    assert foretold, f"{table}.{field.name} changes {name}.{output}, which its lineage does not say"
    assert seen > len(before), "nothing changed: the test would see nothing"


def test_the_columns_that_are_traced_are_those_that_the_models_declare(nodes: dict[str, Node]) -> None:
    for model in read_models(compiled_project(PROJECT)[0]):
        lineage = nodes[model.name].lineage
        assert lineage is not None
        assert list(lineage.columns) == [column.name for column in model.columns]


def test_a_model_that_asks_the_lake_while_it_is_rendered_cannot_be_traced_and_the_others_can(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    asks = "{% set found = run_query('select 1').rows[0][0] if execute else 0 %}\nselect {{ found }} as x, tailnum from "
    (project / "models/gold/asks.sql").write_text(asks + "{{ source('silver', 'flights') }}")
    found = {node.name: node for node in project_lineage(project, {})}
    assert (found["asks"].lineage, found["asks"].unknown) == (None, "dbt cannot render it without a lake.")
    assert found["route_delays_daily"].lineage is not None
    assert "asks" in {one.name.removeprefix("gold/") for one in downstream(list(found.values()), "silver/flights", "tailnum")}
