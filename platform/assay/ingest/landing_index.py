"""The landing index: what was found out of the files of each arrival, kept from one process to the next in a database of SQLite.

A cache and nothing else. Whatever is wrong with it (it is missing, cut, damaged, of another version, locked, on a disk that is full or
cannot be written to) is as if it were empty. It holds no name of a file and no value: a name may tell of a person, so its digest stands
for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import struct
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

VERSION = 1  # of what is kept; a database of another one is made anew
PATIENCE_SECONDS = 5
MODE = 0o660  # the umask takes what the home is not for
WIDTH, CHECK = 16, 8  # bytes of a digest, and of the one that tells whether a row is whole
HEAD, FILE = struct.Struct("<16sI"), struct.Struct("<16sQqqq16s")  # of a file: the digest of its name, its stamp, the hash of its content
TABLE = (
    "CREATE TABLE IF NOT EXISTS arrivals"
    " (landing BLOB, dataset TEXT, arrival TEXT, body BLOB, PRIMARY KEY (landing, dataset, arrival)) WITHOUT ROWID"
)
KEY = "landing = ? AND dataset = ?"
READ = f"SELECT arrival, body FROM arrivals WHERE {KEY}"  # noqa: S608  # of constants
REMOVE = f"DELETE FROM arrivals WHERE {KEY} AND arrival = ?"  # noqa: S608  # of constants


class Row(NamedTuple):
    """What is known of an arrival whose files are as `listing`, a digest of their names and stamps, says; empty if they never were at rest.

    `newest_ns` is the newest of their times. `contents` tells names and contents of all that bronze was made from, and which optional
    columns are `lacking`; empty while bronze was not. `files` has the hash of each file that is at rest.
    """

    listing: bytes = b""
    newest_ns: int = 0
    contents: str = ""
    lacking: tuple[str, ...] = ()
    files: bytes = b""

    def by_name(self) -> dict[bytes, tuple[tuple[int, ...], str]]:
        """Stamp and hash of each file, by the digest of its name."""
        return {name: (tuple(stamp), content.hex()) for name, *stamp, content in FILE.iter_unpack(self.files)}

    def dump(self, *place: object) -> bytes:
        """As it is kept at its place."""
        said = json.dumps([self.newest_ns, self.contents, self.lacking]).encode()
        body = HEAD.pack(self.listing, len(said)) + said + self.files
        return _check(body, place) + body

    @classmethod
    def load(cls, kept: bytes, *place: object) -> Row | None:
        """Read what is kept at a place; None if it is not as it was written."""
        body = kept[CHECK:]
        if kept[:CHECK] != _check(body, place):
            return None
        listing, length = HEAD.unpack_from(body)
        newest_ns, contents, lacking = json.loads(body[HEAD.size : HEAD.size + length])
        return cls(listing.rstrip(b"\0") and listing, newest_ns, contents, tuple(lacking), body[HEAD.size + length :])


def _check(body: bytes, place: object) -> bytes:
    return hashlib.blake2b(body, digest_size=CHECK, key=hashlib.blake2b(repr(place).encode()).digest()).digest()


def digest_of(name: str) -> bytes:
    """What stands for a name."""
    return hashlib.blake2b(name.encode(), digest_size=WIDTH).digest()


def load(index: Path, landing: Path, dataset: str) -> dict[str, Row]:
    """What is known of the arrivals of a dataset in a landing folder."""
    place = _place(landing)
    try:
        with closing(_connect(index)) as database:
            found = database.execute(READ, (place, dataset)).fetchall() if _version(database) == VERSION else []
    except sqlite3.Error as error:
        _remove_if_damaged(index, error)
        return {}
    rows = ((arrival, Row.load(body, place, dataset, arrival)) for arrival, body in found)
    return {arrival: row for arrival, row in rows if row is not None}


def save(index: Path, landing: Path, dataset: str, rows: Mapping[str, Row], gone: Iterable[str] = ()) -> None:
    """Keep what is known now of some arrivals, and forget those that are gone. Another process that writes goes first."""
    place = _place(landing)
    kept = [(place, dataset, arrival, row.dump(place, dataset, arrival)) for arrival, row in rows.items()]
    for _ in range(2):  # once more if it was damaged, and is gone by that
        try:
            _write(index, kept, [(place, dataset, arrival) for arrival in gone])
        except sqlite3.Error as error:
            if _remove_if_damaged(index, error):
                continue
        except OSError:
            pass
        return


def _write(index: Path, kept: list[tuple[bytes, str, str, bytes]], gone: list[tuple[bytes, str, str]]) -> None:
    index.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(index, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, MODE))
    with closing(_connect(index)) as database, database:
        database.execute("BEGIN IMMEDIATE")
        if (version := _version(database)) != VERSION:
            if version:
                database.execute("DROP TABLE IF EXISTS arrivals")
            database.execute(TABLE)
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.executemany("INSERT OR REPLACE INTO arrivals VALUES (?, ?, ?, ?)", kept)
        database.executemany(REMOVE, gone)


def _connect(index: Path) -> sqlite3.Connection:
    """Not made if it is not there. What a killed writer left is rolled back; a cut of the power may damage it, and that is found."""
    database = sqlite3.connect(f"{index.absolute().as_uri()}?mode=rw", PATIENCE_SECONDS, isolation_level=None, uri=True)
    database.execute("PRAGMA synchronous = OFF")
    return database


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _place(landing: Path) -> bytes:
    return digest_of(os.fsencode(landing).hex())


def _remove_if_damaged(index: Path, error: sqlite3.Error) -> bool:
    """Remove a database that is none; whatever else is wrong with it may pass."""
    if type(error) is not sqlite3.DatabaseError:
        return False
    with suppress(OSError):
        for path in _files(index):
            path.unlink(missing_ok=True)
    return not index.exists()


def _files(index: Path) -> Iterator[Path]:
    """The journal first: without its database it is nothing, but a new one would be rolled back by it."""
    yield index.with_name(f"{index.name}-journal")
    yield index
