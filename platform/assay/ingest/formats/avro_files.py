"""Avro files as text: every value in its one spelling (`text_values`), in the order of the file.

The container is read here, block by block: what a block says of itself is checked before it is unpacked, and unpacking stops at the bound.
fastavro decodes the records by the file's own schema, rewritten (`avro_schema`).
"""

from __future__ import annotations

import io
import json
import lzma
import zlib
from dataclasses import dataclass, field
from struct import error as StructError  # noqa: N812  # struct's only error has a name of its own kind
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.ingest.formats.avro_schema import LOGICAL_READERS, SchemaRefused, Single, column_names, spelling_schema
from assay.ingest.formats.content import BIGGER, unpack, unreadable
from assay.ingest.formats.file_faults import columns_fault, one_line, words_of
from assay.ingest.formats.json_text import spelled
from assay.ingest.formats.legacy_calendar import HINT, Legacy, OldCalendar
from assay.ingest.formats.streamed_content import anywhere, gathered
from assay.ingest.formats.text_values import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.formats.content import Content
    from assay.ingest.landing_file import LandingFile

MAGIC, SYNC = b"Obj\x01", 16
HEADER = {"type": "map", "values": "bytes"}
STEP, AT_ONCE, VALUES_AT_ONCE = 1 << 20, 10_000, 500_000
LARGEST_BLOCK = 1 << 26  # a byte may become an object of Python; writers make blocks of some kilobytes to a few megabytes
CODECS = {"bzip2": "bz2", "xz": "xz", "zstandard": "zstd"}
SHORTEST = 5  # bytes of the shortest value in an Arrow array of text
# what fastavro and the codecs raise on bytes that are not what they say
BROKEN = (EOFError, ValueError, IndexError, KeyError, TypeError, OverflowError, RecursionError, MemoryError, OSError, StructError,
          zlib.error, lzma.LZMAError)  # fmt: skip


class Broken(Exception):
    """A fault of the container or of one of its blocks, and what to do about it if that is not what always is. Its cause says the rest."""

    hint: str | None = None


class TooLarge(Broken):
    """A file that unpacks to more than its contract allows."""

    hint = BIGGER


class BlockTooLarge(Broken):
    """A block that is too large to be decoded at once."""

    hint = "Have the file written in smaller blocks."


def read_avro(file: LandingFile, source: LandingSource, content: Content) -> pa.Table:
    """Read an Avro file into its contract's landing columns, all text. Raises FileUnreadable, naming the block where there is one."""
    return pa.concat_tables(_tables(file, source, io.BytesIO(content)))


def stream_avro(file: LandingFile, source: LandingSource, size: int) -> Iterator[pa.Table]:
    """The same, some records at a time, from the file where it lies. Raises FileUnreadable late."""
    with anywhere(file, source.most_bytes) as opened:
        yield from gathered(_tables(file, source, opened), size)


def _tables(file: LandingFile, source: LandingSource, stream: BinaryIO) -> Iterator[pa.Table]:
    """The records, some at a time, after a table without any."""
    if stream.read(len(MAGIC)) != MAGIC:
        raise unreadable(file, "it is no Avro file: it does not begin with Obj")
    try:
        container = Container.open(stream, source.most_bytes)
        if fault := columns_fault(column_names(container.schema), source):
            raise unreadable(file, f"its schema {fault}")
        yield _table([], source, 0)
        size, at_once = 0, max(1, min(AT_ONCE, VALUES_AT_ONCE // len(source.columns)))
        for records in container.records(at_once):
            table = _table(records, source, size)
            size += table.nbytes
            yield table
    except SchemaRefused as error:
        raise unreadable(file, one_line(error)) from error
    except OldCalendar as error:
        raise unreadable(file, one_line(error), HINT) from error
    except Broken as error:
        words = f": {words_of(error.__cause__, source)}" if error.__cause__ else ""
        raise unreadable(file, one_line(error) + words, error.hint) from error


@dataclass(slots=True)
class Container:
    """An Avro object container, opened: its schema, and how far it has been read."""

    stream: BinaryIO
    size: int
    schema: Any
    codec: str
    sync: bytes
    left: int
    is_legacy: bool
    block: int = field(default=0)

    @classmethod
    def open(cls, stream: BinaryIO, most: int) -> Container:
        """Read the header. Raises Broken or SchemaRefused."""
        size = stream.seek(0, io.SEEK_END)
        stream.seek(len(MAGIC))
        try:
            header = _decode()(stream, HEADER)
            schema = json.loads(header["avro.schema"])
            meta = {key.encode(): value for key, value in header.items()}
            codec = header.get("avro.codec", b"null").decode("ascii")
        except BROKEN as error:
            raise Broken("its header cannot be read") from error
        if len(sync := stream.read(SYNC)) < SYNC:  # no block follows, so nothing else would notice
            raise Broken("it was cut in the marker behind its header")
        return cls(stream, size, schema, codec, sync, most, Legacy.of(meta).dates)

    def records(self, at_once: int) -> Iterator[list[dict[str, Any]]]:
        """The records in their order, so many at a time. Raises Broken or SchemaRefused."""
        from fastavro import parse_schema
        from fastavro.schema import SchemaParseException

        decode = _decode()
        try:
            schema = parse_schema(spelling_schema(self.schema, is_legacy=self.is_legacy))
            while self.stream.tell() < self.size:
                self.block += 1
                count, data = self._next()
                stream = io.BytesIO(data)
                for start in range(0, count, at_once):
                    yield [decode(stream, schema) for _ in range(min(at_once, count - start))]
                if rest := len(data) - stream.tell():
                    raise Broken(f"block {self.block}: {rest:,} bytes are left after its {count:,} records")
        except (*BROKEN, SchemaParseException) as error:
            place = f"block {self.block}" if self.block else "its schema"
            raise Broken(f"{place}: it cannot be read") from error

    def _next(self) -> tuple[int, bytes]:
        count, size = _decode()(self.stream, "long"), _decode()(self.stream, "long")
        if count < 0 or not 0 <= size <= self.size - self.stream.tell() - SYNC:
            raise Broken(f"block {self.block}: it was cut, or says {count:,} records in {size:,} bytes")
        packed = self.stream.read(size)
        if self.stream.read(SYNC) != self.sync:
            raise Broken(f"block {self.block}: the marker at its end is not that of the file")
        data = self._unpacked(packed)
        if count > max(len(data), 1):
            raise Broken(f"block {self.block}: it says {count:,} records and has {len(data):,} bytes")
        self.left -= len(data)
        return count, data

    def _unpacked(self, packed: bytes) -> bytes:
        if self.codec == "null":
            self._refuse_more(len(packed))
            return packed
        if self.codec == "snappy":
            return self._unsnapped(packed)
        if self.codec != "deflate" and self.codec not in CODECS:
            known = ", ".join(["null", "deflate", "snappy", *CODECS])
            raise Broken(f"it is packed with {ascii(self.codec)[:60]}; known are {known}")
        data = bytearray()
        for piece in _inflated(packed) if self.codec == "deflate" else unpack(packed, CODECS[self.codec], STEP):
            data += piece
            self._refuse_more(len(data))
        return bytes(data)

    def _unsnapped(self, packed: bytes) -> bytes:
        """Snappy says its size first, seven bits to a byte; Avro adds the checksum of what was packed."""
        size = shift = 0
        for byte in packed[:5]:
            size, shift = size | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        self._refuse_more(size)
        data = pa.Codec("snappy").decompress(packed[:-4], decompressed_size=size, asbytes=True)
        if zlib.crc32(data) != int.from_bytes(packed[-4:], "big"):
            raise Broken(f"block {self.block}: its checksum is wrong")
        return bytes(data)

    def _refuse_more(self, size: int) -> None:
        if size > LARGEST_BLOCK:
            raise BlockTooLarge(f"block {self.block}: it unpacks to more than {LARGEST_BLOCK:,} bytes")
        if size > self.left:
            raise TooLarge(f"block {self.block}: the file unpacks to more bytes than are allowed")


def _decode() -> Any:  # noqa: ANN401  # fastavro tells apart by their Python types what a schema has told already
    """The function of fastavro that decodes one value, told of our logical types: their names are our own."""
    from fastavro import schemaless_reader
    from fastavro.read import LOGICAL_READERS as KNOWN

    if not LOGICAL_READERS.keys() <= KNOWN.keys():
        KNOWN.update(LOGICAL_READERS)  # type: ignore[arg-type]  # a mapping where fastavro says dict
    return schemaless_reader


def _inflated(packed: bytes) -> Iterator[bytes]:
    """Bytes behind the end are let pass: fastavro's own writer leaves a part of zlib's checksum there."""
    one = zlib.decompressobj(-zlib.MAX_WBITS)
    for at in range(0, len(packed), STEP):
        piece = packed[at : at + STEP]
        while piece:
            yield one.decompress(piece, STEP)
            piece = one.unconsumed_tail
    if not one.eof:
        raise EOFError("deflated data are cut")


def _table(records: Sequence[dict[str, Any]], source: LandingSource, size: int) -> pa.Table:
    """Some records as columns of text. Raises TooLarge if these make the file larger than it may be; it has `size` bytes already."""
    columns = dict[str, list[str | None]]()
    for name in source.columns:
        found = _column([record.get(name) for record in records])
        size += sum(len(one) if one else 0 for one in found) + SHORTEST * len(found)
        if size > source.most_bytes:
            raise TooLarge(f"its values have more than {source.most_bytes:,} bytes")
        columns[name] = found
    return pa.table({name: pa.array(found, pa.string()) for name, found in columns.items()})


def _column(values: list[Any]) -> list[str | None]:
    """The text of the values of a column: its floats are spelled together, what holds other values is spelled as JSON."""
    for kind, width in ((Single, pa.float32()), (float, pa.float64())):
        if places := [place for place, value in enumerate(values) if type(value) is kind]:
            texts = text_of(pa.array([float(values[place]) for place in places], width)).to_pylist()
            for place, text in zip(places, texts, strict=True):
                values[place] = text
    return [value if value is None or isinstance(value, str) else spelled(value) for value in values]
