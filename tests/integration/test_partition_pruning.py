"""Partition pruning: what is left out of a query's list of files changes no answer, and what may be meant is never left out."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from assay.cli.lake_reader import query
from assay.cli.partition_pruning import asked_values
from assay.errors import TableDamaged
from assay.lake.publisher import publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import open_snapshot
from assay.lake.staging import stage

DAYS = [date(2024, 1, day) for day in (1, 2, 3)]
BY_DAY = TableSpec("silver/by_day", pa.schema([pa.field("Day", pa.date32()), pa.field("n", pa.int64())]), partition_by=("Day",))
TEXTS = ["a", "2024-01-02", "A b/c=d'%20", None]
BOTH = "silver.by_day join silver.by_text on by_day.n = by_text.n"

PRUNED = [
    ("from silver.by_day where day = '2024-01-02'", 1),
    ("from silver.by_day as x where n > 0 and DATE '2024-01-03' = DAY", 1),
    ("from silver.by_day where day = '2023-01-02'", 0),
    ("from silver.by_day where day = '2024-01-02' and day = '2024-01-03'", 1),
    ("from silver.by_text where part = '2024-01-02'", 1),
    ("from silver.by_text where part = 'A b/c=d''%20' and n = 2", 1),
    ("from silver.by_text where part = ''", 1),
]
WHOLE = [
    "from silver.by_day where day = '2024-1-2'",
    "from silver.by_day where day = '2024-01-02' or n = 2",
    "from silver.by_day where not day = '2024-01-02'",
    "from silver.by_day where day <> '2024-01-02'",
    "from silver.by_day where n = '2'",
    "from silver.by_day where day = try_cast('2024-01-02' as date)",
    "from silver.by_day as x(n, day) where day = '2'",
    "from silver.by_day where case when n = 1 then day = '2024-01-02' else true end",
    "from silver.by_text where part collate nocase = 'a'",
    "from silver.by_text where part like 'a'",
    "from silver.by_text where lower(part) = 'a'",
]
SEVERAL = [
    f"from {BOTH} where day = '2024-01-02'",
    "from silver.by_day where day = '2024-01-02' and n in (select n from silver.by_day)",
    "from (from silver.by_day) where day = '2024-01-02'",
    "with silver as (select 1) from silver.by_day where day = '2024-01-02'",
    "from silver.by_day where day = '2024-01-02' union all from silver.by_day",
    "from silver.by_day tablesample 100% where day = '2024-01-02'",
]  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables, a row in each partition."""
    root = tmp_path_factory.mktemp("pruning") / "lake"
    slice_ = Slice(BY_DAY, tuple(Partition(str(day), (str(day),)) for day in DAYS))
    publish(root, stage(root / BY_DAY.name, slice_, map(_frame, DAYS)), dict.fromkeys(slice_.keys, 1))
    texts = pl.DataFrame({"part": TEXTS, "n": range(len(TEXTS))}).to_arrow()
    write_deltalake(root / "silver/by_text", texts, partition_by=["part"])  # by another tool: we store no partition of nulls
    return root


def _frame(day: date) -> pl.DataFrame:
    return pl.DataFrame({"Day": [day], "n": [day.day - 1]})


def answer(lake: Path, sql: str) -> list[tuple[object, ...]]:
    """What DuckDB says of the whole tables, without any of our reading of the query."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA silver")
        for name in ("by_day", "by_text"):
            connection.execute(f"CREATE VIEW silver.{name} AS {open_snapshot(lake, f'silver/{name}').duckdb_select()}")
        return connection.execute(f"{sql} order by all").fetchall()


def files_read(lake: Path, sql: str) -> int:
    """How many files of the table that a query names it is given."""
    name = "silver/by_day" if "by_day" in sql else "silver/by_text"
    with duckdb.connect() as parser:
        return open_snapshot(lake, name).duckdb_select(asked=dict(asked_values(parser, sql))).count(".parquet'")


@pytest.mark.parametrize(("sql", "files"), PRUNED)
def test_a_query_of_one_partition_is_given_its_files_alone(lake: Path, sql: str, files: int) -> None:
    assert files_read(lake, sql) == files
    assert query(lake, f"{sql} order by all").fetchall() == answer(lake, sql)


@pytest.mark.parametrize("sql", WHOLE)
def test_a_query_that_may_mean_other_partitions_is_given_all(lake: Path, sql: str) -> None:
    assert files_read(lake, sql) == len(open_snapshot(lake, "silver/by_day" if "by_day" in sql else "silver/by_text").files)
    assert query(lake, f"{sql} order by all").fetchall() == answer(lake, sql)


@pytest.mark.parametrize("sql", SEVERAL)
def test_of_a_query_that_reads_more_than_one_table_nothing_is_left_out(lake: Path, sql: str) -> None:
    with duckdb.connect() as parser:
        assert asked_values(parser, sql) == []
    assert query(lake, f"select * from ({sql}) order by all").fetchall() == answer(lake, sql)


def test_a_file_that_is_missing_from_another_partition_does_not_keep_a_query_from_its_own(tmp_path: Path) -> None:
    slice_ = Slice(BY_DAY, tuple(Partition(str(day), (str(day),)) for day in DAYS))
    publish(tmp_path, stage(tmp_path / BY_DAY.name, slice_, map(_frame, DAYS)), dict.fromkeys(slice_.keys, 1))
    Path(open_snapshot(tmp_path, BY_DAY.name).files[0].path).unlink()
    assert query(tmp_path, "select n from silver.by_day where day = '2024-01-02'").fetchall() == [(1,)]
    for sql in ("select n from silver.by_day", "select n from silver.by_day where day = '2024-01-01'"):
        with pytest.raises(TableDamaged, match="is missing"):
            query(tmp_path, sql)
