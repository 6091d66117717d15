"""Reading: the files of many arrivals, some at a time in threads, and no more of them at once than memory holds.

A small file may unpack to much, and many files may land: how much is held is counted in what was read, not in what lies on disk.
What one file is, is the business of the readers; what becomes of its rows that of `bronze`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.errors import FileUnreadable
from assay.ingest.absent import absent_from, may_lack
from assay.ingest.held import HeldFile
from assay.ingest.readers import read_text
from assay.lake.manifest import Landed

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from concurrent.futures import Future

    import pyarrow as pa

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.held import Contents
    from assay.ingest.landing import LandingFile

READERS, AHEAD = 4, 8
AT_ONCE = 24 << 20  # bytes of text: some 125,000 rows of twenty columns
FILES_OF_AN_ARRIVAL = 4  # so many times what one file may have: an arrival is published as a whole, so it is held as a whole


@dataclass(frozen=True, slots=True)
class Batch:
    """The files of one arrival, those that bronze holds among them, each content once, with their hashes."""

    arrival: str
    files: Contents

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Name and hash of each file: what a bronze partition is made from."""
        return [(file.name, digest) for file, digest in self.files]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: the arrival that it belongs to, what landed, and how many rows are here of it.

    `numbers` are those of its rows in the file, if they are not 1, 2, 3 and so on.
    """

    arrival: str
    landed: Landed
    rows: int
    numbers: pa.ChunkedArray | None = None


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of one file, as landing columns; the rest is as in `Source`."""

    table: pa.Table
    landed: Landed
    numbers: pa.ChunkedArray | None = None


@dataclass(slots=True)
class Piece:
    """Some arrivals that were read together: the rows of their files in order, or why an arrival could not be read.

    `sizes` are the bytes that are held of each arrival.
    """

    batches: list[Batch] = field(default_factory=list)
    read: dict[str, list[FileRows]] = field(default_factory=dict)
    failed: dict[str, FileUnreadable] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> list[pa.Table]:
        """The tables of all files of the readable arrivals, in order."""
        return [one.table for files in self.read.values() for one in files]

    @property
    def sources(self) -> list[Source]:
        """Where the rows of `parts` are from."""
        return [Source(arrival, one.landed, one.table.num_rows, one.numbers) for arrival, files in self.read.items() for one in files]

    @property
    def size(self) -> int:
        """The bytes that are held."""
        return sum(self.sizes.values())

    def add(self, batch: Batch, found: FileRows | FileUnreadable, source: LandingSource) -> None:
        """Take the next file of an arrival. With one that is unreadable the arrival has no rows: it must not replace what was there."""
        if batch.arrival in self.failed:
            return
        files = self.read.setdefault(batch.arrival, [])
        if not isinstance(found, FileUnreadable):
            files.append(found)
            self.sizes[batch.arrival] = self.sizes.get(batch.arrival, 0) + found.table.nbytes
            if self.sizes[batch.arrival] > (most := FILES_OF_AN_ARRIVAL * source.most_bytes):
                said = f"Tried to read the {len(batch.files)} files of one arrival; they have more than {most:,} bytes."
                found = FileUnreadable(said, hint="Have them land as several arrivals, or raise `maxBytes` of the contract's server.")
        if isinstance(found, FileUnreadable):
            self.failed[batch.arrival] = found
            del self.read[batch.arrival]
            self.sizes.pop(batch.arrival, None)


def read_pieces(batches: Sequence[Batch], source: LandingSource) -> Iterator[Piece]:
    """Read arrivals in their order, in pieces of whole arrivals that are cut once they hold about AT_ONCE bytes."""
    piece = Piece()
    with closing(_read_ahead(batches, source)) as found:
        for batch, table in found:
            if not piece.batches or batch is not piece.batches[-1]:
                if piece.size > AT_ONCE:
                    yield piece
                    piece = Piece()
                piece.batches.append(batch)
            piece.add(batch, table, source)
    if piece.batches:
        yield piece


def _read(file: LandingFile | HeldFile, digest: str, source: LandingSource) -> FileRows | FileUnreadable:
    try:
        if isinstance(file, HeldFile):
            table, numbers = file.read(source)
            return FileRows(table, file.landed, numbers)
        table = read_text(file, source)
    except FileUnreadable as error:
        return error
    lacking = absent_from(file, digest, source)
    columns = tuple(name for name in may_lack(source) if name not in lacking)
    return FileRows(table, Landed(file.name, digest, table.num_rows, columns=columns))


def _read_ahead(batches: Sequence[Batch], source: LandingSource) -> Generator[tuple[Batch, FileRows | FileUnreadable], None, None]:
    """Every file of the batches in order; some of the next are being read meanwhile."""
    waiting = deque[tuple[Batch, "Future[FileRows | FileUnreadable]"]]()
    with ThreadPoolExecutor(READERS) as pool:
        try:
            for batch, content in ((one, content) for one in batches for content in one.files):
                waiting.append((batch, pool.submit(_read, *content, source)))
                if len(waiting) > AHEAD:
                    yield waiting[0][0], waiting.popleft()[1].result()
            while waiting:
                yield waiting[0][0], waiting.popleft()[1].result()
        finally:
            pool.shutdown(cancel_futures=True)
