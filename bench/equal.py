"""The guard of the comparisons: both sides must have made the same rows, or a ratio of their costs says nothing.

For every silver and gold table: the number of rows, and a checksum over all columns that does not depend on the order of rows.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from assay.lake.duckdb_sql import duckdb_type, literal, quoted
from assay.lake.snapshots import Snapshot, open_snapshot, table_names

LAYERS = ("silver", "gold")


class SidesDiffer(Exception):
    """The two sides of a measure did not do the same work."""


def refuse_other_rows(lake: Path, handwritten: Path) -> None:
    """Compare the tables of a lake with those that the hand-written script left. Raises SidesDiffer, naming every table that differs."""
    files = {str(folder.relative_to(handwritten)): literal(str(folder / "**" / "*.parquet")) for folder in handwritten.glob("*/*")}
    theirs = {name: f"SELECT * FROM read_parquet({found}, hive_partitioning = true)" for name, found in files.items()}
    with duckdb.connect() as connection:
        _refuse(connection, lake, theirs, "the hand-written tables")


def refuse_other_tables(lake: Path, database: Path) -> None:
    """Compare the tables of a lake with those of the schemas silver and gold of a DuckDB file. Raises SidesDiffer as well.

    Numbers are compared to nine places: versions of DuckDB interpolate a quantile with another last bit.
    """
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        theirs = {f"{schema}/{table}": f"FROM {quoted(schema)}.{quoted(table)}" for schema, table in found if schema in LAYERS}
        _refuse(connection, lake, theirs, database.stem, "round({}, 9)")


def _refuse(connection: duckdb.DuckDBPyConnection, lake: Path, theirs: Mapping[str, str], who: str, double: str = "{}") -> None:
    """Compare the published tables with the queries that give another side's, by the names of the tables; `double` is SQL of a number."""
    connection.execute("SET TimeZone = 'UTC'")
    ours = {name: open_snapshot(lake, name) for name in table_names(lake) if name.partition("/")[0] in LAYERS}
    wrong = ours.keys() ^ theirs.keys()
    for name in ours.keys() & theirs.keys():
        mine, other = (_content(connection, ours[name], select, double) for select in (ours[name].duckdb_select(), theirs[name]))
        if mine != other:
            wrong.add(name)
    if wrong:
        raise SidesDiffer(f"The lake and {who} have other rows in {', '.join(sorted(wrong))}.")


def _content(connection: duckdb.DuckDBPyConnection, table: Snapshot, select: str, double: str) -> tuple[int, int]:
    """Rows and checksum of a query, its columns read as the types of the table in the lake: a hash depends on the type."""
    types = {field.name: duckdb_type(field.type) for field in table.schema}
    cast = {name: f"CAST({quoted(name)} AS {type_})" for name, type_ in types.items()}
    columns = ", ".join(double.format(sql) if types[name] == "DOUBLE" else sql for name, sql in cast.items())
    row = connection.execute(f"SELECT count(*), coalesce(sum(hash({columns})), 0) FROM ({select})").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
