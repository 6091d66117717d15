"""What a build made: the rows of a model in a run's private DuckDB, the Arrow schema that its contract promises, and the files of both.

Rows come one partition at a time and in the order of their key, so equal rows give equal files. Publishing them is the lake's work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import PermanentFailure
from assay.lake.duckdb_sql import quoted
from assay.lake.staging import stage
from assay.steps import CHUNK_ROWS, ahead

if TYPE_CHECKING:
    from collections.abc import Iterator, Set
    from pathlib import Path

    from assay.gold.models import Model
    from assay.lake.slices import Slice
    from assay.lake.staged import Staging

ARROW_TYPES = {
    "date": pa.date32(), "boolean": pa.bool_(), "varchar": pa.string(), "double": pa.float64(), "float": pa.float32(),
    "tinyint": pa.int8(), "smallint": pa.int16(), "integer": pa.int32(), "bigint": pa.int64(), "blob": pa.binary(),
    "timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", tz="UTC"), "timestamp with time zone": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
MEMORY = "128MB"  # of blocks that DuckDB keeps of its file: each is read once
DECIMAL = re.compile(r"decimal\((\d+), ?(\d+)\)")


class ColumnTypeUnknown(PermanentFailure):
    """A model's contract declares a type that the lake cannot keep."""

    hint = f"Use one of {', '.join(ARROW_TYPES)} or decimal(p, s) as data_type."


def model_schema(model: Model) -> pa.Schema:
    """The Arrow schema of a model's table, partition column included; a column with a not_null constraint is not nullable."""
    return pa.schema([pa.field(column.name, _arrow_type(column.data_type.lower(), model), column.nullable) for column in model.columns])


def stage_model(duckdb_path: Path, model: Model, root: Path, slice_: Slice) -> Staging:
    """Write the partitions of a slice as files under `root`, the model's table, where no reader looks until a commit names them.

    Raises what `stage` raises.
    """
    months = None if model.is_whole else {partition.values[0] for partition in slice_.partitions}
    return stage(root, slice_, ahead(staged_rows(duckdb_path, model, months)))


def staged_rows(duckdb_path: Path, model: Model, months: Set[str] | None = None) -> Iterator[pa.Table]:
    """Yield the rows of `model`: a table for each month in their order, sorted by the model's key; of `months` (first days, ISO) if given.

    A build makes months that nobody asked for where a window has no gaps. The database must be closed by its build. Memory is bounded by
    the largest month, or by some thousand rows of a table without partitions.
    """
    import duckdb

    names = ", ".join(quoted(column.name) for column in model.columns)
    table = f"staged.{quoted(model.name)}"
    order = ", ".join(quoted(name) for name in model.key)
    with duckdb.connect(str(duckdb_path), read_only=True, config={"memory_limit": MEMORY, "threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if model.partition_by is None:
            rows = connection.sql(f"SELECT {names} FROM {table} ORDER BY {order}")  # noqa: S608  # quoted
            for batch in rows.to_arrow_reader(CHUNK_ROWS):
                yield pa.Table.from_batches([batch])
            return
        partition = quoted(model.partition_by)
        found = connection.execute(f"SELECT DISTINCT {partition} FROM {table} ORDER BY 1").fetchall()  # noqa: S608  # quoted
        for values in found:
            if months is None or str(values[0]) in months:
                query = f"SELECT {names} FROM {table} WHERE {partition} = ? ORDER BY {order}"  # noqa: S608  # quoted
                yield connection.sql(query, params=list(values)).to_arrow_table()


def _arrow_type(declared: str, model: Model) -> pa.DataType:
    if decimal := DECIMAL.fullmatch(declared):
        return pa.decimal128(int(decimal[1]), int(decimal[2]))
    if declared not in ARROW_TYPES:
        raise ColumnTypeUnknown(f"Tried to derive the schema of {model.table}; found the type {declared!r}.")
    return ARROW_TYPES[declared]
