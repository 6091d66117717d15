"""Parquet files that are wrong, or unusual: other types, other schemas, damage, encryption, and small files that hold much."""

from __future__ import annotations

import base64
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from corpus.sales import Case
from corpus.typed_files import ARROW, ODD_TEXTS, arrow_table, parquet_file, parquet_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROWS = [{"number": 101}, {"number": 102}]
TWO: dict[int, dict[str, Any]] = {101: {}, 102: {}}
GOOD = parquet_file(*ROWS)
GOOD_DAY, GOOD_INSTANT, YEAR_9000 = 19725, 1704186000_000000, 221845392000_000000  # days and microseconds since 1970
SMALL = 1 << 20


def numbers() -> Iterator[Case]:
    """Numbers in other types than those of the contract: read exactly, or judged by the contract."""
    float64, float32 = pa.float64(), pa.float32()
    yield _third("integers-as-floats", {"quantity": float64}, quantity=(3.0, 3))
    yield _third("no-integer", {"quantity": float64}, rejected=1, quantity=2.5)
    yield _with("text-where-an-integer-is-meant", quantity=pa.array(["2", "two"]))
    yield _third("integer-overflow", rejected=1, quantity=32768)
    yield _third("unsigned-overflow", {"number": pa.uint64()}, rejected=1, number=2**63)
    yield _with("booleans-where-integers-are-meant", rejected=2, quantity=pa.array([True, False]))
    yield _third("float-of-32-bits", {"weight": float32}, weight=0.1)
    yield _third("NaN", rejected=1, weight=float("nan"))
    yield _third("infinity", rejected=1, weight=float("-inf"))
    yield _third("NaN-of-32-bits", {"weight": float32}, rejected=1, weight=float("nan"))
    yield _third("negative-zero", weight=-0.0)
    yield _third("smallest-float", weight=5e-324)
    yield _third("largest-float", weight=1.7976931348623157e308)
    yield _third("decimal-with-zeros", price=(Decimal("2.5000"), Decimal("2.50")))
    yield _third("decimal-with-too-many-decimals", rejected=1, price=Decimal("2.5001"))
    yield _third("small-decimal", {"price": pa.decimal128(38, 10)}, rejected=1, price=Decimal("1e-10"))
    yield _third("decimal-of-256-bits", {"price": pa.decimal256(60, 20)}, price=(Decimal("2.5"), Decimal("2.50")))
    yield _third("decimal-too-large", {"price": pa.decimal128(20, 2)}, rejected=1, price=Decimal(12345678901))


def times() -> Iterator[Case]:
    """Dates and instants, absurd ones too."""
    last = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    local, zone = pa.timestamp("us"), pa.timestamp("us", tz="UTC")
    yield _with("date-of-the-year-10000", shipped=pa.array([GOOD_DAY, 2_932_897], pa.int32()).cast(pa.date32()))
    yield _with("date-of-the-year-0", shipped=pa.array([GOOD_DAY, -719_163], pa.int32()).cast(pa.date32()))
    yield _with("farthest-date", shipped=pa.array([GOOD_DAY, 2**31 - 1], pa.int32()).cast(pa.date32()))
    yield _with("a-number-where-a-date-is-meant", shipped=pa.array(["2024-01-03", "19725"]))
    yield _third("last-instant", placed=last)
    yield _with("instant-of-the-year-148108", placed=pa.array([GOOD_INSTANT, 2**62], pa.int64()).cast(zone))
    yield _with("instant-before-all-years", placed=pa.array([GOOD_INSTANT, -(2**63) + 1], pa.int64()).cast(zone))
    yield _with("instants-without-zone", rejected=2, placed=pa.array([GOOD_INSTANT] * 2, pa.int64()).cast(local))
    yield _case("nanoseconds", parquet_file(*ROWS, types={"placed": pa.timestamp("ns", tz="UTC")}), rejected=2)
    for name, place in (("zone-that-does-not-exist", "Europe/Nowhere"), ("times-of-a-zone", "America/New_York")):
        yield _case(name, parquet_file(*ROWS, types={"placed": pa.timestamp("us", tz=place)}), published=TWO)
    yield _third("no-event-date", set_aside=1, day=None)
    old = pa.array([GOOD_INSTANT, YEAR_9000 + 1], pa.int64()).cast(local)
    yield _case("INT96", parquet_of(_replaced(placed=old), use_deprecated_int96_timestamps=True), rejected=2)
    notes = _replaced(note=old, placed=pa.nulls(2))
    said = {101: "2024-01-02T09:00:00.000000000", 102: "9000-01-01T00:00:00.000001000"}
    yield _case(
        "INT96-as-text",
        parquet_of(notes, use_deprecated_int96_timestamps=True),
        published={number: {"note": text, "placed": None} for number, text in said.items()},
    )


def texts() -> Iterator[Case]:
    """Texts, bytes, nested values and nulls."""
    for name, text in ODD_TEXTS.items():
        yield _third(name, note=text)
    yield _third("dictionaries", {"note": pa.dictionary(pa.int8(), pa.string())})
    yield _third("large-strings", {"note": pa.large_string()})
    yield _third("nulls", note=None, price=None, gift=None)
    strings = pa.schema([(name, kind if name in {"gift", "placed"} else pa.string()) for name, kind in ARROW.items()])
    yield _case("strings-for-everything", parquet_of(arrow_table(*ROWS).cast(strings)), published=TWO)
    nothing = {101: {"gift": None}, 102: {"gift": None}}
    yield _case("a-column-of-nulls", parquet_of(_replaced(gift=pa.nulls(2))), published=nothing)
    raw = {101: {"note": None}, 102: {"note": base64.b64encode(b"\x00\xff").decode()}}
    yield _case("bytes", parquet_of(_replaced(note=pa.array([None, b"\x00\xff"]))), published=raw)
    nested = pa.array([None, {"a": [1.5, None, float("nan")], "b": Decimal("1.10"), "c": date(2024, 1, 2)}])
    text = '{"a": [1.5, null, "NaN"], "b": 1.10, "c": "2024-01-02"}'
    yield _case("nested", parquet_of(_replaced(note=nested)), published={101: {"note": None}, 102: {"note": text}})


def schemas() -> Iterator[Case]:
    """Other columns than those of the contract."""
    table = arrow_table(*ROWS)
    yield _case("columns-in-another-order", parquet_of(table.select(table.column_names[::-1])), published=TWO)
    extra = parquet_of(table.append_column("secret", pa.array([1, 2])))
    yield _case("an-extra-column", extra, refused="its schema has the unknown column secret")
    yield _case("a-missing-column", parquet_of(table.drop_columns(["note"])), refused="its schema has no column note")
    yield _case("a-column-twice", parquet_of(table.append_column("note", table["note"])), refused="its schema names a column twice")
    yield _case("no-column", parquet_of(pa.table({"x": [1]})), refused="its schema has none of the contract's columns")


def layouts() -> Iterator[Case]:
    """Other row groups and pages."""
    table, without_groups = arrow_table(*ROWS), io.BytesIO()
    pq.ParquetWriter(without_groups, table.schema).close()
    yield _case("no-rows", parquet_of(table.slice(0, 0)))
    yield _case("no-row-groups", without_groups.getvalue())
    yield _case("a-row-group-for-each-row", parquet_of(table, row_group_size=1), published=TWO)
    for codec in ("snappy", "gzip", "brotli", "zstd", "lz4", "none"):
        yield _case(f"pages-in-{codec}", parquet_of(table, compression=codec), published=TWO)
    yield _case("pages-of-version-2", parquet_of(table, data_page_version="2.0", version="1.0"), published=TWO)
    yield _case("the-same-row-twice", parquet_file(*ROWS, {"number": 101}), published=TWO, duplicates=1)


def damaged() -> Iterator[Case]:
    """Bytes that are no Parquet, or no longer."""
    plain = {"compression": "none", "use_dictionary": False, "write_statistics": False}
    unchecked, checked = (parquet_of(arrow_table(*ROWS), write_page_checksum=told, **plain) for told in (False, True))
    for name, content, said in (
        ("empty", b"", "it does not begin with PAR1"),
        ("only-its-name", b"PAR1", "it was cut"),
        ("two-names", b"PAR1PAR1", "it was cut"),
        ("wrong-beginning", b"PAR2" + GOOD[4:], "it does not begin with PAR1"),
        ("wrong-end", GOOD[:-1] + b"2", "it does not end with PAR1"),
        ("cut-footer", GOOD[:-40], "it was cut"),
        ("cut-in-the-middle", GOOD[: len(GOOD) // 2], "it was cut"),
        ("first-half-missing", b"PAR1" + GOOD[len(GOOD) // 2 :], "smaller than the size reported by footer"),
        ("footer-longer-than-the-file", GOOD[:-8] + b"\xff\xff\xff\x7fPAR1", "footer"),
        ("footer-without-length", GOOD[:-8] + b"\x00\x00\x00\x00PAR1", "thrift"),
        ("footer-of-zeros", GOOD[:-300] + bytes(292) + GOOD[-8:], "base64|thrift"),
        ("followed-by-something", GOOD + b"something", "it was cut"),
        ("zeros-in-the-pages", GOOD[:4] + bytes(400) + GOOD[404:], "a structure is no count"),
        ("a-checksum-that-is-wrong", checked.replace(b"hello", b"jello"), "row group 0: .*CRC"),
        ("text-that-is-no-UTF-8", unchecked.replace(b"hello", b"he\xffl\xfe"), "row group 0: .*(UTF8|UTF-8|utf-8)"),
        ("CSV", b"day,number\n2024-01-02,1\n", "it is no Parquet file"),
        ("encrypted", _encrypted(plain_footer=False), "it is an encrypted Parquet file"),
        ("encrypted-columns", _encrypted(plain_footer=True), "a column is encrypted"),
    ):
        yield _case(name, content, refused=said)


def bombs() -> Iterator[Case]:
    """Small files that hold much."""
    one_value = arrow_table(*({"note": "x" * 1000} for _ in range(20_000))).set_column(1, "number", pa.array([1] * 20_000))
    one_list = arrow_table({}).set_column(8, "note", pa.array([[0] * 3_000_000], pa.list_(pa.int8())))
    nulls = pa.table({name: pa.nulls(400_000, kind) for name, kind in ARROW.items()})
    for name, table in {"one-value": one_value, "one-list": one_list, "nulls": nulls}.items():
        content = parquet_of(table, compression="zstd")
        assert len(content) < SMALL // 4
        yield _case(f"bomb-of-{name}", content, refused="more than 1,048,576 bytes|1,048,576 are the most", most=SMALL)


def _third(name: str, types: Mapping[str, pa.DataType] | None = None, *, rejected: int = 0, set_aside: int = 0, **changed: object) -> Case:
    """Two good rows and a third. A changed value may be a pair: as it is in the file, and as it is published."""
    values, published = ({key: one[at] if isinstance(one, tuple) else one for key, one in changed.items()} for at in (0, 1))
    content = parquet_file(*ROWS, {"number": 103} | values, types=types)
    return _case(name, content, published=TWO if rejected or set_aside else TWO | {103: published}, rejected=rejected, set_aside=set_aside)


def _with(name: str, *, rejected: int = 1, **columns: pa.Array) -> Case:
    """The two good rows with other values in some columns, because of which the second is rejected, or both are."""
    return _case(name, parquet_of(_replaced(**columns)), published={101: {}} if rejected == 1 else {}, rejected=rejected)


def _replaced(**columns: pa.Array) -> pa.Table:
    table = arrow_table(*ROWS)
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def _case(name: str, content: bytes, **said: Any) -> Case:
    return Case(name, content, "parquet", **said)


class _Keys(pe.KmsClient):
    """Keys that are no secret."""

    def wrap_key(self, key_bytes: bytes, _: str) -> bytes:
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key: bytes, _: str) -> bytes:
        return base64.b64decode(wrapped_key)


def _encrypted(*, plain_footer: bool) -> bytes:
    factory, connection = pe.CryptoFactory(lambda _: _Keys()), pe.KmsConnectionConfig()
    settings = pe.EncryptionConfiguration("footer", column_keys={"column": ["note"]}, plaintext_footer=plain_footer)
    sink, table = io.BytesIO(), arrow_table(*ROWS)
    properties = factory.file_encryption_properties(connection, settings)
    with pq.ParquetWriter(sink, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    return sink.getvalue()


CASES = [*numbers(), *times(), *texts(), *schemas(), *layouts(), *damaged(), *bombs()]
