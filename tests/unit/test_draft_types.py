"""Drafted types: what most values can be read as, with the exact format, and the few that cannot be read are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.inference.guesses import Declared
from assay.contracts.inference.readings import DECIMAL_COMMA, THOUSANDS
from drafted import contract_of, draft_of, judged, one_column, refined_of, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DAYS = [f"{day:02d}" for day in range(1, 29)]


@pytest.mark.parametrize(
    ("name", "values", "logical", "physical"),
    [
        ("visits", ["1", "20", "-3"] * 10, "integer", "SMALLINT"),
        ("visits", ["1", "20000", "3"] * 10, "integer", "INTEGER"),
        ("visits", ["1", "2147483647", "3"] * 10, "integer", "BIGINT"),
        ("account_id", ["1", "2", "3"] * 10, "integer", "BIGINT"),
        ("ratio", ["0.5", "1e-3", "12"] * 10, "number", "DOUBLE"),
        ("price", ["10.00", "7.50", "1234.99"] * 10, "number", "DECIMAL(12, 2)"),
        ("price", ["10", "7.5", "1234.125"] * 10, "number", "DECIMAL(12, 3)"),
        ("gift", ["yes", "no", "yes"] * 10, "boolean", "BOOLEAN"),
        ("is_gift", ["1", "0", "1"] * 10, "boolean", "BOOLEAN"),
        ("gifts", ["1", "0", "1"] * 10, "integer", "SMALLINT"),
        ("zip", ["01234", "99999", "10115"] * 10, "string", "VARCHAR"),
        ("barcode", ["12345678901234567890", "22345678901234567890", "1"] * 10, "string", "VARCHAR"),
        ("note", ["fine", "12", "x"] * 10, "string", "VARCHAR"),
        ("weight", ["12345678901234567890.123456780", "1.5", "0.25"] * 10, "number", "DECIMAL(29, 9)"),
        ("weight", [f"{'9' * 40}.5", "1.5", "0.25"] * 10, "string", "VARCHAR"),
        ("weight", ["0.1234567890123456", "1.5", "0.30000000000000004"] * 10, "number", "DOUBLE"),
        ("ratio", ["1.0E6", "2e-3", "1e+5"] * 10, "number", "DOUBLE"),
        ("gate", [f"{digit}E{other}" for digit in range(1, 7) for other in range(5)], "string", "VARCHAR"),
        ("empty", [None] * 30, "string", "VARCHAR"),
    ],
)
def test_a_type_is_the_narrowest_that_reads_the_values_with_a_margin(
    name: str, values: Sequence[str | None], logical: str, physical: str, tmp_path: Path
) -> None:
    drafted = one_column(name, values, tmp_path)
    assert (drafted["logicalType"], drafted["physicalType"]) == (logical, physical)


@pytest.mark.parametrize(
    ("values", "logical", "pattern"),
    [
        ([f"2024-03-{day}" for day in DAYS], "date", "yyyy-MM-dd"),
        ([f"2024/03/{day}" for day in DAYS], "date", "yyyy/MM/dd"),
        ([f"{day}.03.2024" for day in DAYS], "date", "dd.MM.yyyy"),
        ([f"03/{day}/2024" for day in DAYS], "date", "MM/dd/yyyy"),
        ([f"{int(day)}/3/2024" for day in DAYS], "date", "d/M/yyyy"),
        ([f"202403{day}" for day in DAYS], "date", "yyyyMMdd"),
        ([f"2024-03-{day} 10:30" for day in DAYS], "timestamp", "yyyy-MM-dd HH:mm"),
        ([f"2024-03-{day} 9:30" for day in DAYS], "timestamp", "yyyy-MM-dd H:mm"),
        ([f"2024-03-{day}T10:30:00Z" for day in DAYS], "timestamp", "yyyy-MM-dd'T'HH:mm:ss'Z'"),
        ([f"2024-03-{day}T10:30:00.125Z" for day in DAYS], "timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"),
        ([f"2024-03-{day}T10:30:00.125000" for day in DAYS], "timestamp", "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"),
        ([f"2024-03-{day}T10:30:00+02:00" for day in DAYS], "timestamp", "yyyy-MM-dd'T'HH:mm:ssXXX"),
        ([f"2024-03-{day}T10:30:00+02:00" for day in DAYS] + ["2024-03-01T10:30:00Z"] * 5, "timestamp", "yyyy-MM-dd'T'HH:mm:ssXXX"),
        ([f"2024-03-{day}T10:30:00+0200" for day in DAYS], "timestamp", "yyyy-MM-dd'T'HH:mm:ssZ"),
        ([f"{day}.03.2024 10:30:00" for day in DAYS], "timestamp", "dd.MM.yyyy HH:mm:ss"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_time_is_read_by_the_format_that_it_is_spelled_in(values: list[str], logical: str, pattern: str, tmp_path: Path) -> None:
    drafted = one_column("seen", values, tmp_path)
    assert (drafted["logicalType"], drafted["logicalTypeOptions"]["format"]) == (logical, pattern)


def test_day_and_month_that_no_value_tells_apart_are_said_and_the_closer_order_is_taken() -> None:
    frame = table(seen=[f"03/{day:02d}/2024" for day in range(1, 13)] * 3)
    draft = draft_of(frame)
    assert "format: MM/dd/yyyy" in draft.text
    assert "day and month cannot be told apart: MM/dd/yyyy spans 11 days, dd/MM/yyyy spans 335 days; check this" in draft.text
    assert "seen: date" in [guess.about for guess in draft.doubtful(3)]


@pytest.mark.parametrize(
    ("name", "values", "expression"),
    [
        ("amount", [" 12.50", "3.00 ", "4.10"] * 10, "TRIM(amount)"),
        ("amount", ["1,234.50", "12.00", "7.25"] * 10, THOUSANDS.expression("amount")),
        ("amount", ["1.234,50", "12,00", "7,25"] * 10, DECIMAL_COMMA.expression("amount")),
        ("city", [" Berlin", "Bern", "Oslo "] * 10, "TRIM(city)"),
        ("order", [" 1", "2 ", "3"] * 10, 'TRIM("order")'),
        ("table", ["1,234.50", "12.00", "7.25"] * 10, THOUSANDS.sql('"table"') if THOUSANDS.sql else ""),
    ],
)
def test_dirty_values_are_cleaned_in_sql_and_every_row_is_published(name: str, values: list[str], expression: str, tmp_path: Path) -> None:
    frame = table(**{"row_id": [f"r{number:05d}" for number in range(len(values))], name: values})
    draft = draft_of(frame)
    column = next(column for column in contract_of(draft, tmp_path).columns if column.source == name or column.expression)
    assert column.expression == expression
    assert judged(draft, frame, tmp_path) == (30, 30, 0)


@pytest.mark.parametrize(
    ("values", "logical"),
    [
        (["1704067200", "1704153600"] * 10, "timestamp"),
        (["1704067200123", "1704153600456"] * 10, "timestamp"),
        ([f"2024-03-{day}T10:30:00.123456789Z" for day in DAYS], "timestamp"),
        ([f"2024-03-{day}T10:30:00.1234567" for day in DAYS], "timestamp"),
    ],
)
def test_times_that_no_format_reads_are_made_readable_in_sql(values: list[str], logical: str, tmp_path: Path) -> None:
    frame = table(row_id=[f"r{number:05d}" for number in range(len(values))], created_at=values)
    draft = draft_of(frame)
    assert one_column("created_at", values, tmp_path)["logicalType"] == logical
    assert judged(draft, frame, tmp_path) == (len(values), len(values), 0)


def test_a_value_in_a_hundred_may_be_unreadable_and_is_counted(tmp_path: Path) -> None:
    frame = table(row_id=[f"r{number:05d}" for number in range(200)], visits=["7"] * 198 + ["seven", "eight"])
    draft = draft_of(frame)
    assert "# guess: whole numbers: 198 of 200 values; 2 rows cannot be read so and will be quarantined" in draft.text
    assert draft.refused == {"visits": 2}
    assert judged(draft, frame, tmp_path) == (200, 198, 2)


def test_more_unreadable_values_make_the_column_text_and_that_is_said(tmp_path: Path) -> None:
    frame = table(row_id=[f"r{number:05d}" for number in range(200)], visits=["7"] * 190 + ["seven"] * 10)
    draft = draft_of(frame)
    assert "nearly integer, but 10 rows cannot be read so, more than 1 in 100" in draft.text
    assert draft.refused == {}
    assert judged(draft, frame, tmp_path) == (200, 200, 0)


def test_one_dirty_value_among_few_does_not_decide_the_type() -> None:
    assert "1 row cannot be read so" in draft_of(table(visits=["7"] * 19 + ["x"])).text
    assert "logicalType: string  # guess: text" in draft_of(table(visits=["7"] * 18 + ["x"])).text


def test_what_the_file_declares_is_believed(tmp_path: Path) -> None:
    declared = {"zip": Declared("string"), "amount": Declared("number", "DECIMAL(20, 4)"), "visits": Declared("integer", "INTEGER")}
    draft = draft_of(table(zip=["10115"] * 9, amount=["1.5000"] * 9, visits=["1"] * 9), format="parquet", declared=declared)
    types = {column.name: column.physical_type for column in contract_of(draft, tmp_path).columns}
    assert types == {"zip": "VARCHAR", "amount": "DECIMAL(20, 4)", "visits": "INTEGER"}
    assert "the file declares string" not in draft.text
    assert draft.text.count("the file declares") == 3


@pytest.mark.parametrize(
    ("usual", "other", "kept"),
    [
        (["1,234.50", "12.00", "7.25"], "12,50", None),
        (["1,234.50", "12.00", "7.25"], "1,23,456.00", None),
        (["1,234.50", "12.00", "7.25"], "99.99", "99.99"),
        (["1.234,50", "12,00", "7,25"], "99.99", None),
        (["1.234,50", "12,00", "7,25"], "1.2345,00", None),
        (["1.234,50", "12,00", "7,25"], "2.000,75", "2000.75"),
    ],
)
def test_a_number_that_is_spelled_otherwise_later_is_held_and_never_another_number(
    usual: list[str], other: str, kept: str | None, tmp_path: Path
) -> None:
    sample = table(row_id=[f"r{number:05d}" for number in range(30)], amount=usual * 10)
    draft = draft_of(sample)
    later = table(row_id=["r00001", "r00002"], amount=[usual[0], other])
    refined = refined_of(draft, later, tmp_path)
    assert refined.published.filter(row_id="r00002")["amount"].cast(pl.String).to_list() == ([kept] if kept else [])
    assert refined.rejected["rule"].to_list() == ([] if kept else ["amount_type"])


@pytest.mark.parametrize(
    ("values", "trimmed"),
    [
        (["DE ", "FR ", "IT"] * 10, True),
        ([" a note of somebody who wrote more than a code has letters", "short "] * 15, False),
        ([" two\nlines ", "one "] * 15, False),
    ],
    ids=["codes", "a long text", "lines"],
)
def test_blanks_are_cut_off_codes_and_left_to_what_people_wrote(values: list[str], trimmed: bool, tmp_path: Path) -> None:
    drafted = one_column("remark", values, tmp_path)
    assert ("transformLogic" in drafted) == trimmed
    said = next(guess.reason for guess in draft_of(table(remark=values)).guesses if guess.about == "remark: string")
    assert ("which are cut off" if trimmed else "which belong to it") in said


@pytest.mark.parametrize(
    "spelled", ["12 Jan 2024", "January 12, 2024", "Jan 12 2024", "12. März 2024", "Fri, 12 Apr 2024 10:00:00", "12-SEP-2024"]
)
def test_dates_with_names_of_months_are_said_to_be_read_by_no_format(spelled: str) -> None:
    said = next(
        guess.reason for guess in draft_of(table(seen=[spelled, spelled.replace("12", "13")] * 15)).guesses if guess.about == "seen: string"
    )
    assert "dates with names of months, which no format reads" in said


def test_words_that_begin_like_months_are_no_dates() -> None:
    values = ["Marble", "May", "decent 1", "Junction 4"] * 8
    said = next(guess.reason for guess in draft_of(table(seen=values)).guesses if guess.about == "seen: string")
    assert "months" not in said


def test_a_time_without_zone_asks_for_the_clock_that_it_tells() -> None:
    text = draft_of(table(seen=[f"2024-03-{day} 10:30" for day in DAYS])).text
    assert "defaultTimezone: Etc/UTC  # guess: the text has no zone; name the one whose clocks it tells, such as Europe/Berlin" in text
    assert "defaultTimezone" not in draft_of(table(seen=[f"2024-03-{day}T10:30:00Z" for day in DAYS])).text
