"""Pieces: the content of a file too large to be held, some megabytes at a time, or as a file that can be read at any place.

The same checks as `content`, which holds a file whole. One that is found to be cut or changed at its end has been read in part by then:
whoever reads must not publish what came before.
"""

from __future__ import annotations

import codecs
import io
import lzma
import os
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, overload

from assay.ingest.formats.content import BLOCK, PACKINGS, cut, not_text, opened, refuse_misnamed, unpack, unpacks_to_more, unreadable
from assay.ingest.formats.csv_rows import Misread
from assay.ingest.formats.limits import MOST_OF_A_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import BinaryIO

    import pyarrow as pa
    from _typeshed import WriteableBuffer

    from assay.ingest.landing_file import LandingFile

LONGEST_MAGIC, LONGEST_MARK = 8, 8
NEAR = 1 << 12  # bytes that are read ahead of one that is asked for


def pieces_of(file: LandingFile, most: int, size: int = BLOCK) -> Iterator[bytes]:
    """The unpacked bytes of a file in pieces of about `size`, at most `most` altogether. Raises FileUnreadable, also at the end."""
    packing = PACKINGS.get(file.path.suffix.lower())
    with opened(file, most) as content:
        if packing is None:
            while piece := content.read(size):
                yield piece
            return
        refuse_misnamed(file, content.read(LONGEST_MAGIC), packing)
        content.seek(0)
        yield from _unpacked(file, content, packing, most, size)


def _unpacked(file: LandingFile, content: BinaryIO, packing: str, most: int, size: int) -> Iterator[bytes]:
    total, piece = 0, bytearray()
    try:
        for block in unpack(content, packing, BLOCK):
            total += len(block)
            if total > most:
                raise unpacks_to_more(file, file.path.stat().st_size, most)
            piece += block
            if len(piece) >= size:
                yield bytes(piece)
                piece = bytearray()
    except (OSError, lzma.LZMAError, EOFError) as error:
        with file.path.open("rb") as again:
            raise unreadable(file, cut(again, packing, error)) from error
    if piece:
        yield bytes(piece)


def text_pieces(file: LandingFile, most: int, size: int) -> Iterator[bytes]:
    """The same of a file that should be text. Raises FileUnreadable if its first bytes tell that it is none."""
    for number, piece in enumerate(pieces_of(file, most, size)):
        if number == 0 and (fault := not_text(piece)):
            raise unreadable(file, fault)
        yield piece


@contextmanager
def anywhere(file: LandingFile, most: int) -> Iterator[BinaryIO]:
    """A file that can be read at any place. One that is packed is unpacked into a file without a name, which goes with its reader."""
    if PACKINGS.get(file.path.suffix.lower()) is None:
        with opened(file, most) as content:
            yield content
        return
    with tempfile.TemporaryFile() as whole:
        for piece in pieces_of(file, most):
            whole.write(piece)
        whole.seek(0)
        yield whole


def utf8_pieces(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8, without a byte order mark. Raises Misread with the line for what the encoding does not have.

    Of a file that says to be UTF-8 nothing is decoded here.
    """
    is_first, is_utf8 = True, codecs.lookup(encoding).name in {"utf-8", "utf-8-sig"}
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 0
    for piece, is_last in _with_last(_with_beginning(pieces)):
        text = piece if is_utf8 else _decoded(decoder, piece, lines, is_last=is_last).encode()
        lines += piece.count(b"\n")
        yield text.removeprefix(codecs.BOM_UTF8) if is_first else text
        is_first = False


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The text of the pieces, cut behind lines that end with LF; one that is longer than a record may be comes as far as it was read.

    There is one piece at least.
    """
    rest, begun = b"", False
    for piece in pieces:
        rest += piece
        if end := rest.rfind(b"\n") + 1:
            yield rest[:end]
            rest, begun = rest[end:], True
        elif len(rest) > MOST_OF_A_RECORD:
            yield rest
            rest, begun = b"", True
    if rest or not begun:
        yield rest


def _decoded(decoder: codecs.IncrementalDecoder, piece: bytes, lines: int, *, is_last: bool) -> str:
    kept, _ = decoder.getstate()
    try:
        return decoder.decode(piece, is_last)
    except UnicodeDecodeError as error:
        line = lines - bytes(kept).count(b"\n") + error.object[: error.start].count(b"\n") + 1
        raise Misread(line, f"not {error.encoding}: {error.reason}") from error


def _with_beginning(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same, the first of them long enough for a byte order mark in any encoding."""
    first = b""
    for piece in pieces:
        if len(first) >= LONGEST_MARK:
            yield piece
            continue
        first += piece
        if len(first) >= LONGEST_MARK:
            yield first
    if len(first) < LONGEST_MARK:
        yield first


def _with_last(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each piece, and whether it is the last; an empty one if there is none."""
    before = b""
    for piece in pieces:
        if before:
            yield before, False
        before = piece
    yield before, True


def gathered(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in fewer tables, of about `size` bytes each."""
    import pyarrow as pa

    pending, held = list[pa.Table](), 0
    for table in tables:
        pending.append(table)
        held += table.nbytes
        if held >= size:
            yield pa.concat_tables(pending)
            pending, held = [], 0
    if pending:
        yield pa.concat_tables(pending)


class Stored:
    """The bytes of a file that lies there, by their places, as if they were held: a parser that looks at few of them reads few."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, os.SEEK_END)
        self._at, self._block = 0, b""

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> bytes: ...
    def __getitem__(self, place: int | slice) -> int | bytes:
        if isinstance(place, slice):
            start, stop, _ = place.indices(self.size)
            return self._read(start, max(stop - start, 0))
        if not self._at <= place < self._at + len(self._block):
            self._at, self._block = place, self._read(place, NEAR)
        return self._block[place - self._at]

    def _read(self, start: int, size: int) -> bytes:
        return os.pread(self.file.fileno(), size, start)

    def again(self) -> BinaryIO:
        """The same file, to be read by somebody with a place of his own."""
        return io.BufferedReader(_Placed(self), BLOCK)


class _Placed(io.RawIOBase):
    """What is stored, read from a place on."""

    def __init__(self, stored: Stored) -> None:
        self._stored, self._at = stored, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._stored)}[whence]
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        found = self._stored[self._at : self._at + len(view)]
        view[: len(found)] = found
        self._at += len(found)
        return len(found)
