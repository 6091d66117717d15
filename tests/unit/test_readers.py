"""Readers: text as received, and a file that cannot be read is named with its line. The landing folder: which files there are."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from both_ways import read_both_ways
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.contracts.model.landing_source import LandingSource
from assay.errors import ContractInvalid, FileUnreadable
from assay.ingest.landing import landed, with_hashes
from assay.ingest.landing_file import LandingFile
from assay.ingest.merging import merged

if TYPE_CHECKING:
    from pathlib import Path

CSV = LandingSource("x/x_{arrival:yyyy-MM-dd}.csv*", "csv", "UTF-8", ("a", "b"), ("",))
JSON = replace(CSV, format="jsonl")


def read(folder: Path, content: bytes | str, source: LandingSource = CSV, name: str = "x.csv") -> list[tuple[str | None, ...]]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return [tuple(row.values()) for row in read_both_ways(LandingFile(path, name, date(2024, 1, 1)), source).to_pylist()]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param("a,b\n1,NA\n", [("1", "NA")], id="NA-stays-NA"),
        pytest.param('a,b\n,""\n', [("", "")], id="an-empty-value-stays-empty"),
        pytest.param("a,b\n 1 ,007\n1.10,1e3\n", [(" 1 ", "007"), ("1.10", "1e3")], id="nothing-is-trimmed-or-read-as-a-number"),
        pytest.param('a,b\n"x\ny","1,2"\n', [("x\ny", "1,2")], id="quoted-line-ends-and-commas"),
        pytest.param('a,b\n"say ""hi""",""""\n', [('say "hi"', '"')], id="doubled-quotes"),
        pytest.param("a,b\r\n1,2\r\n", [("1", "2")], id="CRLF"),
        pytest.param("a,b\n1,2", [("1", "2")], id="no-line-end-at-the-end"),
        pytest.param("\ufeffa,b\n1,2\n", [("1", "2")], id="a-byte-order-mark"),
        pytest.param("b,a\n1,2\n", [("2", "1")], id="columns-in-another-order"),
        pytest.param("a,b\n1,2\n\n3,4\n\n", [("1", "2"), ("3", "4")], id="empty-lines"),
        pytest.param("a,b\n", [], id="no-rows"),
        pytest.param("a,b\né,\u2028\n", [("é", "\u2028")], id="letters-and-separators-of-all-kinds"),
    ],
)
def test_csv_is_read_as_received(tmp_path: Path, content: str, rows: list[tuple[str, str]]) -> None:
    assert read(tmp_path, content) == rows
    assert read(tmp_path, gzip.compress(content.encode()), name="x.csv.gz") == rows


def test_an_empty_line_is_a_value_where_there_is_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, "a\n1\n\n2\n", replace(CSV, columns=("a",))) == [("1",), ("",), ("2",)]


def test_another_encoding_is_read_when_the_contract_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\nZürich,2\n".encode("latin-1"), replace(CSV, encoding="ISO-8859-1")) == [("Zürich", "2")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"a,b\n1,2\n3\n", "line 3: expected 2 values, found 1", id="too-few-values"),
        pytest.param(b"a,b\n1,2\n3,4,5\n", "line 3: expected 2 values, found 3", id="too-many-values"),
        pytest.param(b'a,b\n1,"x\ny"\n\n2\n', "line 5: expected 2 values, found 1", id="behind-quoted-line-ends"),
        pytest.param(b"a,b\r\n1,2\r\n3\r\n", "line 3: expected 2 values, found 1", id="CRLF"),
        pytest.param(
            b"a,b\n" + b"1,2\n" * 400_000 + b"1\n", "line 400002: expected 2 values, found 1", id="far-behind", marks=pytest.mark.slow
        ),
        pytest.param(b"a,b\n1,2\n3,\xff\n", "line 3: not utf-8: invalid start byte", id="another-encoding"),
        pytest.param(b'a,b\n1,2\n3,"\xff"\n', "line 3: not utf-8: invalid start byte", id="another-encoding-in-quotes"),
        pytest.param(b'a,b\n1,"2\n3,4\n', "line 2: a quote that does not open or close", id="a-quote-that-nothing-closes"),
        pytest.param(b'a,b\n1,"x\n2,"y\n', "line 2: a quote that does not open or close", id="two-quotes-that-nothing-closes"),
        pytest.param(b'a,b\n1,"x"y\n', "line 2: a quote that does not open or close", id="text-behind-a-quote"),
        pytest.param(b"", "line 1: the file has no header that ends", id="empty"),
        pytest.param(b"a,b", "line 1: the file has no header that ends", id="cut-in-the-header"),
        pytest.param(b"1,2\n3,4\n", "line 1: the header has none of the contract's columns", id="no-header"),
        pytest.param(b"a\n1\n", "line 1: the header has no column b", id="a-missing-column"),
        pytest.param(b"a,b,c\n1,2,3\n", "line 1: the header has the unknown column c", id="an-unknown-column"),
        pytest.param(b"a,a,b\n1,2,3\n", "line 1: the header names a column twice", id="a-column-twice"),
    ],
)
def test_a_csv_file_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(FileUnreadable, match=rf"Tried to read x\.csv; {said}"):
        read(tmp_path, content)


@pytest.mark.parametrize("source", [CSV, JSON], ids=["csv", "jsonl"])
def test_a_compressed_file_that_was_cut_is_named_with_the_last_line_that_could_be_read(tmp_path: Path, source: LandingSource) -> None:
    chance = random.Random(1)
    lines = [f'{{"a": {chance.random()}, "b": 2}}' if source is JSON else f"{chance.random()},2" for _ in range(20_000)]
    content = gzip.compress("\n".join(["" if source is JSON else "a,b", *lines]).strip().encode())
    with pytest.raises(FileUnreadable, match=r"Tried to read x\.gz; line \d{4,}: Truncated compressed stream"):
        read(tmp_path, content[: len(content) // 2], source, "x.gz")


def test_a_file_that_is_not_compressed_as_its_name_says_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"Tried to read x\.csv\.gz; line 1: .*incorrect header"):
        read(tmp_path, b"a,b\n1,2\n", name="x.csv.gz")


def test_no_value_of_a_file_is_quoted_in_a_message(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="line 2") as refusal:
        read(tmp_path, "a,b\nsecret\n")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param('{"a": 1.10, "b": 10000000000000000000001}\n', [("1.10", "10000000000000000000001")], id="numbers-keep-their-digits"),
        pytest.param('{"a": "NA", "b": ""}\r\n', [("NA", "")], id="text"),
        pytest.param('{"a": null}\n', [(None, None)], id="null-and-absent"),
        pytest.param('{"a": true, "b": NaN}\n', [("true", "NaN")], id="literals"),
        pytest.param('{"b": {"x": [1.50, "é", null]}}\n', [(None, '{"x": [1.50, "é", null]}')], id="what-is-nested"),
        pytest.param('\ufeff{"a": "\u2028"}\n', [("\u2028", None)], id="a-byte-order-mark-and-separators"),
        pytest.param('{"a": 1}\n{"a": 2}', [("1", None), ("2", None)], id="no-line-end-at-the-end"),
        pytest.param("", [], id="empty"),
    ],
)
def test_json_lines_are_read_as_received(tmp_path: Path, content: str, rows: list[tuple[str | None, str | None]]) -> None:
    assert read(tmp_path, content, JSON) == rows
    assert read(tmp_path, gzip.compress(content.encode()), JSON, "x.jsonl.gz") == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b'{"a": 1}\n{"a": \n', "line 2, column 7: Expecting value", id="cut"),
        pytest.param(b'{"a": 1}\n\n{"a": 1}\n', "line 2, column 1: Expecting value", id="an-empty-line"),
        pytest.param(b'{"a": 1}\n[1]\n', "line 2: expected an object, found an array", id="an-array"),
        pytest.param(b'{"a": 1}\n5\n', "line 2: expected an object, found a number", id="a-number"),
        pytest.param(b'{"a": 1}\n{"c": 1, "d": 2}\n', "line 2: unknown column c, d", id="unknown-keys"),
        pytest.param(b'{"a": 1}\n{"a": "\xff"}\n', "line 2: not utf-8", id="another-encoding"),
    ],
)
def test_json_lines_that_cannot_be_read_are_named_with_their_line(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(FileUnreadable, match=rf"Tried to read x\.csv; {said}"):
        read(tmp_path, content, JSON)


def test_a_format_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"the format 'xml'\. Known formats: csv, jsonl, parquet, avro"):
        read(tmp_path, "", replace(CSV, format="xml"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=6)] * 2), max_size=8))
def test_whatever_text_is_quoted_comes_back(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    quoted = ['"' + '","'.join(value.replace('"', '""') for value in row) + '"' for row in rows]
    assert read(tmp_path, "\n".join(["a,b", *quoted]) + "\n") == rows


def drop(folder: Path, *names: str, content: str = "") -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content or name)


def test_files_land_by_the_date_in_their_name(tmp_path: Path) -> None:
    drop(tmp_path, "x/x_2024-01-02.csv", "x/x_2024-01-01.csv.gz", "x/x_2024-01-01.csv")
    assert [(file.name, file.arrival.day) for file in landed(tmp_path, CSV)] == [
        ("x/x_2024-01-01.csv", 1), ("x/x_2024-01-01.csv.gz", 1), ("x/x_2024-01-02.csv", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["x/.x_2024-01-01.csv", "x/.x_2024-01-01.csv.5f.tmp", "x/x_2024-13-01.csv", "x/x_2024-1-1.csv", "x/x_today.csv", "x/y_2024-01-01.csv",
     "y/x_2024-01-01.csv", "x/x_2024-01-01.csv/part"],
)  # fmt: skip
def test_what_is_unfinished_or_has_no_date_has_not_landed(tmp_path: Path, name: str) -> None:
    drop(tmp_path, name)
    assert landed(tmp_path, CSV) == []


def test_digits_behind_a_date_are_not_taken_for_it(tmp_path: Path) -> None:
    drop(tmp_path, "x/x_202401021.csv", "x/x_20240102.csv")
    source = replace(CSV, path="x/x_{arrival:yyyyMMdd}*.csv")
    assert [file.arrival for file in landed(tmp_path, source)] == [date(2024, 1, 2)] * 2


def test_a_path_without_an_arrival_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalid, match=r"The path 'x\.csv' has no \{arrival:FORMAT\}"):
        landed(tmp_path, replace(CSV, path="x.csv"))


def test_a_content_that_was_there_already_is_left_out(tmp_path: Path) -> None:
    drop(tmp_path, "x/x_2024-01-01.csv", "x/x_2024-01-02.csv", content="same")
    drop(tmp_path, "x/x_2024-01-03.csv", content="other")
    found = merged(with_hashes(landed(tmp_path, CSV)), [], CSV)
    assert [one.file.name for one in found] == ["x/x_2024-01-01.csv", "x/x_2024-01-03.csv"]
