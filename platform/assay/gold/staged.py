"""What a build staged: the rows of a model in a run's private DuckDB, and the Arrow schema that its contract promises.

Rows come one partition at a time and in the order of their key, so equal rows give equal files. Publishing them is the lake's work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import PermanentFailure
from assay.lake.snapshots import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from assay.gold.models import Model

ARROW_TYPES = {
    "date": pa.date32(), "boolean": pa.bool_(), "varchar": pa.string(), "double": pa.float64(), "float": pa.float32(),
    "tinyint": pa.int8(), "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "blob": pa.binary(),
    "timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", tz="UTC"), "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")


class ColumnTypeUnknown(PermanentFailure):
    """A model's contract declares a type that the lake cannot keep."""

    hint = f"Use one of {', '.join(ARROW_TYPES)} or decimal(p, s) as data_type."


def model_schema(model: Model) -> pa.Schema:
    """The Arrow schema of a model's table, partition column included; a column with a not_null constraint is not nullable."""
    return pa.schema([pa.field(column.name, _arrow_type(column.data_type.lower(), model), column.nullable) for column in model.columns])


def staged_rows(duckdb_path: Path, model: Model) -> Iterator[pl.DataFrame]:
    """Yield the staged rows of `model`, one frame per partition in order of the partition, each sorted by the model's key.

    The database must be closed by its build. Memory is bounded by the largest partition.
    """
    import duckdb
    import polars as pl

    names = ", ".join(quoted(column.name) for column in model.columns)
    table, partition = f"staged.{quoted(model.name)}", quoted(model.partition_by)
    order = ", ".join(quoted(name) for name in model.key)
    with duckdb.connect(str(duckdb_path), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        partitions = connection.execute(f"SELECT DISTINCT {partition} FROM {table} ORDER BY 1").fetchall()  # noqa: S608  # quoted
        for values in partitions:
            query = f"SELECT {names} FROM {table} WHERE {partition} = ? ORDER BY {order}"  # noqa: S608  # quoted
            frame = pl.from_arrow(connection.sql(query, params=list(values)).to_arrow_table())
            assert isinstance(frame, pl.DataFrame)  # noqa: S101  # from_arrow of a table is a frame
            yield frame


def _arrow_type(declared: str, model: Model) -> pa.DataType:
    if decimal := DECIMAL.fullmatch(declared):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if declared not in ARROW_TYPES:
        raise ColumnTypeUnknown(f"Tried to derive the schema of {model.table}; found the type {declared!r}.")
    return ARROW_TYPES[declared]
