"""What a stranger's file may ask of the reader: long records, many values and deep nesting are refused by a sentence that names the bound."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from fastavro import schemaless_writer

from assay.contracts.model.landing_source import LandingSource
from assay.contracts.reading.odcs import load_contracts
from assay.errors import FileUnreadable
from assay.ingest.formats.file_faults import columns_fault
from assay.ingest.formats.limits import MOST_COLUMNS, MOST_NESTED, MOST_OF_A_RECORD, line_too_long
from assay.ingest.formats.readers import read_text
from assay.ingest.landing import landed
from assay.ingest.landing_file import LandingFile, stamp_of
from assay.ingest.survey import Fate, survey
from sales import write_sales

if TYPE_CHECKING:
    from pathlib import Path

CSV = LandingSource("x/x_{arrival:yyyy-MM-dd}.csv", "csv", "UTF-8", ("a", "b"), ("",))
JSON = replace(CSV, format="jsonl")
LONG = "x" * (MOST_OF_A_RECORD + 1)
IN_A_LINE, IN_A_ROW = "a line has more than 16,777,216 bytes", "a row has more than 16,777,216 bytes"


def read(folder: Path, content: str, source: LandingSource = CSV) -> list[tuple[str | None, ...]]:
    file = landing_file(folder, "x.csv")
    file.path.write_text(content)
    return [tuple(row.values()) for row in read_text(file, source).to_pylist()]


def landing_file(folder: Path, name: str) -> LandingFile:
    return LandingFile(folder / name, name, date(2024, 1, 1))


@pytest.mark.parametrize(
    ("content", "source", "said"),
    [
        pytest.param(f'{{"a": 1}}\n{{"a": "{LONG}"}}\n', JSON, f"line 2: {IN_A_LINE}", id="json"),
        pytest.param(f"a,b\n1,{LONG}\n", CSV, f"line 2: {IN_A_LINE}", id="csv"),
        pytest.param(f"a,b\n1,2\n3,{LONG}\n4,5\n", CSV, f"line 3: {IN_A_LINE}", id="csv-further-down"),
        pytest.param('a,b\n1,2\n3,"' + "word\n" * 7_000_000 + '"\n', CSV, IN_A_ROW, id="csv-of-many-lines"),
        pytest.param(f"{LONG}\n1,2\n", CSV, "line 1: its first 16,777,216 bytes hold no whole row", id="csv-header"),
        pytest.param("a,b\n" + "1," * (MOST_COLUMNS + 1) + "\n", CSV, "line 2: a row has more than 16,384 values", id="values"),
        pytest.param("a," * (MOST_COLUMNS + 1) + "b\n1,2\n", CSV, "line 1: a row has more than 16,384 values", id="names"),
        pytest.param('{"a": ' + "[" * 101 + "]" * 101 + "}\n", JSON, "line 1: values are nested more than 100 deep", id="nested"),
        pytest.param(
            '{"a": ' + "[" * 9_999 + "]" * 9_999 + "}\n", JSON, "line 1: values are nested more than 100 deep", id="deeply-nested"
        ),
    ],
)
def test_a_record_beyond_bounds_is_refused_by_name(tmp_path: Path, content: str, source: LandingSource, said: str) -> None:
    with pytest.raises(FileUnreadable, match=said):
        read(tmp_path, content, source)


def test_what_is_within_bounds_is_read_as_received(tmp_path: Path) -> None:
    large = "x" * (MOST_OF_A_RECORD - 100)
    assert read(tmp_path, f"a,b\n1,{large}\n") == [("1", large)]
    assert read(tmp_path, f'{{"a": "{large}"}}\n', JSON) == [(large, None)]
    nested = "[" * (MOST_NESTED - 1) + "]" * (MOST_NESTED - 1)
    assert read(tmp_path, f'{{"a": {nested}}}\n', JSON) == [(nested, None)]


def test_the_first_line_that_is_too_long_is_found_wherever_it_stands() -> None:
    assert line_too_long(b"12345\n12345\n12345", most=5) is None
    assert line_too_long(b"12345\n12345\n123456\n1", most=5) == 3
    assert line_too_long(b"1\n2\n3\n123456", most=5) == 4
    assert line_too_long(b"1\r2\r3\r12345\r", most=5) is None


def test_a_sender_is_told_where_the_unknown_columns_stand_that_are_not_named() -> None:
    source = replace(CSV, is_sensitive=True)
    assert columns_fault(["Anna", "a", "b", "Smith"], source) == (
        "has 2 unknown columns (number 1, 4 of 4), not named because the contract has sensitive ones"
    )
    assert columns_fault(["a", "Anna", "b"], replace(source, is_sensitive=False)) == "has the unknown column Anna"


def test_the_words_of_a_library_are_not_told_where_columns_are_sensitive(tmp_path: Path) -> None:
    source = replace(CSV, format="avro", is_sensitive=True)
    schema = {"type": "record", "name": "row", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "Anna Smith"}]}
    file = landing_file(tmp_path, "x.avro")
    with file.path.open("wb") as written:
        written.write(b"Obj\x01")
        schemaless_writer(written, {"type": "map", "values": "bytes"}, {"avro.schema": json.dumps(schema).encode()})
        written.write(bytes(16))
    with pytest.raises(FileUnreadable, match=r"its schema: it cannot be read: \w+, not told because the contract has sens") as refused:
        read_text(file, source)
    assert "Anna" not in str(refused.value)
    with pytest.raises(FileUnreadable, match="its schema: it cannot be read: Anna Smith"):
        read_text(file, replace(source, is_sensitive=False))


@pytest.mark.parametrize(("form", "content"), [("csv", "sale,day,Anna Smith\n1,2,3\n"), ("jsonl", '{"sale": 1, "Anna Smith": 2}\n')])
def test_a_value_that_stands_for_a_name_is_not_told_where_columns_are_sensitive(tmp_path: Path, form: str, content: str) -> None:
    write_sales(tmp_path / "contracts")
    source = replace(load_contracts(tmp_path / "contracts")["sales"].source, format=form)
    with pytest.raises(FileUnreadable, match=r"unknown columns? \(number .* of \d\), not named because the contract has sens") as refused:
        read(tmp_path, content, source)
    assert "Anna" not in str(refused.value)
    with pytest.raises(FileUnreadable, match="unknown column Anna Smith"):
        read(tmp_path, content, replace(source, is_sensitive=False))


def test_a_link_is_followed_only_where_it_may_lead(tmp_path: Path) -> None:
    """A file's in its own folder; a folder's in the landing folder, which may be a link itself, and where the operator says."""
    elsewhere, real, landing = tmp_path / "elsewhere", tmp_path / "real", tmp_path / "landing"
    for folder in (elsewhere, real, real / "y"):
        folder.mkdir()
    landing.symlink_to(real)
    (tmp_path / "private.csv").write_text("a,b\n1,2\n")
    for folder in (elsewhere, real / "y"):
        (folder / "x_2024-01-01.csv").write_text("a,b\n1,2\n")
        (folder / "x_2024-01-02.csv").symlink_to(folder / "x_2024-01-01.csv")
        (folder / "x_2024-01-03.csv").symlink_to(tmp_path / "private.csv")
    taken = ["x/x_2024-01-01.csv", "x/x_2024-01-02.csv"]

    (landing / "x").symlink_to(elsewhere)
    assert landed(landing, CSV) == []
    assert ignored(landing)["x"].startswith("it is a link to a folder outside of the landing folder; ASSAY_LANDING_LINKS")
    assert [file.name for file in landed(landing, CSV, [elsewhere])] == taken
    assert ignored(landing, elsewhere)["x/x_2024-01-03.csv"].startswith("it is a link that leads out of its folder")

    (landing / "x").unlink()
    (landing / "x").symlink_to(landing / "y")
    assert [file.name for file in landed(landing, CSV)] == taken
    assert "x" not in ignored(landing)


def test_a_link_that_leads_to_itself_and_a_pipe_are_said_and_stop_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x/x_2024-01-01.csv").write_text("a,b\n1,2\n")
    (tmp_path / "x/x_2024-01-02.csv").symlink_to("round")
    (tmp_path / "x/round").symlink_to("x_2024-01-02.csv")
    (tmp_path / "y").symlink_to("y")
    os.mkfifo(tmp_path / "x/x_2024-01-03.csv")

    assert [file.name for file in landed(tmp_path, CSV)] == ["x/x_2024-01-01.csv"]
    assert {name for name, why in ignored(tmp_path).items() if "Too many levels" in why} == {"x/x_2024-01-02.csv", "x/round", "y"}
    just_now = survey(tmp_path, {}, datetime.now(UTC))
    assert {one.name: one.why for one in just_now}["x/x_2024-01-03.csv"] == "it is no file"


def test_a_file_may_be_of_any_time_that_its_file_system_knows(tmp_path: Path) -> None:
    """A year after 2262 has more nanoseconds than 64 bits; whoever drops a file may say one."""
    (tmp_path / "x").mkdir()
    for day, written in enumerate((9_300_000_000, 0, -2_000_000_000), 1):
        file = tmp_path / f"x/x_2024-01-0{day}.csv"
        file.write_text(f"a,b\n{day},2\n")
        os.utime(file, (written, written))
    os.utime(tmp_path / "x/x_2024-01-01.csv", (15_000_000_000, 15_000_000_000))
    listed = landed(tmp_path, CSV)
    assert [file.stamp == stamp_of(file.path.stat()) for file in listed] == [True, True, True]

    (tmp_path / "x/x_2024-01-01.csv").write_text("a,b\n7,2\n")
    os.utime(tmp_path / "x/x_2024-01-01.csv", (15_000_000_000, 15_000_000_000))
    assert [one.stamp == two.stamp for one, two in zip(listed, landed(tmp_path, CSV), strict=True)] == [False, True, True]


def ignored(landing: Path, *linked: Path) -> dict[str, str]:
    seen = survey(landing, {}, datetime(2024, 2, 1, tzinfo=UTC), linked)
    return {one.name: one.why for one in seen if one.fate is Fate.IGNORED}
