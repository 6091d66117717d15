"""Copies outside the tables: what Dagster and a developer's dbt have kept of rows. It is taken out of them where they go on without it.

In Dagster's events, ticks and logs the value gives way to stars; their databases are then written anew, so that no free page holds it. What
dbt makes again is hidden in the same way, a developer's database is removed. Sources are nobody's but their authors' to mend.
"""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.erasure.file_scan import PATIENCE_SECONDS, SQLITE, cells, database, look, opened
from assay.erasure.places import Kind
from assay.errors import TransientFailure
from assay.lake.duckdb_sql import quoted
from assay.lake.durable import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from assay.erasure.places import Place
    from assay.erasure.search_terms import SearchTerms

DATABASE, SPILL = "target/assay.duckdb", "target/spill"  # as profiles.yml says for developers
RESULTS = ("run_results.json", "catalog.json", "sources.json", "index.html", "static_index.html")
MADE_AGAIN = ("logs", "target/compiled", "target/run", *(f"target/{name}" for name in RESULTS))  # not the manifest: it is what is built
LOOK_SECONDS = 0.2


class InUse(TransientFailure):
    """Another process uses a copy outside the tables, so it cannot be mended."""

    hint = "Let that process end, and run the same command again: it goes on where it stopped."


def clean_copies(where: Iterable[Place], terms: SearchTerms) -> list[str]:
    """Take a person out of what Dagster and dbt have kept; returns what was changed. Raises InUse when another process is in the way."""
    changed = list[str]()
    for place in where:
        if place.kind is Kind.DAGSTER:
            changed += [place.said(path) for path in place.files() if _cleaned(path, terms)]
        elif place.kind is Kind.DBT:
            changed += [place.said(path) for path in _developers(place.folder)]
            made = (path for path in place.files() if _is_made_again(path, place.folder))
            changed += [place.said(path) for path in made if _starred(path, terms)]
    return changed


def _is_made_again(path: Path, project: Path) -> bool:
    return any(path.is_relative_to(project / name) for name in MADE_AGAIN)


def _developers(project: Path) -> Iterator[Path]:
    """Remove the database of a developer's builds, which dbt makes again: what it has freed inside cannot be looked through."""
    path = project / DATABASE
    if path.exists():
        with path.open("rb+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as DuckDB locks it
            except OSError:
                raise InUse(f"Tried to remove {path}; a developer's dbt is using it.") from None
            for one in (path, path.with_name(f"{path.name}.wal")):
                one.unlink(missing_ok=True)
        shutil.rmtree(project / SPILL, ignore_errors=True)
        sync_folder(path.parent)
        yield path


def _cleaned(path: Path, terms: SearchTerms) -> bool:
    """Clean a file of Dagster's instance; whether anything was changed. What belongs to a database is cleaned with it."""
    if path.name.endswith(("-wal", "-shm", "-journal")):
        return False
    with suppress(FileNotFoundError), opened(path, locked=True) as file:
        if file.read(len(SQLITE)) == SQLITE:
            return _hidden_in_database(path, terms)
    return _starred(path, terms)


def _starred(path: Path, terms: SearchTerms) -> bool:
    """Put stars in the place of what is found in a text file, in place: whoever writes to it goes on writing to it."""
    content = path.read_bytes()
    starred = terms.starred(content)
    if starred != content:
        with path.open("rb+") as file:
            file.write(starred)
    return starred != content


def _hidden_in_database(path: Path, terms: SearchTerms) -> bool:
    """Hide what is found in the cells of a SQLite database, and write it anew if it has, or had, anything to forget."""
    told, pages = 0, [one for one in (path, path.with_name(f"{path.name}-wal")) if one.exists()]
    try:
        with database(path) as connection:
            free = connection.execute("PRAGMA freelist_count").fetchone()[0]
            if not free and not any(look(one, terms, of_others=True)[1] for one in pages):
                return False
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")  # nobody else changes a cell between reading and hiding it
            for cell in list(cells(path, terms)):
                if isinstance(cell.content, str) and cell.row is not None:  # what cannot be hidden is found by the proof
                    change = f"UPDATE {quoted(cell.table)} SET {quoted(cell.column)} = ? WHERE rowid = ?"  # noqa: S608  # quoted
                    told += connection.execute(change, (terms.hidden(cell.content), cell.row)).rowcount
            connection.execute("COMMIT")
            connection.execute("VACUUM")
            _checkpoint(connection, path)
    except sqlite3.OperationalError as error:
        raise InUse(f"Tried to take a person out of {path}; {error}.", hint=f"Stop `assay serve`. {InUse.hint}") from error
    return told > 0


def _checkpoint(connection: sqlite3.Connection, path: Path) -> None:
    """Write the write-ahead log back and empty it. Readers may be in the way for a moment."""
    until = time.monotonic() + PATIENCE_SECONDS
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > until:
            raise sqlite3.OperationalError(f"{path.name} is being read all the time")
        time.sleep(LOOK_SECONDS)
