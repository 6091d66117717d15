"""Parquet as other programs write it: the value that they meant is published, or the file is refused by the name of the type."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import fastavro
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from both_ways import read_both_ways

from assay.contracts.model.landing_source import LandingSource
from assay.errors import FileUnreadable
from assay.ingest.formats.parquet_files import Readers
from assay.ingest.landing_file import LandingFile

FIXTURES = Path(__file__).parents[1] / "fixtures/parquet"
PARQUET = LandingSource("x/x_{arrival:yyyy-MM-dd}.parquet", "parquet", "UTF-8", ("c",), ())


def read(path: Path, *columns: str, **source: object) -> list[dict[str, str | None]]:
    wanted = replace(PARQUET, columns=columns or PARQUET.columns, **source)  # type: ignore[arg-type]  # fields of a source
    found: list[dict[str, str | None]] = read_both_ways(LandingFile(path, path.name, date(2024, 1, 1)), wanted).to_pylist()
    return found


def written_by_duckdb(folder: Path, sql: str, version: str = "v1") -> Path:
    path = folder / "x.parquet"
    duckdb.connect().execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, PARQUET_VERSION {version})")
    return path


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_duckdb_s_files_of_both_versions_hold_the_same_values(tmp_path: Path, version: str) -> None:
    sql = "SELECT 'é' || i AS c, 'k' || (i % 3) AS k, [i::VARCHAR, NULL] AS l, '\\xAA'::BLOB AS b, nullif('x' || i, 'x1') AS n FROM range(3000) t(i)"
    rows = read(written_by_duckdb(tmp_path, sql, version), "c", "k", "l", "b", "n")
    assert rows == [
        {"c": f"é{i}", "k": f"k{i % 3}", "l": f'["{i}", null]', "b": "qg==", "n": None if i == 1 else f"x{i}"} for i in range(3000)
    ]


def test_spark_s_pages_of_version_2_are_read() -> None:
    rows = read(FIXTURES / "spark_v2.parquet", "id", "s", "k", "b", "d", "f", "n")
    assert len(rows) == 200
    assert rows[5] == {"id": "5", "s": "a common beginning of 000005", "k": "k2", "b": "false", "d": "5.00", "f": "1.25", "n": "5"}
    assert rows[7]["n"] is None


@pytest.mark.slow
def test_strings_of_deltas_that_are_longer_than_their_pages_are_read_in_small_steps(tmp_path: Path) -> None:
    path, text = tmp_path / "x.parquet", "x" * 50_000
    pq.write_table(pa.table({"c": [text] * 1_000}), path, use_dictionary=False, column_encoding={"c": "DELTA_BYTE_ARRAY"})
    assert path.stat().st_size < 100_000
    assert Readers.of(path.read_bytes(), 1 << 20).rows < 30
    with pytest.raises(FileUnreadable, match=r"its values have more than 1,048,576 bytes"):
        read(path, most_bytes=1 << 20)
    assert read(path)[999] == {"c": text}


def test_an_enumeration_is_text_also_inside_a_list() -> None:
    rows = read(FIXTURES / "java_enum.parquet", "mood", "moods", "doc")
    assert [row["mood"] for row in rows] == ["SAD", "OK", "é"]
    assert rows[0] == {"mood": "SAD", "moods": '["OK"]', "doc": '{"a": 1}'}


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("INTERVAL '1 month 2 days 3 seconds'", "P1M2DT3.000S"),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("'{\"a\": 1.50}'::JSON", '{"a": 1.50}'),
        ("TIME '10:11:12.123456'", "10:11:12.123456"),
        ("TIMESTAMPTZ '2024-01-01 00:00:00+02'", "2023-12-31T22:00:00.000000Z"),
        ("'2024-01-01 00:00:00.123456789'::TIMESTAMP_NS", "2024-01-01T00:00:00.123456789"),
        ("18446744073709551615::UBIGINT", "18446744073709551615"),
        ("1.23::DECIMAL(4, 2)", "1.23"),
        ("123456789012345678901234567.891::DECIMAL(38, 3)", "123456789012345678901234567.891"),
        ("DATE '0001-01-01'", "0001-01-01"),
        ("''", ""),
        ("'NaN'::DOUBLE", "NaN"),
        ("NULL::VARCHAR", None),
    ],
)  # fmt: skip
def test_a_value_of_duckdb_has_its_one_spelling(tmp_path: Path, sql: str, text: str | None) -> None:
    assert read(written_by_duckdb(tmp_path, f"SELECT {sql} AS c")) == [{"c": text}]


def test_the_types_of_arrow_and_polars_have_their_one_spelling(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    columns: dict[str, tuple[Any, pa.DataType, str]] = {
        "half": (1.5, pa.float16(), "1.5"), "small": (Decimal("-0.05"), pa.decimal32(5, 2), "-0.05"),
        "wide": (Decimal("12345678901234567890.5"), pa.decimal256(60, 1), "12345678901234567890.5"),
        "nanos": (1_704_067_200_123_456_789, pa.timestamp("ns"), "2024-01-01T00:00:00.123456789"),
        "clock": (time(1, 2, 3), pa.time32("ms"), "01:02:03.000"), "word": ("a", pa.dictionary(pa.int8(), pa.string()), "a"),
        "view": ("b", pa.string_view(), "b"), "byte": (255, pa.uint8(), "255"),
    }  # fmt: skip
    pq.write_table(pa.table({name: pa.array([value], kind) for name, (value, kind, _) in columns.items()}), path)
    assert read(path, *columns) == [{name: text for name, (_, _, text) in columns.items()}]
    frame = pl.DataFrame({"c": ["a", None, ""]}, schema={"c": pl.Categorical}).with_columns(
        pl.lit(datetime(2024, 1, 1, tzinfo=UTC)).alias("t")
    )
    frame.write_parquet(path)
    assert [row["c"] for row in read(path, "c", "t")] == ["a", None, ""]
    assert read(path, "c", "t")[0]["t"] == "2024-01-01T00:00:00.000000Z"


def test_strings_that_fall_back_from_a_dictionary_are_read(tmp_path: Path) -> None:
    path, texts = tmp_path / "x.parquet", [f"{number:050}" for number in range(5_000)]
    pq.write_table(pa.table({"c": texts}), path, dictionary_pagesize_limit=10_000, data_page_version="2.0")
    assert [row["c"] for row in read(path)] == texts


def test_a_variant_is_refused_by_name(tmp_path: Path) -> None:
    for path, names in ((FIXTURES / "spark_variant.parquet", ("id", "v")), (written_by_duckdb(tmp_path, "SELECT 1::VARIANT AS v"), ("v",))):
        with pytest.raises(FileUnreadable, match="the column v has the type VARIANT, which is not read"):
            read(path, *names)


@pytest.mark.parametrize(
    ("file", "columns", "said"),
    [
        ("spark_legacy_old", ("id", "d", "t", "a"), "the column d holds dates before 1582-10-15, which Spark wrote in its legacy calendar"),
        ("spark_int96_legacy_old", ("t",), "the column t holds times before 1900, which Spark wrote in its legacy calendar"),
    ],
)
def test_old_values_of_spark_s_legacy_calendar_are_refused_and_not_shifted(file: str, columns: tuple[str, ...], said: str) -> None:
    with pytest.raises(FileUnreadable, match=said) as refusal:
        read(FIXTURES / f"{file}.parquet", *columns)
    assert "CORRECTED" in str(refusal.value.hint)


def test_dates_of_a_list_and_instants_are_looked_at_too(tmp_path: Path) -> None:
    whole = pq.read_table(FIXTURES / "spark_legacy_old.parquet")
    for column, said in (("a", "the column a holds dates"), ("t", "the column t holds times")):
        pq.write_table(whole.select([column]), tmp_path / "x.parquet")
        with pytest.raises(FileUnreadable, match=said):
            read(tmp_path / "x.parquet", column)


def test_new_values_of_a_legacy_file_and_old_ones_of_another_are_what_they_say() -> None:
    names = ("id", "d", "t", "a")
    assert read(FIXTURES / "spark_legacy_new.parquet", *names) == [
        {"id": "0", "d": "2024-02-28", "t": "2024-01-01T08:00:00.000000Z", "a": '["2024-01-01"]'}
    ]
    assert read(FIXTURES / "spark_int96_legacy_new.parquet", "t") == [{"t": "2024-01-01T08:00:00.000000000"}]
    assert read(FIXTURES / "spark_corrected_old.parquet", *names) == [
        {"id": "0", "d": "1500-02-28", "t": "1850-01-01T07:52:58.000000Z", "a": '["1400-01-01"]'}
    ]


@pytest.mark.parametrize(
    ("kind", "old", "new", "text"),
    [
        ({"type": "int", "logicalType": "date"}, -141_428, -141_427, "1582-10-15"),
        ({"type": "long", "logicalType": "timestamp-millis"}, -2_208_988_800_001, -2_208_988_800_000, "1900-01-01T00:00:00.000Z"),
        ({"type": "long", "logicalType": "timestamp-micros"}, -2_208_988_800_000_001, 0, "1970-01-01T00:00:00.000000Z"),
    ],
)  # fmt: skip
def test_avro_of_spark_s_legacy_calendar_is_refused_where_it_is_old(
    tmp_path: Path, kind: dict[str, str], old: int, new: int, text: str
) -> None:
    path, schema = tmp_path / "x.avro", {"type": "record", "name": "r", "fields": [{"name": "c", "type": ["null", kind]}]}

    def write(value: int, metadata: dict[str, str]) -> None:
        out = BytesIO()
        fastavro.writer(out, schema, [{"c": value}], metadata=metadata)
        path.write_bytes(out.getvalue())

    legacy = {"org.apache.spark.version": "3.2.0", "org.apache.spark.legacyDateTime": ""}
    write(new, legacy)
    assert read(path, format="avro") == [{"c": text}]
    write(old, {"org.apache.spark.version": "3.2.0"})
    assert read(path, format="avro") != [{"c": text}]
    for metadata in (legacy, {"org.apache.spark.version": "2.4.8"}):
        write(old, metadata)
        with pytest.raises(FileUnreadable, match="before 1582-10-15 or times before 1900, which Spark wrote in its legacy calendar"):
            read(path, format="avro")
