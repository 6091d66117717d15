"""The guard of the comparisons: both sides must have made the same rows, or a ratio of their costs says nothing.

For every silver and gold table: the number of rows, and a checksum over all columns that does not depend on the order of rows.
"""

from pathlib import Path

import duckdb

from assay.lake.duckdb_sql import duckdb_type, quoted
from assay.lake.snapshots import open_snapshot, table_names


class SidesDiffer(Exception):
    """The two sides of a measure did not do the same work."""


def refuse_other_rows(lake: Path, handwritten: Path) -> None:
    """Compare the tables of a lake with those that the hand-written script left. Raises SidesDiffer, naming every table that differs."""
    names = [name for name in table_names(lake) if name.startswith(("silver/", "gold/"))]
    found = [name for name in names if _content_of_lake(lake, name) != _content_of_files(lake, name, handwritten)]
    theirs = {str(folder.relative_to(handwritten)) for folder in handwritten.glob("*/*")}
    if wrong := [*found, *sorted(theirs.symmetric_difference(names))]:
        raise SidesDiffer(f"The lake and the hand-written tables have other rows in {', '.join(wrong)}.")


def _content_of_lake(lake: Path, name: str) -> tuple[int, int]:
    return _content(lake, name, open_snapshot(lake, name).duckdb_select())


def _content_of_files(lake: Path, name: str, handwritten: Path) -> tuple[int, int]:
    files = str(handwritten / name / "**" / "*.parquet").replace("'", "''")
    return _content(lake, name, f"SELECT * FROM read_parquet('{files}', hive_partitioning = true)")


def _content(lake: Path, name: str, select: str) -> tuple[int, int]:
    """Rows and checksum of a query, its columns read as the types of the table in the lake: a hash depends on the type."""
    columns = ", ".join(f"CAST({quoted(field.name)} AS {duckdb_type(field.type)})" for field in open_snapshot(lake, name).schema)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute(f"SELECT count(*), coalesce(sum(hash({columns})), 0) FROM ({select})").fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
