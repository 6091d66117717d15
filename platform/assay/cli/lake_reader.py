"""The lake as an analyst reads it: every table of every layer as a view over one pinned version, in an in-memory DuckDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import PermanentFailure
from assay.lake.quarantine import ARRIVALS, PUBLICATION, visible_files
from assay.lake.snapshots import DataFile, Snapshot, newest, open_snapshot, quoted, table_names, total_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import duckdb

LAYERS = ("bronze", "silver", "gold", "quarantine")
HIDDEN = {PUBLICATION}


class QueryRefused(PermanentFailure):
    """A statement is no query, or DuckDB cannot run it."""

    hint = "`assay tables` lists what can be read; only queries are allowed."


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One line of `assay tables`. `published` is when the newest version was committed, UTC in ISO form."""

    name: str
    rows: int
    partitions: int
    megabytes: float
    version: int
    published: str


def connect(lake: Path) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB whose schemas bronze, silver, gold and quarantine show the newest published version of each table."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for layer in LAYERS:
        connection.execute(f"CREATE SCHEMA {layer}")
    for name in table_names(lake):
        layer, _, table = name.partition("/")
        if layer in LAYERS:
            snapshot = open_snapshot(lake, name)
            columns = ", ".join(quoted(column) for column in snapshot.schema.names if column not in HIDDEN)
            paths = _visible(lake, snapshot)
            body = snapshot.duckdb_select(None if paths is None else _within(paths))
            connection.execute(f"CREATE VIEW {layer}.{quoted(table)} AS SELECT {columns} FROM ({body})")  # noqa: S608  # quoted
    return connection


def _within(paths: set[str]) -> Callable[[DataFile], bool]:
    return lambda file: file.path in paths


def _visible(lake: Path, snapshot: Snapshot) -> set[str] | None:
    """The files of a quarantine table that its published tables name; None for any other table, which shows all of its files."""
    layer, _, dataset = snapshot.name.partition("/")
    if layer != "quarantine":
        return None
    return {
        file.path for file in visible_files(snapshot, {"": newest(lake, f"silver/{dataset}"), ARRIVALS: newest(lake, f"bronze/{dataset}")})
    }


def query(lake: Path, sql: str) -> duckdb.DuckDBPyConnection:
    """Run one query; the connection that comes back holds its result (`description`, `fetchmany`).

    Raises QueryRefused for anything that is not a query, and with DuckDB's words for one that fails.
    """
    import duckdb

    connection = connect(lake)
    try:
        statements = connection.extract_statements(sql)
        kinds = {statement.type for statement in statements}
        if len(statements) != 1 or not kinds <= {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
            raise QueryRefused(f"Tried to run {len(statements)} statements: {', '.join(sorted(kind.name for kind in kinds)) or 'none'}.")
        return connection.execute(sql)
    except duckdb.Error as error:
        raise QueryRefused(f"DuckDB: {error}.") from error


def facts(lake: Path) -> list[TableFacts]:
    """What there is, table by table."""
    found = []
    for name in table_names(lake):
        snapshot = open_snapshot(lake, name)
        paths = _visible(lake, snapshot)
        files = [file for file in snapshot.files if paths is None or file.path in paths]
        found.append(
            TableFacts(
                name, total_rows(files), len({file.values for file in files}), round(sum(file.size for file in files) / 1e6, 1),
                snapshot.version, _committed(snapshot),
            )
        )  # fmt: skip
    return found


def _committed(snapshot: Snapshot) -> str:
    from datetime import UTC, datetime

    entry: dict[str, Any] = snapshot.table.history(limit=1)[0]
    return datetime.fromtimestamp(entry["timestamp"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rejected_by_rule(lake: Path) -> list[tuple[str, str, int]]:
    """Dataset, rule and number of rows of everything in quarantine, most first."""
    connection, found = connect(lake), list[tuple[str, str, int]]()
    for name in table_names(lake):
        layer, _, dataset = name.partition("/")
        if layer == "quarantine":
            counts = connection.execute(f"SELECT rule, count(*) FROM quarantine.{quoted(dataset)} GROUP BY rule")  # noqa: S608  # quoted
            found += [(dataset, rule, rows) for rule, rows in counts.fetchall()]
    return sorted(found, key=lambda row: (-row[2], row))
