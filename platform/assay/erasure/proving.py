"""The proof: every file of every place is read, named by a table or not, and nothing in it tells of the person any more.

Looked for are the value and all that stands for it. A value of a few letters is looked for as a whole cell only, because it is a part of
other words. What is told of a find is its place.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.erasure.file_scan import look
from assay.erasure.person_search import data_files, holds_places, search
from assay.erasure.places import Kind
from assay.erasure.removing import BY_PLACE
from assay.errors import PermanentFailure, few_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.erasure.person_search import Traces
    from assay.erasure.places import Place
    from assay.erasure.removing import Person
    from assay.erasure.search_terms import SearchTerms

SHOWN = 5
LOOKS, PAUSE_SECONDS = 3, 1.0
UNREADABLE = (ValueError, OSError, sqlite3.Error)  # Arrow's own are the first two
LOCKS_ONLY = "-shm"  # SQLite's: locks and an index of the write-ahead log, no content


class NotErased(PermanentFailure):
    """Something of the person is left, so there is no receipt."""

    hint = "Mend what is named and run the same command again: it goes on where it stopped."


@dataclass(frozen=True, slots=True)
class Scan:
    """How much was read, and where something was found: file, and column where there is one."""

    files: int
    bytes: int
    found: tuple[str, ...]


def scan(where: Iterable[Place], terms: SearchTerms) -> Scan:
    """Read every file of some places. A file that goes while it is looked for was removed by another process, and holds nothing."""
    files, size, found = 0, 0, list[str]()
    for place in where:
        for path in place.files():
            if path.name.endswith(LOCKS_ONLY):
                continue
            try:
                read, hits = _look(path, terms, of_others=place.kind is not Kind.TABLES)
            except FileNotFoundError:
                continue
            files, size = files + 1, size + read
            found += [f"{place.said(path)}{hit}" for hit in hits]
    return Scan(files, size, tuple(dict.fromkeys(found)))


def _look(path: Path, terms: SearchTerms, *, of_others: bool) -> tuple[int, list[str]]:
    """Read a file, once more after a moment if it cannot be read: somebody may be writing it."""
    looks = LOOKS
    while True:
        looks -= 1
        try:
            return look(path, terms, of_others=of_others)
        except FileNotFoundError:
            raise
        except UNREADABLE as error:
            if not looks:
                return 0, [f" (it cannot be read: {type(error).__name__})"]
        time.sleep(PAUSE_SECONDS)


def prove(
    lake: Path, contracts: Iterable[Contract], person: Person, traces: Mapping[str, Traces], *, where: Sequence[Place], terms: SearchTerms
) -> Scan:
    """Search the rows of bronze, the places of rows elsewhere, and every file. Raises NotErased with the places of what is left."""
    left = [f"bronze/{one.dataset}" for one in contracts if search(lake, one, person.kind, person.value).places]
    for name, found in traces.items():
        for layer in BY_PLACE:
            left += [f"{layer}/{name}" for path in data_files(lake / layer / name) if holds_places(path, found.of(layer))][:1]
    scanned = scan(where, terms)
    if left := [*left, *scanned.found]:
        raise NotErased(f"The {person.kind} can still be told from {few_of(left, SHOWN, '; ')}.")
    return scanned
