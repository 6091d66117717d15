"""A reader of the lake reads tables: whatever the words, nothing is written, attached, installed, set, or read by its path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import write_deltalake

from assay.cli.lake_reader import QueryRefused, connect, query
from assay.lake.duckdb_sql import lock

if TYPE_CHECKING:
    from pathlib import Path

WRITES = [
    "COPY (SELECT 1) TO '{}/new.csv'", "EXPLAIN ANALYZE COPY (SELECT 1) TO '{}/new.csv'", "EXPLAIN (ANALYZE) COPY (SELECT 1) TO '{}/new.csv'",
    "EXPORT DATABASE '{}/new'", "ATTACH '{}/new.db'", "EXPLAIN ANALYZE ATTACH '{}/new.db'", "INSTALL httpfs", "LOAD httpfs",
    "SET threads = 1", "PRAGMA threads = 1", "CREATE TABLE silver.new AS SELECT 1", "EXPLAIN ANALYZE CREATE TABLE silver.new AS SELECT 1",
    "SELECT 1; COPY (SELECT 1) TO '{}/new.csv'", "EXPLAIN ANALYZE /* */ COPY (SELECT 1) TO '{}/new.csv'",
]  # fmt: skip
READS = [
    "SELECT * FROM read_csv('{}/other.csv')", "SELECT * FROM '{}/other.csv'", "SELECT * FROM read_text('{}/other.csv')", "FROM glob('{}/*')",
    "SELECT (SELECT count(*) FROM read_parquet('{}/lake/silver/sales/*.parquet'))", "FROM query('SELECT 1')", "FROM sniff_csv('{}/other.csv')",
    "WITH one AS (FROM '{}/lake/silver/sales/x.parquet') FROM one", "FROM pl_frame",
]  # fmt: skip
QUERIES = [
    "SELECT * FROM silver.sales", "FROM silver.sales", "EXPLAIN SELECT * FROM silver.sales", "EXPLAIN ANALYZE SELECT * FROM silver.sales",
    "EXPLAIN (FORMAT json) FROM silver.sales", "DESCRIBE silver.sales", "SUMMARIZE silver.sales", "SHOW ALL TABLES", "SELECT * FROM range(3)",
    "WITH one AS (FROM silver.sales) SELECT * FROM one WHERE id IN (SELECT 1)", "VALUES (1)", "FROM duckdb_views()",
    "SELECT table_name FROM information_schema.tables", "SELECT 1;", "PIVOT silver.sales ON id IN (1, 2) USING count(*)",
]  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    write_deltalake(str(tmp_path / "lake" / "silver" / "sales"), pl.DataFrame({"id": [1, 2]}))
    (tmp_path / "other.csv").write_text("secret\n1\n")
    return tmp_path / "lake"


@pytest.mark.parametrize("sql", [*WRITES, *READS])
def test_what_is_no_query_of_tables_is_refused_and_leaves_nothing(lake: Path, sql: str) -> None:
    pl_frame = pl.DataFrame({"id": [1]})  # a variable of Python is no table
    before = sorted(lake.parent.rglob("*"))
    with pytest.raises(QueryRefused, match=r"Tried to run|DuckDB: ") as refused:
        query(lake, sql.format(lake.parent))
    assert "secret" not in str(refused.value)
    assert sorted(lake.parent.rglob("*")) == before
    assert pl_frame.height == 1


@pytest.mark.parametrize("sql", QUERIES)
def test_a_query_of_tables_is_answered(lake: Path, sql: str) -> None:
    assert query(lake, sql).fetchall()


@pytest.mark.parametrize("sql", ["PIVOT silver.sales ON id USING count(*)", "SELECT * FROM (PIVOT silver.sales ON id USING count(*))"])
def test_a_pivot_whose_columns_the_data_would_name_is_refused_in_words_that_help(lake: Path, sql: str) -> None:
    with pytest.raises(QueryRefused, match=r"a PIVOT whose columns the data would name: .* Name the columns: `PIVOT .. ON column IN"):
        query(lake, sql)


@pytest.mark.parametrize("sql", [one for one in [*WRITES, *READS[:4]] if "SELECT 1;" not in one and "CREATE" not in one])
def test_the_locks_alone_hold_outside_of_the_lake(lake: Path, sql: str) -> None:
    import duckdb

    connection = connect(lake)
    lock(connection, [lake])
    before = sorted(lake.parent.rglob("*"))
    with pytest.raises(duckdb.Error):
        connection.execute(sql.format(lake.parent)).fetchall()
    assert sorted(lake.parent.rglob("*")) == before
    assert connection.execute("SELECT count(*) FROM silver.sales").fetchall() == [(2,)]
