"""Looking into one file, whatever it is: its bytes, and what is packed in them (Parquet, SQLite, DuckDB, deflated texts).

Nothing is held whole. What is told of a find is the place in the file, never the value.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import zlib
from contextlib import closing, contextmanager, suppress
from typing import IO, TYPE_CHECKING, NamedTuple

from assay.lake.damage import is_passing
from assay.lake.duckdb_sql import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from assay.erasure.search_terms import SearchTerms

PARQUET, SQLITE, DUCKDB = b"PAR1", b"SQLite format 3\0", b"DUCK"
PAGES = ("-wal", "-journal")  # of a SQLite database, beside it
DUCKDB_AT = 8  # bytes of a checksum stand before it
CHUNK = 8 << 20
PATIENCE_SECONDS = 60


@contextmanager
def opened(path: Path, *, locked: bool) -> Iterator[IO[bytes]]:
    """The bytes of a file. One that this process may have `locked` is read by another: to close it here would let go of SQLite's locks.

    Raises OSError where it cannot be read.
    """
    if not locked:
        with path.open("rb") as file:
            yield file
        return
    with subprocess.Popen(["cat", "--", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as cat:  # POSIX has it
        assert cat.stdout is not None  # noqa: S101  # asked for
        yield cat.stdout
        cat.stdout.close()
    if cat.returncode > 0:
        raise FileNotFoundError(path) if not path.exists() else PermissionError(f"{path} cannot be read")


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite database, as others use it."""
    where = f"{path.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(where, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)) as connection:
        connection.text_factory = lambda content: content.decode("utf-8", "replace")
        yield connection


def look(path: Path, terms: SearchTerms, *, of_others: bool = False) -> tuple[int, list[str]]:
    """Read a file; returns its size and where in it something was found: "" for its bytes, else what to add to its name.

    One `of_others` may be in use, and has numbers that are none of the person's.
    """
    with opened(path, locked=of_others) as file:
        chunk = file.read(CHUNK)
        head = chunk[: len(SQLITE)]
        is_paged = of_others and (head == SQLITE or path.name.endswith(PAGES))
        pattern = terms.in_pages if is_paged else terms.in_logs if of_others else terms.in_bytes
        size, told, tail = 0, False, b""
        while chunk:
            told = told or pattern.search(tail + chunk) is not None
            size, tail = size + len(chunk), chunk[-terms.longest :]
            chunk = file.read(CHUNK)
    found = [""] if told else []
    if head.startswith(PARQUET):
        found += _columns(path, terms)
    elif head == SQLITE:
        found = [f", table {table}" for table in dict.fromkeys(one.table for one in cells(path, terms))] or found
    elif head[DUCKDB_AT:].startswith(DUCKDB):
        found += _tables(path, terms)
    return size, found


def _columns(path: Path, terms: SearchTerms) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches():
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    if _is_told(column, terms):
                        yield f", column {name}"
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError) or is_passing(error):
            raise
        yield ", which is damaged: nobody can tell whom it names, so delete it"


def _is_told(column: pa.Array, terms: SearchTerms) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_nested(kind):
        return any(one in json.dumps(column.to_pylist(), default=str, ensure_ascii=False) for one in terms.within)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        text = column.cast(pa.large_string())
        hits = [pc.any(pc.match_substring(text, one)).as_py() for one in terms.within]
        return any(hits) or any(pc.any(pc.equal(text, one)).as_py() for one in terms.whole)
    return False


class Cell(NamedTuple):
    """A cell of a SQLite database that tells of a person. A deflated one counts by what is in it. Not every table numbers its rows."""

    table: str
    column: str
    row: int | None
    content: str | bytes


def cells(path: Path, terms: SearchTerms) -> Iterator[Cell]:
    """The cells of a database that tell."""
    with database(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")]
        for table in tables:
            row = "rowid" if _numbers_rows(connection, table) else "NULL"
            for column in [one[1] for one in connection.execute(f"PRAGMA table_info({quoted(table)})")]:
                place = f"{quoted(column)} FROM {quoted(table)}"
                query = f"SELECT {row}, {place} WHERE typeof({quoted(column)}) IN ('text', 'blob')"  # quoted
                for rowid, content in connection.execute(query):
                    if _tells(content, terms):
                        yield Cell(table, column, rowid, content)


def _numbers_rows(connection: sqlite3.Connection, table: str) -> bool:
    """Whether a table is not one `WITHOUT ROWID`, as SQLite itself says: older ones have no other word for it."""
    try:
        connection.execute(f"SELECT rowid FROM {quoted(table)} LIMIT 0")  # noqa: S608  # quoted
    except sqlite3.OperationalError as error:
        if "no such column" not in str(error):
            raise
        return False
    return True


def _tells(content: str | bytes, terms: SearchTerms) -> bool:
    if isinstance(content, bytes):
        with suppress(zlib.error):
            content = zlib.decompress(content)
        content = content.decode("utf-8", "replace")
    return terms.hidden(content) != content


def _tables(path: Path, terms: SearchTerms) -> Iterator[str]:
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            query = "SELECT schema_name, table_name FROM duckdb_tables()"
            for schema, table in connection.execute(query).fetchall():
                reader = connection.sql(f"SELECT * FROM {quoted(schema)}.{quoted(table)}").to_arrow_reader(100_000)  # noqa: S608  # quoted
                for batch in reader:
                    names = batch.schema.names
                    yield from (f", table {schema}.{table}, column {n}" for n in names if _is_told(batch[n], terms))
    except duckdb.Error as error:
        yield f" (it cannot be read: {type(error).__name__})"
