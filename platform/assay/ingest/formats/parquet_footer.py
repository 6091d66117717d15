"""What a Parquet file says of itself: how many values and bytes it unpacks to, from its footer and the headers of its pages.

Read here, in Thrift's compact protocol, because Arrow's own objects for it end the whole process on a footer that is malformed, and because
a page of some bytes may say that it holds billions of values. The format: https://parquet.apache.org/docs/file-format/.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.ingest.formats.content import Content
    from assay.ingest.formats.streamed_content import Stored

TRUE, FALSE = 1, 2  # kinds of Thrift's fields, as far as they are asked for by name
TAIL, DEEPEST = 8, 32
# numbers of the fields that are looked at, by the structures of parquet.thrift
SCHEMA, ROW_GROUPS, COLUMNS, META_DATA, CRYPTO = 2, 4, 1, 3, 8
NAME, LOGICAL_TYPE, VARIANT = 4, 10, 16
NUM_VALUES, TOTAL_UNCOMPRESSED, TOTAL_COMPRESSED, DATA_PAGE, DICTIONARY_PAGE = 5, 6, 7, 9, 11
PAGE_UNCOMPRESSED, PAGE_COMPRESSED, PAGE_V1, PAGE_V2, PAGE_VALUES = 2, 3, 5, 8, 1
ENCODING_V1, ENCODING_V2, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY = 2, 4, 6, 7


class Malformed(Exception):
    """Bytes that are no Thrift, or that lead out of the file."""


@dataclass(slots=True)
class Leaf:
    """What the pages of one column say: the numbers of their encodings, and the bytes that the largest unpacks to."""

    encodings: set[int] = field(default_factory=set)
    largest: int = 0


@dataclass(slots=True)
class Promise:
    """What a file unpacks to by its own words: bytes of its pages, and values, of which nested columns have many for each row.

    `variants` are the columns and fields of a type that Arrow does not tell.
    """

    bytes: int = 0
    values: int = 0
    leaves: list[Leaf] = field(default_factory=list)
    variants: list[str] = field(default_factory=list)


def promise_of(content: Content | Stored) -> Promise:
    """Add up all pages of a file. Raises Malformed."""
    footer = len(content) - TAIL - int.from_bytes(content[-TAIL:-4], "little")
    if footer < 0:
        raise Malformed("its footer is longer than the file")
    told, found = _struct(content, footer)[0], Promise()
    for element in map(_fields, _list(told.get(SCHEMA, []))):
        if VARIANT in _fields(element.get(LOGICAL_TYPE, {})):
            found.variants.append(bytes(element.get(NAME, b"")).decode(errors="replace"))
    for group in _list(told.get(ROW_GROUPS, [])):
        for place, column in enumerate(_list(_fields(group).get(COLUMNS, []))):
            said = _fields(column)
            if place == len(found.leaves):
                found.leaves.append(Leaf())
            _add_chunk(found, found.leaves[place], content, None if CRYPTO in said else said.get(META_DATA))
    return found


def _add_chunk(promise: Promise, leaf: Leaf, content: Content | Stored, chunk: object) -> None:
    if chunk is None:
        raise Malformed("a column is encrypted, or says nothing of itself")
    said = _fields(chunk)
    values, size = _count(said, NUM_VALUES), _count(said, TOTAL_UNCOMPRESSED)
    at = min(_count(said, DATA_PAGE), _count(said, DICTIONARY_PAGE) or len(content))
    end, found, unpacked = at + _count(said, TOTAL_COMPRESSED), 0, 0
    while at < end and found < values:
        header, at = _struct(content, at)
        at += _count(header, PAGE_COMPRESSED)
        unpacked += _count(header, PAGE_UNCOMPRESSED)
        leaf.largest = max(leaf.largest, _count(header, PAGE_UNCOMPRESSED))
        for version, encoding in ((PAGE_V1, ENCODING_V1), (PAGE_V2, ENCODING_V2)):
            if version in header:
                found += _count(_fields(header[version]), PAGE_VALUES)
                leaf.encodings.add(_count(_fields(header[version]), encoding))
    promise.bytes, promise.values = promise.bytes + max(size, unpacked), promise.values + max(values, found)


def _count(said: dict[int, Any], field: int) -> int:
    value = said.get(field, 0)
    if not isinstance(value, int) or value < 0:
        raise Malformed(f"field {field} of a structure is no count")
    return value


def _fields(value: object) -> dict[int, Any]:
    if not isinstance(value, dict):
        raise Malformed("a structure is missing")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed("a list is missing")
    return value


def _struct(data: Content | Stored, at: int, depth: int = 0) -> tuple[dict[int, Any], int]:
    """The fields of a structure by their numbers, and the place behind it."""
    fields, field = dict[int, Any](), 0
    while head := _byte(data, at):
        at += 1
        if head >> 4:
            field += head >> 4
        else:
            field, at = _zigzag(data, at)
        fields[field], at = _value(data, at, head & 15, depth)
    return fields, at + 1


def _value(data: Content | Stored, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if depth > DEEPEST:
        raise Malformed("structures are nested too deeply")
    match kind:
        case 1 | 2:  # TRUE, FALSE
            return kind == TRUE, at
        case 3:  # BYTE
            return _byte(data, at), at + 1
        case 4 | 5 | 6:  # I16, I32, I64
            return _zigzag(data, at)
        case 7:  # DOUBLE
            return None, at + 8
        case 8:  # BINARY
            size, at = _varint(data, at)
            return data[at : at + size], at + size
        case 9 | 10:  # LIST, SET
            return _items(data, at, depth)
        case 11:  # MAP
            return None, _behind_map(data, at, depth)
        case 12:  # STRUCT
            return _struct(data, at, depth + 1)
    raise Malformed(f"there is no kind {kind} of field")


def _items(data: Content | Stored, at: int, depth: int) -> tuple[list[Any], int]:
    head, at = _byte(data, at), at + 1
    size, kind = head >> 4, head & 15
    if size == 15:
        size, at = _varint(data, at)
    _refuse_beyond(data, at + size)
    items = []
    for _ in range(size):
        item, at = (None, at + 1) if kind in (TRUE, FALSE) else _value(data, at, kind, depth + 1)
        items.append(item)
    return items, at


def _behind_map(data: Content | Stored, at: int, depth: int) -> int:
    size, at = _varint(data, at)
    if not size:
        return at
    _refuse_beyond(data, at + size)
    kinds, at = _byte(data, at), at + 1
    for _ in range(size):
        for kind in (kinds >> 4, kinds & 15):
            at = at + 1 if kind in (TRUE, FALSE) else _value(data, at, kind, depth + 1)[1]
    return at


def _refuse_beyond(data: Content | Stored, at: int) -> None:
    if at > len(data):
        raise Malformed("it leads out of the file")


def _byte(data: Content | Stored, at: int) -> int:
    if not 0 <= at < len(data):
        raise Malformed("it leads out of the file")
    return data[at]


def _varint(data: Content | Stored, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte, at = _byte(data, at), at + 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
        if shift > 63:
            raise Malformed("a number is longer than 64 bits")


def _zigzag(data: Content | Stored, at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at
