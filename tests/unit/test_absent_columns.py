"""Which optional columns a landing file lacks, told without reading its rows; whatever cannot be told counts as there."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.contracts.model.landing_source import LandingSource
from assay.ingest.absent_columns import absent_columns
from assay.ingest.bronze import Batch
from assay.ingest.landing_file import LandingFile
from assay.ingest.merging import Content

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = LandingSource("x", "csv", "UTF-8", ("a", "b", "c"), ("",), optional=("b", "c"))


def batch(folder: Path, *contents: bytes, ending: str = "") -> Batch:
    files = []
    for place, content in enumerate(contents):
        path = folder / f"{place}{ending}"
        path.write_bytes(content)
        file = LandingFile(path, path.name, date(2024, 1, 1))
        files.append(Content(file, file.content_hash() or ""))
    return Batch("2024-01-01", tuple(files))


def written(kind: str, names: str) -> bytes:
    record = dict.fromkeys(names, "1")
    if kind == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({name: [value] for name, value in record.items()}), sink)
        return bytes(sink.getvalue())
    text = json.dumps(record) if kind == "jsonl" else ",".join(record) + "\n" + ",".join(record.values())
    return f"{text}\n".encode()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_column_is_absent_when_no_file_of_the_arrival_has_it(tmp_path: Path, kind: str, packed: bool) -> None:
    source, ending = replace(SOURCE, format=kind), ".gz" if packed else ""

    def lacks(*files: str) -> frozenset[str]:
        contents = [written(kind, names) for names in files]
        return absent_columns(batch(tmp_path, *(map(gzip.compress, contents) if packed else contents), ending=ending), source)

    assert lacks("a") == {"b", "c"}
    assert lacks("a", "ab") == {"c"}
    assert lacks("abc") == set()
    assert lacks("ab", "ac") == set()


def test_without_optional_columns_no_file_is_opened(tmp_path: Path) -> None:
    gone = LandingFile(tmp_path / "gone", "gone", date(2024, 1, 1))
    assert absent_columns(Batch("", (Content(gone, "1"),)), replace(SOURCE, optional=())) == set()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("\ufeffa,b\n1,2\n".encode(), id="a-byte-order-mark"),
        pytest.param(b'"a","b"\r\n1,2\r\n', id="quoted-names"),
        pytest.param(b"\n\na,b\n1,2\n", id="empty-lines-first"),
        pytest.param(b"b,a", id="another-order-and-no-row"),
    ],
)
def test_a_header_is_read_as_the_reader_reads_it(tmp_path: Path, content: bytes) -> None:
    assert absent_columns(batch(tmp_path, content), SOURCE) == {"c"}


@pytest.mark.parametrize(
    ("kind", "ending", "content"),
    [
        pytest.param("jsonl", "", b'{"\\u0062": "1"}\n', id="an-escaped-name"),
        pytest.param("jsonl", "", '{"b": "1"}\n'.encode("utf-16"), id="another-encoding"),
        pytest.param("parquet", "", b"PAR1", id="a-cut-file"),
        pytest.param("csv", ".gz", b"no gzip", id="not-packed"),
    ],
)
def test_whatever_cannot_be_told_counts_as_there(tmp_path: Path, kind: str, ending: str, content: bytes) -> None:
    source = replace(SOURCE, format=kind, encoding="UTF-16" if b"\0" in content else "UTF-8")
    assert absent_columns(batch(tmp_path, content, ending=ending), source) == set()
