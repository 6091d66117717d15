"""Content: the bytes of a landing file, unpacked as its name says, and never more of them than its contract allows.

A file is taken whole or not at all: one that is cut, was changed since it was listed, is packed in another way than its name says, or
unpacks to more than `most_bytes` is a FileUnreadable. What the bytes mean is the business of the readers.
"""

from __future__ import annotations

import io
import lzma
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assay.errors import FileUnreadable
from assay.ingest.landing_file import stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from assay.ingest.landing_file import LandingFile

Content = bytes | bytearray
PACKINGS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4", ".xz": "xz"}
MAGIC = {
    "gzip": b"\x1f\x8b", "bz2": b"BZh", "zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18", "xz": b"\xfd7zXZ\0",
    "zip": b"PK\x03\x04", "Parquet": b"PAR1", "Avro": b"Obj\x01",
}  # fmt: skip
TEXT_MAY_BEGIN_WITH = {"bz2", "Parquet"}
BLOCK, STEP = 1 << 20, 1 << 12
XZ_MEMORY = 1 << 28  # xz -9 needs a quarter of it; a file that asks for more is no file of data
XZ_PIECE = 1 << 13  # what is left of a piece is copied at the end of each stream, and there may be very many
BIGGER = "Have it sent in pieces, or raise `maxBytes` of the contract's server."


def unreadable(file: LandingFile, fault: str, hint: str | None = None) -> FileUnreadable:
    """The error that names a file and what is wrong with it."""
    return FileUnreadable(f"Tried to read {file.shown}; {fault}.", hint=hint)


class TooLargeToHold(Exception):
    """A file that should be read in pieces."""


def content_of(file: LandingFile, most: int, held: int | None = None) -> Content:
    """The unpacked bytes of a file, at most `most`. Raises FileUnreadable, and TooLargeToHold once there are more than `held`."""
    if held is not None and file.size > held:
        raise TooLargeToHold
    packed = _bytes_on_disk(file, most)
    packing = PACKINGS.get(file.path.suffix.lower())
    if packing is None:
        return packed
    refuse_misnamed(file, packed, packing)
    content = bytearray()
    try:
        for block in unpack(packed, packing, BLOCK):
            content += block
            if held is not None and len(content) > held:
                raise TooLargeToHold
            if len(content) > most:
                raise unpacks_to_more(file, len(packed), most)
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise unreadable(file, cut(packed, packing, error)) from error
    return content


def refuse_misnamed(file: LandingFile, packed: bytes, packing: str) -> None:
    """Raise FileUnreadable for a file that does not begin as one that is packed so."""
    if not packed.startswith(MAGIC[packing]):
        found = f"its content is {told}" if (told := kind_of(packed)) else "its content is not: incorrect header"
        raise unreadable(file, f"line 1: its name says {packing}, {found}")


def unpacks_to_more(file: LandingFile, packed: int, most: int) -> FileUnreadable:
    """The error for a file that is larger than its contract lets it be once it is unpacked."""
    return unreadable(file, f"it unpacks from {packed:,} to more than {most:,} bytes", hint=BIGGER)


def kind_of(content: Content) -> str | None:
    """What a file is by its first bytes, if these tell: a way of packing, or a format that is no text."""
    return next((kind for kind, magic in MAGIC.items() if content.startswith(magic)), None)


def not_text(content: Content) -> str | None:
    """Why a file that should be text is none; None if its first bytes do not tell."""
    kind = kind_of(content)
    sure = kind is not None and (kind not in TEXT_MAY_BEGIN_WITH or b"\0" in content[:BLOCK])
    ending = next((ending for ending, packing in PACKINGS.items() if packing == kind), None)
    return f"line 1: its content is {kind}, which its name does not say{f' ({ending})' if ending else ''}" if sure else None


def _bytes_on_disk(file: LandingFile, most: int) -> bytes:
    with opened(file, most) as content:
        return content.read(most + 1)


@contextmanager
def opened(file: LandingFile, most: int) -> Iterator[BinaryIO]:
    """A file as it lies there, opened to be read. Raises FileUnreadable if it cannot be, has more than `most` bytes, or was changed: that
    is looked for at the end as well.
    """
    try:
        os.fsencode(file.path.name).decode()
    except UnicodeDecodeError as error:
        raise unreadable(file, "its name is not UTF-8", hint="Have it sent under another name.") from error
    try:
        with file.path.open("rb") as content, os.fdopen(os.dup(content.fileno()), "rb") as again:  # what unpacks closes what it reads
            before = stamp_of(os.fstat(again.fileno()))
            if before.size > most:
                raise unreadable(file, f"it has {before.size:,} bytes, and {most:,} are the most", hint=BIGGER)
            yield content
            after = stamp_of(os.fstat(again.fileno()))
    except OSError as error:
        hint = "Have it sent again, or give this process the right to read it."
        raise unreadable(file, f"{error.strerror or error}", hint=hint) from error
    if len({stamp.written for stamp in (file.stamp or before, before, after)}) > 1:
        raise unreadable(
            file, "it was changed after it had been listed", hint="Write to a name that begins with a dot, then rename. Run it again."
        )


def unpack(packed: bytes | BinaryIO, packing: str, step: int) -> Iterator[bytes]:
    """The unpacked bytes in pieces of about `step`, so that whoever counts them can stop. Raises OSError, LZMAError or EOFError."""
    import pyarrow as pa

    if packing == "xz":
        yield from _unpack_xz(io.BytesIO(packed) if isinstance(packed, bytes) else packed, step)
        return
    stream = pa.input_stream(pa.BufferReader(packed) if isinstance(packed, bytes) else packed, compression=packing)
    while block := stream.read(step):
        yield block


def _unpack_xz(packed: BinaryIO, step: int) -> Iterator[bytes]:
    """Arrow does not know xz. Streams may follow each other, with zeros between them."""
    stream: lzma.LZMADecompressor | None = None  # None between two streams
    while piece := packed.read(XZ_PIECE):
        while stream or (piece := piece.lstrip(b"\0")):
            stream = stream or lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY)
            yield stream.decompress(piece, step)
            if stream.eof:
                piece, stream = stream.unused_data, None
            elif stream.needs_input:
                break
            else:
                piece = b""
    if stream:
        raise EOFError("Truncated compressed stream")


def cut(packed: bytes | BinaryIO, packing: str, error: Exception) -> str:
    """Why a file cannot be unpacked, and the line that could still be read. Small steps: what stands before the fault is counted."""
    lines = 1
    try:
        for block in unpack(packed, packing, STEP):
            lines += block.count(b"\n")
    except (OSError, lzma.LZMAError, EOFError):
        pass  # the error that is being explained
    return f"line {lines}: {error}".rstrip(".")
