"""Avro files that are wrong, or unusual: other types, damaged blocks, and schemas or blocks by which a few bytes say that they are many."""

from __future__ import annotations

import base64
import io
import json
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa

from corpus.sales import Case
from corpus.typed_files import AVRO, ODD_TEXTS, avro_file, avro_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROWS = [{"number": 101}, {"number": 102}]
TWO: dict[int, dict[str, Any]] = {101: {}, 102: {}}
GOOD = avro_file(*ROWS)
SYNC = b"0123456789abcdef"
RECORDS = GOOD[GOOD.index(SYNC) + len(SYNC) + 3 : -len(SYNC)]  # of the one block: behind its count and its size
SCHEMA = avro_schema()
SMALL = 1 << 20
GOOD_DAY, GOOD_INSTANT = 19725, 1704186000_000000  # days and microseconds since 1970
JANUARY = datetime(2024, 1, 2, tzinfo=UTC)
MAY_BE_NULL = [name for name in AVRO if name not in {"day", "number"}]


def texts() -> Iterator[Case]:
    """Texts, bytes, nested values and nulls, of unions too."""
    for name, text in ODD_TEXTS.items():
        yield _third(name, note=text)
    instant = {"type": "long", "logicalType": "timestamp-millis"}
    nested = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": {"type": "array", "items": ["null", "double"]}}]}
    yield _third("a-union-of-many", {"note": ["null", "string", "long", "double", "boolean"]}, note=(5, "5"))
    yield _third("a-boolean-of-a-union", {"note": ["null", "string", "boolean"]}, note=(True, "true"))
    yield _third("an-instant-of-a-union", {"note": ["null", "string", instant]}, note=(JANUARY, "2024-01-02T00:00:00.000Z"))
    yield _third("bytes", {"note": ["string", "bytes"]}, note=(b"\x00\xff", base64.b64encode(b"\x00\xff").decode()))
    yield _third("an-enum", {"note": {"type": "enum", "name": "Notes", "symbols": ["hello", "bye"]}}, note="bye")
    yield _third("nested", {"note": ["string", nested]}, note=({"a": [1.5, None, float("nan")]}, '{"a": [1.5, null, "NaN"]}'))
    yield _third("a-map", {"note": ["string", {"type": "map", "values": "long"}]}, note=({"k": 2**62}, f'{{"k": {2**62}}}'))
    yield _third("nulls", **dict.fromkeys(MAY_BE_NULL))


def numbers() -> Iterator[Case]:
    """Numbers, in other types than those of the contract too: read exactly, or judged by the contract."""
    yield _third("decimal-with-zeros", price=(Decimal("2.5000"), Decimal("2.50")))
    yield _third("decimal-with-too-many-decimals", rejected=1, price=Decimal("2.5001"))
    yield _third("decimal-too-large", rejected=1, price=Decimal(12345678901))
    yield _third("NaN", rejected=1, weight=float("nan"))
    yield _third("infinity", rejected=1, weight=float("inf"))
    yield _third("negative-zero", weight=-0.0)
    yield _third("smallest-float", weight=5e-324)
    yield _third("float-of-32-bits", {"weight": "float"}, weight=0.1)
    yield _third("integer-overflow", rejected=1, quantity=32768)
    yield _third("no-integer", {"quantity": "double"}, rejected=1, quantity=2.5)
    yield _third("a-boolean-where-an-integer-is-meant", {"quantity": ["int", "boolean"]}, rejected=1, quantity=True)
    yield _third("text-where-an-integer-is-meant", {"quantity": ["int", "string"]}, rejected=1, quantity="two")


def times() -> Iterator[Case]:
    """Dates and instants, absurd ones too."""
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    yield _third("last-instant", placed=last)
    yield _second_is_raw("date-of-the-year-10000", "shipped", GOOD_DAY, 2_932_897)
    yield _second_is_raw("date-of-the-year-0", "shipped", GOOD_DAY, -719_163)
    yield _second_is_raw("farthest-date", "shipped", GOOD_DAY, 2**31 - 1)
    yield _second_is_raw("instant-of-the-year-148108", "placed", GOOD_INSTANT, 2**62)
    yield _second_is_raw("instant-before-all-years", "placed", GOOD_INSTANT, -(2**63))
    yield _third("a-number-where-a-date-is-meant", {"shipped": [AVRO["shipped"][1], "long"]}, rejected=1, shipped=2**40)
    yield _third("no-event-date", {"day": ["null", AVRO["day"]]}, set_aside=1, day=None)


def layouts() -> Iterator[Case]:
    """Other blocks, other codecs."""
    yield _case("header-only", avro_file())
    yield _case("a-record-in-each-block", avro_file(*ROWS, interval=1), published=TWO)
    for codec in ("deflate", "bzip2", "xz"):
        yield _case(f"blocks-in-{codec}", avro_file(*ROWS, codec=codec), published=TWO)
    zstd = bytes(pa.Codec("zstd").compress(RECORDS, asbytes=True))
    yield _case("blocks-in-zstandard", _container(SCHEMA, zstd, codec="zstandard"), published=TWO)
    yield _case("blocks-in-snappy", _container(SCHEMA, _snapped(RECORDS), codec="snappy"), published=TWO)
    yield _case("the-same-row-twice", avro_file(*ROWS, {"number": 101}), published=TWO, duplicates=1)


def damaged() -> Iterator[Case]:
    """Bytes that are no Avro, or no longer."""
    yield from _refused({
        "empty": (b"", "it is no Avro file"),
        "CSV": (b"day,number\n", "it is no Avro file"),
        "wrong-version": (b"Obj\x02" + GOOD[4:], "it is no Avro file"),
        "cut-in-the-header": (GOOD[:50], "its header cannot be read"),
        "cut-in-the-marker": (GOOD[: GOOD.index(SYNC) + 12], "it was cut in the marker behind its header"),
        "cut-in-a-block": (GOOD[:-40], "block 1: it was cut"),
        "cut-in-the-last-marker": (GOOD[:-4], "block 1: it was cut"),
        "another-marker": (GOOD[:-16] + b"fedcba9876543210", "block 1: the marker"),
        "followed-by-something": (GOOD + b"something else that is no block", "block 2"),
        "text-that-is-no-UTF-8": (GOOD.replace(b"hello", b"he\xffl\xfe"), "block 1: it cannot be read: .*utf-8"),
    })  # fmt: skip


def untrue_blocks() -> Iterator[Case]:
    """Blocks that are not what they say of themselves."""
    endless = RECORDS.removesuffix(b"\x0ahello") + _long(10**12)
    yield from _refused({
        "a-negative-count": (_container(SCHEMA, RECORDS, -5), "block 1: it was cut, or says -5 records"),
        "a-count-that-is-too-low": (_container(SCHEMA, RECORDS, 1), "block 1: .* bytes are left after its 1 records"),
        "a-count-that-is-too-high": (_container(SCHEMA, RECORDS, 3), "block 1: it cannot be read"),
        "a-billion-records": (_container(SCHEMA, RECORDS, 10**9), "block 1: it says 1,000,000,000 records"),
        "more-bytes-than-there-are": (_container(SCHEMA, RECORDS, size=10**12), "block 1: it was cut"),
        "a-text-of-a-terabyte": (_container(SCHEMA, endless), "block 1: it cannot be read"),
        "an-unknown-codec": (_container(SCHEMA, RECORDS, codec="zap"), "it is packed with 'zap'; known are null, deflate"),
        "deflate-that-is-none": (_container(SCHEMA, RECORDS, codec="deflate"), "block 1: it cannot be read"),
        "a-checksum-of-snappy": (_container(SCHEMA, _snapped(RECORDS)[:-1] + b"?", codec="snappy"), "block 1: its checksum is wrong"),
    })  # fmt: skip


def schemas() -> Iterator[Case]:
    """Schemas that are none, or of other columns than those of the contract."""
    only = {**SCHEMA, "fields": [one for one in SCHEMA["fields"] if one["name"] in {"day", "number"}]}
    twice = {**SCHEMA, "fields": [*SCHEMA["fields"], SCHEMA["fields"][-1]]}
    yield from _refused({
        "a-schema-that-is-no-JSON": (_container(b"{", RECORDS), "its header cannot be read"),
        "a-schema-of-a-number": (_container(b'"long"', RECORDS), "its schema is no record"),
        "a-schema-without-fields": (_container(b'{"type": "record", "name": "R"}', RECORDS), "its schema is no record"),
        "an-unknown-type": (avro_file().replace(b'"long"', b'"lung"'), "its schema"),
        "an-extra-field": (avro_file(*ROWS, types={"secret": ["null", "int"]}), "its schema has the unknown column secret"),
        "a-missing-field": (_container(only, b"\x00\x02", 1), "its schema has no column quantity"),
        "a-field-twice": (_container(twice, RECORDS), "its schema names a column twice"),
    })  # fmt: skip


def bombs() -> Iterator[Case]:
    """Files by which a few bytes say that they are many."""
    symbol = {"note": {"type": "enum", "name": "Notes", "symbols": ["x" * 5000]}}
    repeated = avro_file(*({"number": number, "note": "x" * 5000} for number in range(1000)), types=symbol)
    yield _case("a-long-symbol-many-times", repeated, refused="its values have more than 1,048,576 bytes", most=SMALL)
    squeezed = zlib.compress(bytes(8 << 20))[2:-4]
    yield _case("bomb-in-deflate", _container(SCHEMA, squeezed, codec="deflate"), refused="block 1: the file unpacks to more", most=SMALL)
    says_two_gigabytes = b"\xff\xff\xff\xff\x07" + bytes(8)
    yield _case("bomb-in-snappy", _container(SCHEMA, says_two_gigabytes, codec="snappy"), refused="block 1: it unpacks to more", most=SMALL)


def bombs_of_schemas() -> Iterator[Case]:
    """Schemas by which values have no bytes, or no end."""
    inside = {"type": "record", "name": "shop.Sale2", "fields": [{"name": "next", "type": ["null", "shop.Sale2"]}]}
    deep: Any = "string"
    for _ in range(500):
        deep = {"type": "array", "items": deep}
    empty = {"type": "record", "name": "Empty", "fields": []}
    for name, kind, said in (
        ("a-record-inside-itself", ["string", inside], "its schema refers to shop.Sale2 inside itself"),
        ("endless-nulls", {"type": "array", "items": "null"}, "its schema has values without bytes"),
        ("endless-empty-records", {"type": "array", "items": empty}, "values without bytes"),
        ("endless-fixed", {"type": "map", "values": {"type": "fixed", "name": "F", "size": 0}}, "values without bytes"),
        ("a-schema-five-hundred-deep", deep, "nested more than 64 deep"),
        ("a-union-in-a-union", ["null", ["string"]], "a union inside a union"),
    ):
        yield _case(name, _container(avro_schema({"note": kind}), _long(0) * 8 + _long(2**60), 1), refused=said)


def _third(name: str, types: Mapping[str, Any] | None = None, *, rejected: int = 0, set_aside: int = 0, **changed: object) -> Case:
    """Two good rows and a third. A changed value may be a pair: as it is in the file, and as it is published."""
    values, published = ({key: one[at] if isinstance(one, tuple) else one for key, one in changed.items()} for at in (0, 1))
    content = avro_file(*ROWS, {"number": 103} | values, types=types)
    return _case(name, content, published=TWO if rejected or set_aside else TWO | {103: published}, rejected=rejected, set_aside=set_aside)


def _second_is_raw(name: str, column: str, *values: int) -> Case:
    """Two rows with dates or times that Python does not have: numbers, under the schema that says what they are. The second is rejected."""
    plain = {column: ["null", AVRO[column][1]["type"]]}
    content = avro_file(*({**row, column: value} for row, value in zip(ROWS, values, strict=True)), types=plain)
    block = next(iter(fastavro.block_reader(io.BytesIO(content))))
    return _case(name, _container(SCHEMA, block.bytes_.getvalue()), published={101: {}}, rejected=1)


def _refused(files: Mapping[str, tuple[bytes, str]]) -> Iterator[Case]:
    """Files with what the refusal says of each."""
    return (_case(name, content, refused=said) for name, (content, said) in files.items())


def _case(name: str, content: bytes, **said: Any) -> Case:
    return Case(name, content, "avro", **said)


def _snapped(data: bytes) -> bytes:
    return bytes(pa.Codec("snappy").compress(data, asbytes=True)) + zlib.crc32(data).to_bytes(4, "big")


def _container(schema: Mapping[str, Any] | bytes, body: bytes, count: int = 2, *, size: int | None = None, codec: str = "null") -> bytes:
    """A container of one block, which says of itself what it is told to."""
    told = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    entries = {"avro.schema": told, "avro.codec": codec.encode()}
    header = _long(len(entries)) + b"".join(_text(key.encode()) + _text(value) for key, value in entries.items()) + _long(0)
    return b"Obj\x01" + header + SYNC + _long(count) + _long(len(body) if size is None else size) + body + SYNC


def _text(value: bytes) -> bytes:
    return _long(len(value)) + value


def _long(value: int) -> bytes:
    """Avro's variable length of a whole number."""
    rest, found = (value << 1) ^ (value >> 63), bytearray()
    while rest > 127:
        found.append(rest & 127 | 128)
        rest >>= 7
    return bytes([*found, rest])


CASES = [
    *texts(), *numbers(), *times(), *layouts(), *damaged(), *untrue_blocks(), *schemas(), *bombs(), *bombs_of_schemas(),
]  # fmt: skip
