"""Staged rows come out of a run's DuckDB by partition, in the order of the key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import duckdb

from assay.gold.models import Column, Model
from assay.gold.staged import model_schema, staged_rows
from assay.lake.schemas import lake_schema

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

MODEL = Model(
    name="sales", unique_id="model.shop.sales", description="", owner={}, partition_by="month", event_time="day", key=("day", "shop"),
    lookback_days=0, lookahead_days=0, depends_on=(), tests=(), code_version="",
    columns=(
        Column("month", "date", "", nullable=False), Column("day", "date", "", nullable=False),
        Column("shop", "varchar", "", nullable=False), Column("closed_at", "timestamptz", "", nullable=True),
    ),
)  # fmt: skip


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def test_rows_come_one_month_at_a_time_sorted_by_key_with_the_contracts_types(tmp_path: Path) -> None:
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA staged; CREATE TABLE staged.sales (shop VARCHAR, month DATE, day DATE, closed_at TIMESTAMPTZ)")
        connection.execute("""
            INSERT INTO staged.sales VALUES
                ('b', '2013-06-01', '2013-06-02', NULL), ('a', '2013-06-01', '2013-06-02', NULL), ('z', '2013-06-01', '2013-06-01', NULL),
                ('a', '2013-05-01', '2013-05-31', '2013-06-01 04:30:00+02')
        """)
    may, june = staged_rows(path, MODEL)
    assert rows(may) == [(date(2013, 5, 1), date(2013, 5, 31), "a", datetime(2013, 6, 1, 2, 30, tzinfo=UTC))]
    assert [(day.day, shop) for _, day, shop, _ in rows(june)] == [(1, "z"), (2, "a"), (2, "b")]
    assert lake_schema(may.schema).types == model_schema(MODEL).types
    (asked,) = staged_rows(path, MODEL, {"2013-06-01"})
    assert asked == june


def test_a_model_without_rows_yields_nothing(tmp_path: Path) -> None:
    path = tmp_path / "run.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA staged; CREATE TABLE staged.sales (month DATE, day DATE, shop VARCHAR, closed_at TIMESTAMPTZ)")
    assert list(staged_rows(path, MODEL)) == []
