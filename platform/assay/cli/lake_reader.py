"""The lake as an analyst reads it: every table of every layer as a view over one pinned version, in an in-memory DuckDB.

What the views are is said in `lake_tables`, which is imported for a query that names a table: it brings Arrow and Delta with it.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from assay.cli.partition_pruning import asked_values
from assay.cli.reading_only import named_tables, why_not
from assay.errors import PermanentFailure
from assay.lake.duckdb_sql import literal, lock
from assay.lake.workplaces import temporary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from assay.cli.bronze_reader import Open
    from assay.cli.partition_pruning import Asked
    from assay.cli.reading_only import Names

NAMED_COLUMNS = "Name the columns: `PIVOT .. ON column IN (..)`."


class QueryRefused(PermanentFailure):
    """A statement is no query, or DuckDB cannot run it."""

    hint = "`assay tables` lists what can be read; only queries are allowed."


def connect(lake: Path, known: Open | None = None, named: Names | None = None, asked: Sequence[Asked] = ()) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB whose schemas bronze, silver, gold and quarantine show the newest published version of each table.

    `known` gives the landing columns that bronze shows, by dataset; the values of all others are hidden. Beside quarantine, `discarded`
    shows what stewards took out of it, `refused` what refused partitions would have put into it. Only those `named` are
    opened (schema and table in small letters); without names all, but for damaged ones. Where nothing is named there are no schemas either.
    Of the one that is named only the partition that is `asked` for is shown. Raises TableUnreadable for one that is named.
    """
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET temp_directory = {literal(str(temporary('sql')))}")  # DuckDB's own, .tmp where one stands, is closed by `lock`
    if named is None or named:
        from assay.cli.lake_tables import show

        show(connection, lake, known or {}, named, asked)
    return connection


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
            named, asked = named_tables(parser, sql), asked_values(parser, sql)
        try:
            return _run(lake, sql, connect(lake, known, named, asked), statements)
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
        from assay.cli.lake_tables import refuse_flipped

        with suppress(duckdb.Error), duckdb.connect() as parser:
            refuse_flipped(lake, named_tables(parser, sql) or ())
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
