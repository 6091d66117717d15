"""Samples: the beginning of a file, whole records only, read as the engine will read the files that land; or a reason why not."""

from __future__ import annotations

import gzip
import io
import json
import lzma
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.cli import sampling
from assay.cli.sampling import take_sample
from assay.contracts.inference.guesses import Declared
from assay.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CSV = 'id,note\n1,"two\nlines"\n2,"say ""so"""\n3,plain\n'
SCHEMA = {
    "type": "record", "name": "row",
    "fields": [
        {"name": "id", "type": "long"}, {"name": "small", "type": "int"},
        {"name": "on", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "text", "type": "string"},
    ],
}  # fmt: skip
RECORD = {"id": 1, "small": 2, "on": None, "at": datetime(2024, 3, 1, tzinfo=UTC), "tags": ["a"], "price": Decimal("1.50"), "text": "7"}


def avro(records: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, SCHEMA, records, sync_interval=1)
    return out.getvalue()


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [("rows.csv", CSV.encode()), ("rows.txt", b"\xef\xbb\xbf" + CSV.encode()), ("rows.csv.gz", gzip.compress(CSV.encode())),
     ("rows.CSV.XZ", lzma.compress(CSV.encode()))],
    ids=["plain", "with a mark", "gzip", "xz"],
)  # fmt: skip
def test_a_csv_file_is_read_as_it_will_land(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    taken = take_sample(tmp_path / name, 100)
    assert taken.frame.rows() == [("1", "two\nlines"), ("2", 'say "so"'), ("3", "plain")]
    assert (taken.format, taken.encoding, taken.is_whole) == ("csv", "UTF-8", True)


def test_only_so_many_rows_are_taken_and_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(CSV)
    taken = take_sample(tmp_path / "rows.csv", 2)
    assert (taken.frame.height, taken.is_whole) == (2, False)


@pytest.mark.parametrize("most", range(len('id,note\n1,"two\nlines"\n'), len(CSV)))
def test_a_large_file_is_cut_between_two_records_and_never_within_one(most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_BYTES", most)
    (tmp_path / "rows.csv").write_text(CSV)
    taken = take_sample(tmp_path / "rows.csv", 100)
    assert not taken.is_whole
    assert taken.frame.rows() == [("1", "two\nlines"), ("2", 'say "so"')][: taken.frame.height]
    assert taken.frame.height >= 1


def test_bytes_that_are_no_utf8_are_read_as_windows_writes_them(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("id,city\n1,Köln €\n".encode("cp1252"))
    taken = take_sample(tmp_path / "rows.csv", 100)
    assert (taken.encoding, taken.frame["city"].to_list()) == ("windows-1252", ["Köln €"])


def test_json_lines_tell_which_columns_are_texts_whatever_they_look_like(tmp_path: Path) -> None:
    rows = [{"zip": "10115", "n": 1, "deep": {"a": [1.50]}}, {"zip": None, "n": "x", "late": True}]
    (tmp_path / "rows.json").write_text("\n".join(map(json.dumps, rows)) + "\n")
    taken = take_sample(tmp_path / "rows.json", 100)
    assert taken.frame.rows() == [("10115", "1", "[1.5]", None), (None, "x", None, "true")]
    assert (taken.frame.columns, taken.roots) == (["zip", "n", "deep.a", "late"], {"deep.a": "deep"})
    assert (taken.format, taken.is_whole, taken.declared) == ("jsonl", True, {"zip": Declared("string")})


def test_parquet_tells_its_types(tmp_path: Path) -> None:
    table = pa.table({
        "i8": pa.array([1], pa.int8()), "u16": pa.array([1], pa.uint16()), "u64": pa.array([1], pa.uint64()),
        "f": pa.array([1.5], pa.float32()),
        "d": pa.array([Decimal("1.50")], pa.decimal128(9, 2)), "b": [True], "day": [date(2024, 3, 1)],
        "at": [datetime(2024, 3, 1, tzinfo=UTC)],
        "t": pa.array(["7"]).dictionary_encode(), "l": [["a"]],
    })  # fmt: skip
    (tmp_path / "rows.parquet").write_bytes(parquet(table))
    taken = take_sample(tmp_path / "rows.parquet", 100)
    said = {name: (one.logical, one.physical) for name, one in taken.declared.items()}
    assert said == {
        "i8": ("integer", "SMALLINT"), "u16": ("integer", "INTEGER"), "u64": ("integer", "BIGINT"), "f": ("number", "FLOAT"),
        "d": ("number", "DECIMAL(9, 2)"), "b": ("boolean", "BOOLEAN"), "day": ("date", "DATE"), "at": ("timestamp", "TIMESTAMP"),
        "t": ("string", ""),
    }  # fmt: skip
    assert taken.frame.select("d", "b", "day", "l").rows() == [("1.50", "true", "2024-03-01", '["a"]')]


def test_avro_tells_its_types(tmp_path: Path) -> None:
    (tmp_path / "rows.avro").write_bytes(avro([RECORD]))
    taken = take_sample(tmp_path / "rows.avro", 100)
    said = {name: (one.logical, one.physical) for name, one in taken.declared.items()}
    assert said == {
        "id": ("integer", "BIGINT"), "small": ("integer", "INTEGER"), "on": ("date", "DATE"), "at": ("timestamp", "TIMESTAMP"),
        "price": ("number", "DECIMAL(10, 2)"), "text": ("string", ""),
    }  # fmt: skip
    assert taken.frame.rows() == [("1", "2", None, "2024-03-01T00:00:00.000000Z", '["a"]', "1.50", "7")]


@pytest.mark.parametrize(
    ("name", "content"),
    [("rows.avro", lambda: avro([RECORD | {"id": number} for number in range(1000)])),
     ("rows.parquet", lambda: parquet(pa.table({"id": range(200_000)})))],
    ids=["avro", "parquet"],
)  # fmt: skip
def test_only_the_beginning_of_a_large_file_is_read(
    name: str, content: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "MOST_BYTES", 20_000)
    (tmp_path / name).write_bytes(content())
    taken = take_sample(tmp_path / name, 300)
    assert (taken.frame["id"].to_list(), taken.is_whole) == ([str(number) for number in range(300)], False)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("rows.csv", b"a,b,a\n1,2,3\n", "names 1 columns twice"),
        ("rows.csv", b"a,b\n1\n", "line 2"),
        ("rows.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        ("rows.csv", b"a,b\n1,\x81\n", "neither UTF-8 nor windows-1252"),
        ("rows.csv.gz", b"a,b\n1,2\n", "cannot be unpacked"),
        ("rows.json", b'[{"a": 1}]', "JSON array"),
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', "line 2, column"),
        ("rows.jsonl", b'{"a": 1}\n7\n', "line 2 is no JSON object"),
        ("rows.jsonl", b'{"": 1, "b": 2}\n', "a column without a name"),
        ("rows.csv", b'""\n1\n', "a column without a name"),
        ("rows.parquet", b"a,b\n1,2\n", "no Parquet file"),
        ("rows.avro", b"a,b\n1,2\n", "no Avro file"),
        ("rows.xlsx", b"PK", "does not tell the format"),
        ("rows.avro.gz", b"", "does not tell the format"),
    ],
)
def test_a_file_that_no_contract_could_describe_is_refused_with_the_reason(
    name: str, content: bytes, complaint: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(AssayError, match=complaint) as found:
        take_sample(tmp_path / name, 100)
    assert found.value.hint


def test_a_sample_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match="no file"):
        take_sample(tmp_path / "nothing.csv", 100)
