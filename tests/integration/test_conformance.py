"""One meaning: every rule of the conformance cases is judged alike by Polars, DuckDB, delta-rs, Spark and a JSON Schema validator in Rust.

Each engine judges all rows by all rules, so a rule is also seen to leave alone what is not its business: the rows of other columns.
"""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import jsonschema_rs
import polars as pl
import pyarrow as pa
import pytest
import quickjs
from deltalake import write_deltalake
from deltalake.exceptions import DeltaError

from assay.contracts.compiling.arrow_types import types_of
from assay.contracts.compiling.expressions import violation
from assay.contracts.export.delta_constraints import check_constraints
from assay.contracts.export.json_schema import published_row
from assay.gold.rules_sql import condition
from assay.lake.constraints import create_constrained
from conformance import CONDITIONS, CONSTRAINT, JSON, PATTERNS, SCHEMA, VALUES, Case, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession

CASES = [*VALUES, *PATTERNS, *CONDITIONS]
each_case = pytest.mark.parametrize("case", CASES, ids=str)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def judged_by(verdicts: list[bool], case: Case) -> list[str]:
    """The rows that an engine judges otherwise than is meant."""
    said = {True: "keeps", False: "breaks"}
    pairs = zip(case.rows, verdicts, strict=True)
    return [f"{row} {said[meant]} it, and was found to be {said[found]}" for (row, meant), found in pairs if found is not meant]


@each_case
def test_polars_judges_what_is_meant(case: Case) -> None:
    frame = pl.DataFrame(table_of([row for row, _ in case.rows]))
    broken = violation(case.rule, types_of(case.contract), {}).fill_null(pl.lit(value=False))
    assert judged_by(frame.select((~broken).alias("_"))["_"].to_list(), case) == []


@each_case
def test_duckdb_judges_what_is_meant(case: Case) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.register("asked", table_of([row for row, _ in case.rows]))
        found = connection.sql(f"SELECT coalesce(({condition(case.rule, types_of(case.contract))}), true) FROM asked").fetchall()
    assert judged_by([bool(one) for (one,) in found], case) == []


@each_case
def test_delta_rs_judges_what_is_meant(case: Case, tmp_path: Path) -> None:
    said = check_constraints(case.contract).get("r")
    assert (said is None) is (CONSTRAINT in case.unasked), said
    if said is None:
        return
    assert create_constrained(tmp_path / "asked", SCHEMA, [], {"r": said})

    def takes(rows: list[dict[str, Any]]) -> bool:
        try:
            write_deltalake(str(tmp_path / "asked"), table_of(rows), mode="append")
        except DeltaError as error:
            if "Invalid data found" not in str(error):
                raise
            return False
        return True

    assert takes([row for row, keeps in case.rows if keeps])
    assert [row for row, keeps in case.rows if not keeps and takes([row])] == []


@each_case
def test_a_json_schema_validator_of_another_language_judges_what_is_meant(case: Case) -> None:
    schema = published_row(case.contract)
    assert ("Not told here: r " in schema.get("$comment", "") or case.kind.value == "type") is (JSON in case.unasked)
    if JSON in case.unasked:
        return
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    rows = [json.loads(json.dumps(row, default=as_json)) for row, _ in case.rows]
    assert judged_by([validator.is_valid(row) for row in rows], case) == []


@pytest.mark.parametrize("case", PATTERNS, ids=str)
def test_an_engine_of_ecma_262_judges_the_exported_pattern_as_is_meant(case: Case) -> None:
    pattern = published_row(case.contract)["properties"][name_of("VARCHAR")]["pattern"]
    matches = quickjs.Context().eval("(pattern, text) => new RegExp(pattern, 'u').test(text)")
    texts = [row[name_of("VARCHAR")] for row, _ in case.rows]
    assert judged_by([text is None or matches(pattern, text) for text in texts], case) == []


def as_json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    assert isinstance(value, Decimal)
    return int(value) if value == int(value) else float(value)


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    quick = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    built = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.driver.extraJavaOptions", quick)
    session = built.config("spark.sql.session.timeZone", "America/New_York").config("spark.sql.codegen.wholeStage", "false").getOrCreate()
    yield session
    session.stop()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="no Java on the PATH: Spark judges nothing")
def test_spark_judges_what_is_meant(spark: SparkSession) -> None:
    from pyspark.sql.functions import expr

    asked = [(case, check_constraints(case.contract)["r"]) for case in CASES if CONSTRAINT not in case.unasked]
    rows = [row for case, _ in asked for row, _ in case.rows]
    frame = spark.createDataFrame(table_of(rows))
    found = frame.select(*(expr(said).alias(f"r{number}") for number, (_, said) in enumerate(asked))).toArrow()
    wrong, first = list[str](), 0
    for number, (case, said) in enumerate(asked):
        verdicts = found[f"r{number}"].to_pylist()[first : first + len(case.rows)]
        wrong += [f"{said}: {one}" for one in judged_by([bool(verdict) for verdict in verdicts], case)]
        first += len(case.rows)
    assert wrong == []
