"""The lake as an analyst reads it: every table of every layer as a view over one pinned version, in an in-memory DuckDB."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.cli.bronze_reader import BRONZE, hidden_bronze
from assay.cli.reading_only import named_tables, why_not
from assay.errors import PermanentFailure, TableUnreadable
from assay.lake.damage import damaged_error, damaged_files, refuse_changed
from assay.lake.duckdb_sql import literal, lock, quoted
from assay.lake.erasures import LAYER as ERASURES
from assay.lake.log import LOG
from assay.lake.log_entries import committed_at
from assay.lake.provenance import LAYER as PROVENANCE
from assay.lake.quarantine.decisions import LAYER as DECISIONS
from assay.lake.quarantine.reader import Fate, View, quarantined_datasets
from assay.lake.retention import LAYER as RETENTION
from assay.lake.snapshots import Snapshot, open_snapshot, table_names
from assay.lake.workplaces import temporary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import duckdb

    from assay.cli.bronze_reader import Open
    from assay.cli.reading_only import Names

QUARANTINE = "quarantine"
LAYERS = (BRONZE, "silver", "gold", DECISIONS, ERASURES, RETENTION, PROVENANCE)
FATES = {QUARANTINE: Fate.HELD, "discarded": Fate.DISCARDED, "refused": Fate.REFUSED}


NAMED_COLUMNS = "Name the columns: `PIVOT .. ON column IN (..)`."


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


def connect(lake: Path, known: Open | None = None, named: Names | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB whose schemas bronze, silver, gold and quarantine show the newest published version of each table.

    `known` gives the landing columns that bronze shows, by dataset; the values of all others are hidden. Beside quarantine, `discarded`
    shows what stewards took out of it, `refused` what refused partitions would have put into it. Only those `named` are
    opened (schema and table in small letters); without names all, but for damaged ones. Raises TableUnreadable for one that is named.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET temp_directory = {literal(str(temporary('sql')))}")  # DuckDB's own, .tmp where one stands, is closed by `lock`
    for layer in (*LAYERS, *FATES):
        connection.execute(f"CREATE SCHEMA {layer}")
    for name in table_names(lake):
        layer, _, table = name.partition("/")
        shown = [one for one in (FATES if layer == QUARANTINE else [layer]) if named is None or (one, table.lower()) in named]
        if not shown or layer not in {*LAYERS, QUARANTINE}:
            continue
        try:
            bodies = _bodies(lake, name, known or {}, shown)
        except TableUnreadable:
            if named is not None:
                raise
            continue
        for schema, body in bodies.items():
            connection.execute(f"CREATE VIEW {schema}.{quoted(table)} AS {body}")
    return connection


def _bodies(lake: Path, name: str, known: Open, schemas: Iterable[str]) -> dict[str, str]:
    """SQL for a table, by the schemas that show it."""
    layer, _, table = name.partition("/")
    if layer == QUARANTINE:
        view = View.open(lake, table)
        return {schema: view.duckdb_select(FATES[schema]) for schema in schemas}
    snapshot = open_snapshot(lake, name)
    return {layer: hidden_bronze(snapshot, known) if layer == BRONZE else snapshot.duckdb_select()}


def query(lake: Path, sql: str, known: Open | None = None, views: Iterable[str] = ()) -> duckdb.DuckDBPyConnection:
    """Run one query; the connection that comes back holds its result (`description`, `fetchmany`). `views` are statements that make some.

    Only the tables that it names are opened. Raises QueryRefused for anything that is not a query, and with DuckDB's words for one that
    fails; TableUnreadable for a table that it names.
    """
    import duckdb

    statements = [*views]
    with words_of_duckdb(lake, sql):
        with duckdb.connect() as parser:
            _refuse_more(parser, sql)
            named = named_tables(parser, sql)
        try:
            return _run(lake, sql, connect(lake, known, named), statements)
        except duckdb.CatalogException:  # DuckDB says which name may be meant, if it sees them all
            return _run(lake, sql, connect(lake, known), statements)


@contextmanager
def words_of_duckdb(lake: Path, sql: str) -> Iterator[None]:
    """Inside, a query fails with QueryRefused, in DuckDB's words; with TableDamaged if it is a file that was not as it was committed.

    Rows are read as they are fetched: whoever fetches them does so inside as well.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        with suppress(duckdb.Error), duckdb.connect() as parser:
            _refuse_flipped(lake, named_tables(parser, sql) or ())
        raise QueryRefused(f"DuckDB: {error}.") from error


def _refuse_more(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise QueryRefused for anything but one query."""
    import duckdb

    statements = connection.extract_statements(sql)
    kinds = {statement.type for statement in statements}
    if len(statements) != 1 or not kinds <= {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
        if kinds == {duckdb.StatementType.MULTI}:
            raise QueryRefused("Tried to run a PIVOT whose columns the data would name: that is several statements.", hint=NAMED_COLUMNS)
        raise QueryRefused(f"Tried to run {len(statements)} statements: {', '.join(sorted(kind.name for kind in kinds)) or 'none'}.")
    if why := why_not(connection, sql):
        raise QueryRefused(f"Tried to run a statement; {why}.")


def _run(lake: Path, sql: str, connection: duckdb.DuckDBPyConnection, views: Iterable[str]) -> duckdb.DuckDBPyConnection:
    for statement in views:
        connection.execute(statement)
    lock(connection, [lake])
    return connection.execute(sql)


def _refuse_flipped(lake: Path, named: Iterable[tuple[str, str]]) -> None:
    """Raise TableDamaged if a query failed because a file that it read has other bytes than were committed."""
    for name in table_names(lake):
        layer, _, table = name.partition("/")
        if (layer, table.lower()) in {(QUARANTINE if schema in FATES else schema, one) for schema, one in named}:
            snapshot = open_snapshot(lake, name)
            refuse_changed(snapshot, snapshot.files)


def facts(lake: Path) -> tuple[list[TableFacts], list[TableUnreadable]]:
    """What there is, table by table, and what is damaged; of a table whose log cannot be read there is nothing to say but that."""
    found, damaged = list[TableFacts](), list[TableUnreadable]()
    for name in table_names(lake):
        try:
            facts_, table = _facts(lake, name)
        except TableUnreadable as error:
            damaged.append(error)
            continue
        found.append(facts_)
        if files := damaged_files(table):
            damaged.append(damaged_error(name, table.version, files))
    return found, damaged


def _facts(lake: Path, name: str) -> tuple[TableFacts, Snapshot]:
    layer, _, dataset = name.partition("/")
    view = View.open(lake, dataset) if layer == QUARANTINE else None
    snapshot = view.quarantine if view else open_snapshot(lake, name)
    files = view.files(Fate.HELD) if view else snapshot.files
    rows = view.count(Fate.HELD) if view else snapshot.rows
    megabytes = round(sum(file.size for file in files) / 1e6, 1)
    return TableFacts(name, rows, len({file.values for file in files}), megabytes, snapshot.version, _committed(snapshot)), snapshot


def _committed(snapshot: Snapshot) -> str:
    return f"{committed_at(snapshot.folder / LOG, snapshot.version):%Y-%m-%dT%H:%M:%SZ}"


def rejected_by_rule(lake: Path) -> list[tuple[str, str, str, int]]:
    """Dataset, rule, fate and number of rows of everything in quarantine and beside it, most first."""
    found = list[tuple[str, str, str, int]]()
    for dataset in quarantined_datasets(lake):
        with suppress(TableUnreadable):  # `facts` tells of it
            view = View.open(lake, dataset)
            for fate in Fate:
                counts = view.rows(fate, ["rule"])["rule"].value_counts()
                found += [(dataset, rule, str(fate), rows) for rule, rows in counts.iter_rows()]
    return sorted(found, key=lambda row: (-row[3], row))
