"""How the lake spells itself for DuckDB: names, texts and types. What is selected is the business of snapshots."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa


def quoted(name: str) -> str:
    """Quote an identifier for DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string for DuckDB."""
    return "'" + text.replace("'", "''") + "'"


def duckdb_type(kind: pa.DataType) -> str:
    """Spell an Arrow type of the lake for DuckDB."""
    import pyarrow as pa

    if pa.types.is_list(kind):
        return duckdb_type(kind.value_type) + "[]"
    if pa.types.is_struct(kind):
        return "STRUCT(" + ", ".join(f"{quoted(inner.name)} {duckdb_type(inner.type)}" for inner in kind) + ")"
    if pa.types.is_map(kind):
        return f"MAP({duckdb_type(kind.key_type)}, {duckdb_type(kind.item_type)})"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return _plain_types()[kind]


@cache
def _plain_types() -> dict[pa.DataType, str]:
    import pyarrow as pa

    return {
        pa.int64(): "BIGINT", pa.int32(): "INTEGER", pa.int16(): "SMALLINT", pa.int8(): "TINYINT", pa.float64(): "DOUBLE",
        pa.float32(): "FLOAT", pa.string(): "VARCHAR", pa.bool_(): "BOOLEAN", pa.date32(): "DATE", pa.binary(): "BLOB",
        pa.timestamp("us", "UTC"): "TIMESTAMPTZ", pa.timestamp("us"): "TIMESTAMP",
    }  # fmt: skip


def select_files(files: Iterable[tuple[str, bool]], columns: Mapping[str, str], partition_by: Sequence[str]) -> str:
    """SQL for the rows of some Parquet files, with these columns in these types; a partition column comes from the path.

    With the path of each is told whether it is known to have every column in its type: of those DuckDB opens what a query needs. Of the
    others it opens all, to see which columns there are: of 7,300 files that is half a second before the query begins.
    """
    whole, others = list[str](), list[str]()
    for path, is_whole in files:
        (whole if is_whole else others).append(path)
    # a column that none of the files has yet comes from the empty part
    empty = "SELECT " + ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in columns.items()) + " WHERE false"
    hive = "false"  # left out it is true where any folder of the path looks so
    if partition_by:
        hive = f"true, hive_types={{{', '.join(f'{literal(column)}: {columns[column]}' for column in partition_by)}}}"
    read = [
        f"SELECT * FROM read_parquet([{', '.join(map(literal, paths))}], union_by_name={by_name}, hive_partitioning={hive})"  # noqa: S608  # quoted
        for paths, by_name in ((whole, "false"), (others, "true"))
        if paths
    ]
    return f"SELECT {', '.join(map(quoted, columns))} FROM ({' UNION ALL BY NAME '.join([empty, *read])})"  # noqa: S608  # quoted


def lock(connection: duckdb.DuckDBPyConnection, folders: Iterable[Path] = ()) -> None:
    """Close a connection by DuckDB's own locks, for good: no files outside some folders, no extensions, no settings from here on."""
    allowed = ", ".join(literal(f"{folder.absolute()}/") for folder in folders)
    connection.execute(f"SET allowed_directories = [{allowed}]")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
