"""Reading: the files of many arrivals, some at a time in threads, and no more of them at once than memory holds.

A small file may unpack to much, many files may land, and one may be as large as a disk: how much is held is counted in what was read, not
in what lies there. So a large file is read in parts, and so is an arrival of many files.
What one file is, is the business of the readers; what becomes of its rows that of `bronze`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import FileUnreadable
from assay.ingest.absent_columns import absent_from, may_lack
from assay.ingest.bronze_contents import HeldFile
from assay.ingest.formats.content import PACKINGS, TooLargeToHold
from assay.ingest.formats.readers import read_text, stream_text
from assay.lake.manifest import Landed
from assay.steps import BATCH_BYTES

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from concurrent.futures import Future

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.landing_file import LandingFile
    from assay.ingest.merging import Contents

READERS, AHEAD = 4, 8
AT_ONCE = 24 << 20  # bytes of text: some 125,000 rows of twenty columns
HELD = 8 << 20  # bytes of a file that is read whole, so that several are at once
PACKED = 8  # so many times as large files usually are once they are unpacked
FILES_OF_AN_ARRIVAL = 4  # so many times what one file may have


@dataclass(frozen=True, slots=True)
class Batch:
    """The files of one arrival, those that bronze holds among them, each content once, with their hashes."""

    arrival: str
    files: Contents

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Name and hash of each content: what the rows of a bronze partition are made from."""
        return [(file.name, digest) for file, digest, _ in self.files]

    @property
    def names(self) -> list[tuple[str, ...]]:
        """The same, each with the other names of the content: all that bronze remembers of the files."""
        return [(file.name, digest, *aliases) for file, digest, aliases in self.files]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: the arrival that it belongs to, what landed, and how many rows are here of it.

    `numbers` are those of its rows in the file, if they do not go on one by one from `first`.
    """

    arrival: str
    landed: Landed
    rows: int
    numbers: pa.ChunkedArray | None = None
    first: int = 1


@dataclass(frozen=True, slots=True)
class FileRows:
    """The rows of one file, or the next of them, as landing columns; the rest is as in `Source`."""

    table: pa.Table
    landed: Landed
    numbers: pa.ChunkedArray | None = None
    first: int = 1

    def with_more(self, other: FileRows) -> FileRows:
        """These rows and the next of the same file."""
        table = pa.concat_tables([self.table, other.table])
        return replace(self, table=table, landed=replace(self.landed, rows=self.landed.rows + other.landed.rows))


@dataclass(slots=True)
class Piece:
    """Some arrivals that were read together: the rows of their files in order, or why an arrival could not be read.

    Or a part of one arrival that is too large to be held: it is `begun` by a piece before this one, and `goes_on` in the next. `sizes` are
    the bytes that are held of each arrival, `before` those that pieces before this one held.
    """

    batches: list[Batch] = field(default_factory=list)
    read: dict[str, list[FileRows]] = field(default_factory=dict)
    failed: dict[str, FileUnreadable] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    before: int = 0
    begun: bool = False
    goes_on: bool = False

    @property
    def parts(self) -> list[pa.Table]:
        """The tables of all files of the readable arrivals, in order."""
        return [one.table for files in self.read.values() for one in files]

    @property
    def sources(self) -> list[Source]:
        """Where the rows of `parts` are from."""
        return [
            Source(arrival, one.landed, one.table.num_rows, one.numbers, one.first) for arrival, files in self.read.items() for one in files
        ]

    @property
    def size(self) -> int:
        """The bytes that are held."""
        return sum(self.sizes.values())

    def add(self, batch: Batch, found: FileRows | FileUnreadable, source: LandingSource) -> None:
        """Take the next rows of an arrival. With a file that is unreadable it has no rows: it must not replace what was there."""
        if batch.arrival in self.failed:
            return
        files = self.read.setdefault(batch.arrival, [])
        if not isinstance(found, FileUnreadable):
            files[-1:] = [files[-1].with_more(found)] if files and files[-1].landed.name == found.landed.name else [*files[-1:], found]
            self.sizes[batch.arrival] = self.sizes.get(batch.arrival, 0) + found.table.nbytes
            if self.before + self.sizes[batch.arrival] > (most := FILES_OF_AN_ARRIVAL * source.most_bytes):
                said = f"Tried to read the {len(batch.files)} files of one arrival; they have more than {most:,} bytes."
                found = FileUnreadable(said, hint="Have them land as several arrivals, or raise `maxBytes` of the contract's server.")
        if isinstance(found, FileUnreadable):
            self.failed[batch.arrival] = found
            del self.read[batch.arrival]
            self.sizes.pop(batch.arrival, None)

    def without_last(self) -> tuple[Piece, Piece]:
        """The arrivals before the last, and the last, which is not whole yet."""
        *before, last = self.batches
        first = Piece(before, {one: rows for one, rows in self.read.items() if one != last.arrival}, self.failed)
        return first, Piece([last], {last.arrival: self.read[last.arrival]}, sizes={last.arrival: self.sizes[last.arrival]})

    def rest(self) -> Piece:
        """What comes behind a part of an arrival: nothing yet."""
        return Piece(self.batches, {self.batches[-1].arrival: []}, before=self.before + self.size, begun=True)


def read_pieces(batches: Sequence[Batch], source: LandingSource, most: int = BATCH_BYTES) -> Iterator[Piece]:
    """Read arrivals in their order, in pieces of whole arrivals that are cut once they hold about AT_ONCE bytes.

    An arrival of more than about `most` bytes comes in several pieces of its own.
    """
    piece = Piece()
    with closing(_read_ahead(batches, source, most)) as found:
        for batch, rows in found:
            if not piece.batches or batch is not piece.batches[-1]:
                if piece.size > AT_ONCE or piece.begun:
                    yield piece
                    piece = Piece()
                piece.batches.append(batch)
            piece.add(batch, rows, source)
            if piece.sizes.get(batch.arrival, 0) > most:
                if len(piece.batches) > 1:
                    before, piece = piece.without_last()
                    yield before
                piece.goes_on = True
                yield piece
                piece = piece.rest()
    if piece.batches:
        yield piece


def _read(file: LandingFile | HeldFile, digest: str, source: LandingSource, most: int) -> FileRows | FileUnreadable | None:
    """The rows of a file that can be held; None if it is too large for that."""
    try:
        if isinstance(file, HeldFile):
            table, numbers = file.read(source)
            return FileRows(table, file.landed, numbers)
        table = read_text(file, source, most)
    except TooLargeToHold:
        return None
    except FileUnreadable as error:
        return error
    return FileRows(table, _landed(file, digest, source, table.num_rows))


def _landed(file: LandingFile, digest: str, source: LandingSource, rows: int) -> Landed:
    lacking = absent_from(file, digest, source)
    return Landed(file.name, digest, rows, columns=tuple(name for name in may_lack(source) if name not in lacking))


def _in_parts(file: LandingFile, digest: str, source: LandingSource, most: int) -> Iterator[FileRows | FileUnreadable]:
    """The rows of a file that cannot be held. Of one that turns out to be unreadable, the error comes behind some of its rows."""
    first = 1
    try:
        for table in stream_text(file, source, most):
            yield FileRows(table, _landed(file, digest, source, table.num_rows), first=first)
            first += table.num_rows
    except FileUnreadable as error:
        yield error


def _read_ahead(
    batches: Sequence[Batch], source: LandingSource, most: int
) -> Generator[tuple[Batch, FileRows | FileUnreadable], None, None]:
    """Every file of the batches in order, a large one in parts; some of the next small ones are being read meanwhile."""
    waiting = deque[tuple[Batch, "LandingFile | HeldFile", str, "Future[FileRows | FileUnreadable | None]"]]()

    def next_one() -> Iterator[tuple[Batch, FileRows | FileUnreadable]]:
        batch, file, digest, reading = waiting.popleft()
        if (found := reading.result()) is not None:
            yield batch, found
        elif not isinstance(file, HeldFile):
            yield from ((batch, part) for part in _in_parts(file, digest, source, most))

    held = min(most, HELD)
    with ThreadPoolExecutor(READERS) as pool:
        try:
            for batch, (file, digest, _) in ((one, content) for one in batches for content in one.files):
                waiting.append((batch, file, digest, pool.submit(_read, file, digest, source, held)))
                while len(waiting) > AHEAD or sum(_weight(one[1]) for one in waiting) > AT_ONCE:
                    yield from next_one()
            while waiting:
                yield from next_one()
        finally:
            pool.shutdown(cancel_futures=True)


def _weight(file: LandingFile | HeldFile) -> int:
    """The bytes that a file may hold while it waits: one that is packed may be anything, and a large one is not read."""
    if isinstance(file, HeldFile):
        return 0
    return 0 if file.size > HELD else file.size * (PACKED if file.path.suffix.lower() in PACKINGS else 1)
