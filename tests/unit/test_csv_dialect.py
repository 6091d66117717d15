"""Text files in any dialect: read as written by other programs, or refused with the line and with what the file seems to be."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest
from both_ways import read_both_ways
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay.contracts.compiling.expressions import plain_number
from assay.contracts.language.dialect import Dialect, conflicts, read_dialect
from assay.contracts.model.landing_source import LandingSource
from assay.errors import FileUnreadable
from assay.ingest.absent_columns import absent_columns
from assay.ingest.formats.csv_rows import rows_of
from assay.ingest.landing_file import LandingFile
from assay.ingest.merging import Content
from assay.ingest.reading import Batch

if TYPE_CHECKING:
    from pathlib import Path

    Rows = list[tuple[str, ...]]

PLAIN = LandingSource("x/x_{arrival:yyyy-MM-dd}.csv*", "csv", "UTF-8", ("a", "b", "c"), ("",))
SEMICOLON = Dialect(delimiter=";")
SPARK = Dialect(escape_char="\\")
MYSQL = Dialect(delimiter="\t", quote_char="", escape_char="\\")


def read(folder: Path, content: bytes | str, dialect: Dialect, **source: object) -> list[tuple[str | None, ...]]:
    path = folder / "x.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    wanted = replace(PLAIN, dialect=dialect, **source)  # type: ignore[arg-type]  # fields of a source
    return [tuple(row.values()) for row in read_both_ways(LandingFile(path, "x.csv", date(2024, 1, 1)), wanted).to_pylist()]


@pytest.mark.parametrize(
    ("dialect", "content", "rows"),
    [
        pytest.param(SEMICOLON, "a;b;c\n1;2,5;\n", [("1", "2,5", "")], id="semicolons"),
        pytest.param(Dialect(delimiter="\t"), 'a\tb\tc\r\n1\t"x\ty"\t3\r\n', [("1", "x\ty", "3")], id="tabs"),
        pytest.param(Dialect(delimiter="|"), "c|b|a\n1|2|3\n", [("3", "2", "1")], id="bars-and-another-order"),
        pytest.param(Dialect(quote_char="'"), "a,b,c\n'1,''x''',\"2\",3\n", [("1,'x'", '"2"', "3")], id="single-quotes"),
        pytest.param(Dialect(quote_char=""), 'a,b,c\n6" nail,"2,3\n', [('6" nail', '"2', "3")], id="no-quotes-at-all"),
        pytest.param(Dialect(comment_char="#"), '# a "note\na,b,c\n#x\n1,2,3\n"#4",5,"#6\n#7"\n#end',
                     [("1", "2", "3"), ("#4", "5", "#6\n#7")], id="comments"),
        pytest.param(Dialect(header=False), "1,2,3\n\n4,5,6", [("1", "2", "3"), ("4", "5", "6")], id="no-header"),
        pytest.param(Dialect(header=False, comment_char="%"), "%x\n1,2,3\n", [("1", "2", "3")], id="comments-and-no-header"),
        pytest.param(Dialect(header=False), "", [], id="no-header-and-no-row"),
        pytest.param(Dialect(), "a,b,c,\n1,2,3,\n4,5,6,\n", [("1", "2", "3"), ("4", "5", "6")], id="a-delimiter-at-the-end-of-each-line"),
        pytest.param(Dialect(), "a,b,c\n1,2,3,\n", [("1", "2", "3")], id="a-delimiter-at-the-end-of-rows-only"),
        pytest.param(Dialect(), "a,b,c,,\n1,2,3\n", [("1", "2", "3")], id="delimiters-at-the-end-of-the-header-only"),
        pytest.param(Dialect(header=False), "1,2,3,\n", [("1", "2", "3")], id="no-header-and-a-delimiter-at-the-end"),
        pytest.param(SPARK, 'a,b,c\na\\b,"say \\"hi\\", you","end\\\\"\n\\,"a\\nb",\n',
                     [("a\\b", 'say "hi", you', "end\\"), ("\\", "a\\nb", "")], id="backslashes-as-spark-writes-them"),
        pytest.param(MYSQL, "a\tb\tc\n1\\\t2\tx\\\ny\t\\N\n\\\\\t\t\\\\n\n", [("1\t2", "x\ny", "\\N"), ("\\", "", "\\n")], id="escapes-without-quotes"),
        pytest.param(replace(MYSQL, comment_char="#"), "a\tb\tc\n1\\\n#2\t3\t4\n#\\x\n", [("1\n#2", "3", "4")], id="an-escaped-line-end-begins-no-comment"),
    ],
)  # fmt: skip
def test_a_file_is_read_in_its_dialect(tmp_path: Path, dialect: Dialect, content: str, rows: Rows) -> None:
    assert read(tmp_path, content, dialect) == rows
    assert read(tmp_path, "\ufeff" + content, dialect) == rows
    assert read(tmp_path, content.encode("utf-16"), dialect, encoding="UTF-16") == rows


@pytest.mark.parametrize(
    ("dialect", "content", "said"),
    [
        pytest.param(Dialect(), "a;b;c\n1;2;3\n", "line 1: the header is one column 'a;b;c'; the contract's dialect has the delimiter ','; "
                     "the file seems to use ';'", id="semicolons"),
        pytest.param(SEMICOLON, "a,b,c\n1;2;3\n", "line 1: .* delimiter ';'; the file seems to use ','", id="commas"),
        pytest.param(SEMICOLON, "a\tb,1\tc\n", r"line 1: .* delimiter ';'; the file seems to use '\\t'", id="tabs"),
        pytest.param(replace(SEMICOLON, header=False), "1|2|3\n4|5|6\n", r"line 1: expected 3 values, found 1; .*the file seems to use '\|'",
                     id="bars-without-a-header"),
        pytest.param(Dialect(header=False), "c,b,a\n1,2,3\n", "line 1: the names of the columns stand where the first row", id="a-header"),
        pytest.param(Dialect(), "1,2,3\n4,5,6\n", "line 1: the header has none of the contract's columns", id="no-header"),
        pytest.param(Dialect(), "a,b,c,\n1,2,3,\n4,5,6\n", "line 3: expected 4 values, found 3", id="not-every-line-ends-with-a-delimiter"),
        pytest.param(Dialect(), "a,b,c,\n1,2,3,\n4,5,6,7\n", "line 3: a value stands behind the last column", id="a-value-of-no-column"),
        pytest.param(Dialect(), "a,b,c\n1,2,3,x\n", "line 2: expected 3 values, found 4", id="too-many-values"),
        pytest.param(Dialect(), ",a,b,c\n0,1,2,3\n", "line 1: the header has the unknown column column_1", id="an-index-without-a-name"),
        pytest.param(Dialect(header=False), "1,2\n", "line 1: expected 3 values, found 2", id="too-few-without-a-header"),
        pytest.param(Dialect(), 'a,b,c\n1,"say \\"hi\\"",3\n', "line 2: a quote that does not open or close", id="escapes-that-the-contract-lacks"),
        pytest.param(SPARK, 'a,b,c\n1,2,3\n4,"5\\",6\n', "line 3: a quote that does not open or close", id="an-escaped-quote-closes-nothing"),
        pytest.param(replace(SPARK, double_quote=False), 'a,b,c\n"\\"",2,3\n1,"a""b",3\n', "line 3: a quote that", id="quotes-that-are-not-doubled"),
        pytest.param(MYSQL, "a\tb\tc\n1\t2\t3\n1\tx\\ny\t3\n", "line 3: an escape before a character that needs none", id="an-escape-of-nothing"),
        pytest.param(Dialect(comment_char="#"), 'a,b,c\n# "x\n\n1,"2,3\n', "line 4: a quote", id="comments-and-empty-lines-are-counted"),
        pytest.param(Dialect(comment_char="#"), "a,b,c\n# x\n1,2\n", "line 3: expected 3 values, found 2", id="a-row-behind-a-comment"),
        pytest.param(SEMICOLON, b"a;b;c\n1;2;3\n1;\xff;3\n", "line 3: not utf-8", id="another-encoding"),
    ],
)  # fmt: skip
def test_a_file_of_another_dialect_is_refused_with_what_it_seems_to_be(tmp_path: Path, dialect: Dialect, content: str, said: str) -> None:
    with pytest.raises(FileUnreadable, match=rf"Tried to read x\.csv; {said}") as refusal:
        read(tmp_path, content, dialect)
    assert dialect.shown in str(refusal.value.hint)


def test_without_a_header_the_optional_columns_at_the_end_may_be_absent(tmp_path: Path) -> None:
    optional = replace(PLAIN, dialect=Dialect(header=False), optional=("b", "c"))
    assert read(tmp_path, "1,2\n", optional.dialect, optional=("b", "c")) == [("1", "2", None)]
    batch = Batch("2024-01-01", (Content(LandingFile(tmp_path / "x.csv", "x.csv", date(2024, 1, 1)), "digest"),))
    assert absent_columns(batch, optional) == {"c"}


VALUE = st.text(st.sampled_from("ab1 ,;\t|\"'\\#\r\n\ufeffé€"), max_size=5)
ROWS = st.lists(st.tuples(VALUE, VALUE, VALUE), max_size=6)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.builds(Dialect, st.sampled_from(",;\t|"), st.sampled_from("\"'"), header=st.booleans()), st.sampled_from(["\n", "\r\n"]))
@example([("#", "\r", "")], Dialect(";", "'"), "\n")
def test_what_pythons_writer_writes_is_read_back(tmp_path: Path, rows: Rows, dialect: Dialect, end: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=dialect.delimiter, quotechar=dialect.quote_char, lineterminator=end, quoting=csv.QUOTE_ALL)
    for row in [("a", "b", "c"), *rows] if dialect.header else rows:
        out.write(f"# {dialect.quote_char}{dialect.delimiter}{end}")
        writer.writerow(row)
    assert read(tmp_path, out.getvalue(), replace(dialect, comment_char="#")) == rows


def as_spark_writes(value: str) -> str:
    """Measured of Spark 4.2: backslashes are escaped in quotes only."""
    if not set(value) & set(',"\r\n\\#\ufeff') or ("\\" in value and not set(value) & set(',"\r\n#\ufeff')):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
@example([("\\", '\\",', 'a\\"'), ("\n#", "", "")])
def test_backslashes_are_read_back(tmp_path: Path, rows: Rows) -> None:
    text = "".join(",".join(map(as_spark_writes, row)) + "\n" for row in [("a", "b", "c"), *rows])
    assert read(tmp_path, text, SPARK) == rows
    assert [row.values for row in rows_of(text, SPARK)][1:] == rows


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_escapes_without_quotes_are_read_back(tmp_path: Path, rows: Rows) -> None:
    def written(value: str) -> str:
        return "".join("\\" + letter if letter in "\\\t\r\n" else letter for letter in value)

    text = "".join("\t".join(map(written, row)) + "\n" for row in [("a", "b", "c"), *rows])
    assert read(tmp_path, text, MYSQL) == rows
    assert [row.values for row in rows_of(text, MYSQL)][1:] == rows


def test_files_of_other_programs_are_read_as_they_wrote_them(tmp_path: Path) -> None:
    rows = [("1", "é;|", 'say "hi"'), ("2", "x\ny", ""), ("3", "#", "a\\b")]
    frame, path = pl.DataFrame(rows, schema=["a", "b", "c"], orient="row"), tmp_path / "y.csv"
    frame.write_csv(path, separator="|")
    assert read(tmp_path, path.read_bytes(), Dialect(delimiter="|")) == rows
    frame.to_pandas().to_csv(path, sep=";", index=False, header=False)
    assert read(tmp_path, path.read_bytes(), Dialect(delimiter=";", header=False)) == rows
    frame.to_pandas().to_csv(path, sep="\t", index=False, doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL)
    assert read(tmp_path, path.read_bytes(), Dialect(delimiter="\t", escape_char="\\")) == rows
    duckdb.from_arrow(frame.to_arrow()).write_csv(str(path), sep=";", escapechar="\\", quoting="all")
    assert read(tmp_path, path.read_bytes(), Dialect(delimiter=";", escape_char="\\")) == rows


@pytest.mark.parametrize(
    ("dialect", "numbers"),
    [
        (Dialect(decimal_char=","), {"12,50": "12.50", "-,5": "-.5", "1,5e-3": "1.5e-3", "7": "7", "12.50": None, "1.250,5": None, "1 250": None}),
        (Dialect(decimal_char=",", group_char="."),
         {"1.234.567,5": "1234567.5", "1234,5": "1234.5", "1.250": "1250", "12.50": None, "1.2345": None, "1234.567": None, ".123": None}),
        (Dialect(group_char=","), {"12,345.6": "12345.6", "12,50": None, "12.50": "12.50", "1,23,456": None, "1,234,": None}),
        (Dialect(decimal_char=",", group_char="\u202f"), {"12\u202f345,6": "12345.6", "12 345,6": None}),
    ],
)  # fmt: skip
def test_numbers_are_read_in_their_exact_form_or_not_at_all(dialect: Dialect, numbers: dict[str, str | None]) -> None:
    found = pl.DataFrame({"text": list(numbers)}).select(plain_number(pl.col("text"), dialect))
    assert dict(zip(numbers, found["text"].to_list(), strict=True)) == numbers


def test_what_cannot_stand_together_is_told_and_the_default_says_nothing() -> None:
    assert [word for word, _ in conflicts(Dialect(delimiter=";", quote_char=";", comment_char="#", escape_char="#"))] == [
        "quoteChar",
        "commentChar",
    ]
    assert [word for word, _ in conflicts(Dialect(decimal_char=",", group_char=","))] == ["groupChar"]
    assert (read_dialect({}).said, list(conflicts(read_dialect({})))) == ({}, [])
    assert read_dialect(Dialect(";", "'", "\\", False, "#", False, ",", ".").said) == Dialect(";", "'", "\\", False, "#", False, ",", ".")
