"""Parquet and Avro files of sales, and their good schemas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.sales import TYPED, numbered

if TYPE_CHECKING:
    from collections.abc import Mapping

ARROW = {
    "day": pa.date32(), "number": pa.int64(), "quantity": pa.int32(), "price": pa.decimal128(20, 4), "weight": pa.float64(),
    "placed": pa.timestamp("us", tz="UTC"), "shipped": pa.date32(), "gift": pa.bool_(), "note": pa.string(),
}  # fmt: skip
AVRO: dict[str, Any] = {
    "day": {"type": "int", "logicalType": "date"}, "number": "long", "quantity": ["null", "int"],
    "price": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 20, "scale": 4}], "weight": ["null", "double"],
    "placed": ["null", {"type": "long", "logicalType": "timestamp-micros"}], "shipped": ["null", {"type": "int", "logicalType": "date"}],
    "gift": ["null", "boolean"], "note": ["null", "string"],
}  # fmt: skip

ODD_TEXTS = {
    "embedded-line-ends": "two\nlines\r\nand\rmore", "NUL-in-a-value": "a\x00b", "byte-order-mark-in-a-value": "\ufeffx",
    "quotes": '"say, ""hi""', "ten-megabytes-in-a-cell": "x" * (10 << 20), "empty-text-is-no-null": "",
}  # fmt: skip


def arrow_table(*rows: Mapping[str, Any], types: Mapping[str, pa.DataType] | None = None) -> pa.Table:
    """Rows as an Arrow table; `types` replaces the types of some columns, or adds columns."""
    schema, whole = ARROW | dict(types or {}), numbered(rows, TYPED)
    return pa.table({name: pa.array([row.get(name) for row in whole], kind) for name, kind in schema.items()})


def parquet_file(*rows: Mapping[str, Any], types: Mapping[str, pa.DataType] | None = None, **options: Any) -> bytes:
    """Rows as Parquet."""
    return parquet_of(arrow_table(*rows, types=types), **options)


def parquet_of(table: pa.Table, **options: Any) -> bytes:
    """A table as Parquet."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def avro_schema(types: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The schema of sales; `types` replaces the types of some columns, or adds columns."""
    fields = [{"name": name, "type": kind} for name, kind in (AVRO | dict(types or {})).items()]
    return {"type": "record", "name": "Sale", "namespace": "shop", "fields": fields}


def avro_file(*rows: Mapping[str, Any], types: Mapping[str, Any] | None = None, codec: str = "null", interval: int = 16000) -> bytes:
    """Rows as Avro."""
    sink = io.BytesIO()
    fastavro.writer(sink, avro_schema(types), numbered(rows, TYPED), codec=codec, sync_marker=b"0123456789abcdef", sync_interval=interval)
    return sink.getvalue()
