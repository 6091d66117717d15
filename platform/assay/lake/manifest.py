"""Manifests: what a data file of bronze says of itself, in its footer: the landing files that it is made from, and its rows by event day.

A landing file is counted where it landed, whatever becomes of its rows later. The digest of a day tells exactly its rows, wherever the
bounds of files lie: so what a new, larger or corrected file changes is known by the day. A data file never changes, nor does its manifest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH
from assay.lake.damage import is_passing, unreadable
from assay.lake.schemas import lake_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

KEY = "assay.manifest"
INDEX = "_index"
WIDTH, NO_LENGTH = 8, -1  # bytes of a number; the length that stands for null
MANIFESTS = 50_000  # of so many files the manifest is remembered, about a kilobyte each


@dataclass(frozen=True, slots=True)
class Landed:
    """A landing file in bronze: its name below the landing folder, the hash of its content, the rows that it had when it was read.

    `erased` of these name people who were erased, and are not in bronze. `columns` are the optional landing columns that it had, None if
    nobody knows. `aliases` are the other names in its arrival under which the same content landed, each as good as the first.
    """

    name: str
    hash: str
    rows: int
    erased: int = 0
    columns: tuple[str, ...] | None = None
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names of the content; the rows are there once, under the first."""
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """The rows of one event day in a data file: how many, a digest of all that decides what becomes of them, the columns with a value."""

    rows: int
    digest: str
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The landing files of a data file, in their order, and its rows by event day; those of None lie in no event partition."""

    sources: tuple[Landed, ...] = ()
    days: Mapping[date | None, Day] = field(default_factory=dict)

    @property
    def landed(self) -> int:
        """Count the rows that landed."""
        return sum(source.rows for source in self.sources)

    @property
    def erased(self) -> int:
        """Count those that name people who were erased."""
        return sum(source.erased for source in self.sources)

    @property
    def closes(self) -> bool:
        """Whether every row that landed is in the data file, or was erased."""
        return self.landed == self.erased + sum(day.rows for day in self.days.values())

    def dump(self) -> str:
        """As it is kept in a footer."""
        days = {day.isoformat() if day else "": [one.rows, one.digest, one.filled] for day, one in self.days.items()}
        sources = [[one.name, one.hash, one.rows, one.erased, one.columns] for one in self.sources]
        aliases = {one.hash: one.aliases for one in self.sources if one.aliases}  # apart: who does not know them reads the rest
        return json.dumps({"sources": sources, "days": days} | ({"aliases": aliases} if aliases else {}))

    @classmethod
    def load(cls, text: bytes) -> Manifest:
        """Read what a footer keeps."""
        said = json.loads(text)
        aliases = said.get("aliases", {})
        sources = tuple(
            Landed(name, hash_, rows, erased, None if columns is None else tuple(columns), tuple(aliases.get(hash_, ())))
            for name, hash_, rows, erased, columns in said["sources"]
        )
        days = ((date.fromisoformat(day) if day else None, values) for day, values in said["days"].items())
        return cls(sources, {day: Day(rows, digest, tuple(filled)) for day, (rows, digest, filled) in days})


@lru_cache(MANIFESTS)
def manifest_of(path: str) -> Manifest:
    """What a data file of bronze says of itself. One that says nothing, because another tool wrote it, is read and counted.

    Raises TableDamaged for one that cannot be read.
    """
    import pyarrow as pa

    try:
        return _manifest_of(path)
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
        if is_passing(error):
            raise
        raise unreadable(path, error) from error


def _manifest_of(path: str) -> Manifest:
    import pyarrow.parquet as pq

    footer = pq.read_metadata(path)
    if kept := (footer.metadata or {}).get(KEY.encode()):
        return Manifest.load(kept)
    import polars as pl

    rows = pq.ParquetFile(path).read()
    rows = rows.cast(lake_schema(rows.schema))  # other tools spell a text in other ways
    frame = pl.DataFrame(rows.select([SOURCE_FILE, SOURCE_HASH]))
    found = frame.group_by(SOURCE_FILE, SOURCE_HASH, maintain_order=True).len()
    return Manifest(tuple(Landed(name, hash_, count) for name, hash_, count in found.iter_rows()), days_of(rows).get("", {}))


def days_of(rows: pa.Table) -> dict[str, dict[date | None, Day]]:
    """The rows of bronze by arrival (its day in ISO form; "" where the rows have none) and event day, each in the order of the rows.

    The content's hash is no part of a digest: of a file that is sent again with one row more, the other days are as they were.
    """
    import polars as pl

    groups = [name for name in (ARRIVAL, EVENT_DATE) if name in rows.column_names]
    body = rows.select(sorted({*rows.column_names} - {ARRIVAL, EVENT_DATE, SOURCE_HASH}))
    if groups:
        keys = pl.DataFrame(rows.select(groups)).with_row_index(INDEX).sort(groups, maintain_order=True, nulls_last=False)
        counts = keys.group_by(groups, maintain_order=True).len().iter_rows(named=True)
        body = body if keys[INDEX].is_sorted() else body.take(keys[INDEX].to_arrow())
    else:
        counts = iter([{"len": rows.num_rows}] if rows.num_rows else [])
    columns = [Column(name, body.column(name)) for name in body.column_names]
    found: dict[str, dict[date | None, Day]] = {}
    start = 0
    for group in counts:
        end, digest, arrival = start + group["len"], hashlib.blake2b(digest_size=16), group.get(ARRIVAL)
        told = tuple(column.name for column in columns if column.tell(digest, start, end))
        found.setdefault(arrival.isoformat() if arrival else "", {})[group.get(EVENT_DATE)] = Day(end - start, digest.hexdigest(), told)
        start = end
    return found


class Column:
    """A column as bytes, of which a digest can be told some rows without copying them."""

    def __init__(self, name: str, values: pa.ChunkedArray) -> None:
        import polars as pl
        import pyarrow as pa
        import pyarrow.compute as pc

        self.name, self.offsets = name, None
        if not pa.types.is_integer(values.type):
            texts = values.cast(pa.large_string()).combine_chunks()
            _, offsets, data = texts.buffers()
            self.offsets, self.data = memoryview(offsets or b"").cast("q")[texts.offset :], memoryview(data or b"")
            numbers = pl.Series(pc.binary_length(texts)).fill_null(NO_LENGTH).to_arrow()  # Arrow's own `fill_null` imports pandas
        else:
            numbers = values.combine_chunks()
        self.numbers = memoryview(numbers.buffers()[1] or b"")[numbers.offset * WIDTH :]

    def tell(self, digest: Any, start: int, end: int) -> bool:  # noqa: ANN401  # hashlib's own type has no public name
        """Tell the rows [start, end). A column without a value there says nothing, so that one which a contract learns changes nothing."""
        numbers = self.numbers_of(start, end)
        if self.is_empty(numbers):
            return False
        digest.update(heading(self.name, end - start))
        digest.update(numbers)
        digest.update(self.texts_of(start, end))
        return True

    def numbers_of(self, start: int, end: int) -> memoryview:
        """The rows [start, end) as numbers: integers themselves, of texts the lengths."""
        return self.numbers[start * WIDTH : end * WIDTH]

    def is_empty(self, numbers: memoryview) -> bool:
        """Whether rows have no value."""
        return self.offsets is not None and numbers == b"\xff" * len(numbers)

    def texts_of(self, start: int, end: int) -> memoryview:
        """The texts of the rows [start, end), one behind the other; nothing of integers."""
        return memoryview(b"") if self.offsets is None else self.data[self.offsets[start] : self.offsets[end]]


def heading(name: str, rows: int) -> bytes:
    """What stands in a digest before the values of a column."""
    return f"{name}\0{rows}\0".encode()
