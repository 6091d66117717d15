"""The lake as an analyst reads it: every table of every layer as a view over one pinned version, in an in-memory DuckDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.cli.bronze_reader import BRONZE, hidden_bronze
from assay.cli.reading_only import why_not
from assay.errors import PermanentFailure
from assay.lake.decisions import LAYER as DECISIONS
from assay.lake.duckdb_sql import lock, quoted
from assay.lake.erasures import LAYER as ERASURES
from assay.lake.quarantine_reader import Fate, View, quarantined_datasets
from assay.lake.snapshots import Snapshot, open_snapshot, table_names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

    from assay.cli.bronze_reader import Open

QUARANTINE = "quarantine"
LAYERS = (BRONZE, "silver", "gold", DECISIONS, ERASURES)
FATES = {QUARANTINE: Fate.HELD, "discarded": Fate.DISCARDED, "refused": Fate.REFUSED}


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


def connect(lake: Path, known: Open | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB whose schemas bronze, silver, gold and quarantine show the newest published version of each table.

    `known` gives the landing columns that bronze shows, by dataset; the values of all others are hidden.

    Beside quarantine, `discarded` shows what stewards took out of it, `refused` what refused partitions would have put into it.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for layer in (*LAYERS, *FATES):
        connection.execute(f"CREATE SCHEMA {layer}")
    for name in table_names(lake):
        layer, _, table = name.partition("/")
        if layer in LAYERS:
            snapshot = open_snapshot(lake, name)
            bodies = {layer: hidden_bronze(snapshot, known or {}) if layer == BRONZE else snapshot.duckdb_select()}
        elif layer == QUARANTINE:
            view = View.open(lake, table)
            bodies = {schema: view.duckdb_select(fate) for schema, fate in FATES.items()}
        else:
            continue
        for schema, body in bodies.items():
            connection.execute(f"CREATE VIEW {schema}.{quoted(table)} AS {body}")
    return connection


def query(lake: Path, sql: str, known: Open | None = None, views: Iterable[str] = ()) -> duckdb.DuckDBPyConnection:
    """Run one query; the connection that comes back holds its result (`description`, `fetchmany`). `views` are statements that make some.

    Raises QueryRefused for anything that is not a query, and with DuckDB's words for one that fails.
    """
    import duckdb

    connection = connect(lake, known)
    try:
        for statement in views:
            connection.execute(statement)
        lock(connection, [lake])
        statements = connection.extract_statements(sql)
        kinds = {statement.type for statement in statements}
        if len(statements) != 1 or not kinds <= {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
            raise QueryRefused(f"Tried to run {len(statements)} statements: {', '.join(sorted(kind.name for kind in kinds)) or 'none'}.")
        if why := why_not(connection, sql):
            raise QueryRefused(f"Tried to run a statement; {why}.")
        return connection.execute(sql)
    except duckdb.Error as error:
        raise QueryRefused(f"DuckDB: {error}.") from error


def facts(lake: Path) -> list[TableFacts]:
    """What there is, table by table."""
    found = []
    for name in table_names(lake):
        layer, _, dataset = name.partition("/")
        view = View.open(lake, dataset) if layer == QUARANTINE else None
        snapshot = view.quarantine if view else open_snapshot(lake, name)
        files = view.files(Fate.HELD) if view else snapshot.files
        rows = view.count(Fate.HELD) if view else snapshot.rows
        megabytes = round(sum(file.size for file in files) / 1e6, 1)
        found.append(TableFacts(name, rows, len({file.values for file in files}), megabytes, snapshot.version, _committed(snapshot)))
    return found


def _committed(snapshot: Snapshot) -> str:
    from datetime import UTC, datetime

    entry: dict[str, Any] = snapshot.history(limit=1)[0]
    return datetime.fromtimestamp(entry["timestamp"] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rejected_by_rule(lake: Path) -> list[tuple[str, str, str, int]]:
    """Dataset, rule, fate and number of rows of everything in quarantine and beside it, most first."""
    found = list[tuple[str, str, str, int]]()
    for dataset in quarantined_datasets(lake):
        view = View.open(lake, dataset)
        for fate in Fate:
            counts = view.rows(fate, ["rule"])["rule"].value_counts()
            found += [(dataset, rule, str(fate), rows) for rule, rows in counts.iter_rows()]
    return sorted(found, key=lambda row: (-row[3], row))
