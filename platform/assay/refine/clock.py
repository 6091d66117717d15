"""Local clocks to UTC, right on the days on which the clocks change.

A clock time that does not exist (spring) is read with the offset before the change, as Java and PostgreSQL do; one that exists twice
(autumn) is the first of the two. 2400 is midnight at the end of the day.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

CLOCK = r"^\d{1,4}$"


def minutes_of_clock(text: pl.Expr) -> pl.Expr:
    """Minutes since midnight of a clock text HHMM without leading zeros (`5` is 00:05, `2400` is 1440); null if it is no clock time."""
    import polars as pl

    number = pl.when(text.str.contains(CLOCK)).then(text).cast(pl.Int32, strict=False)
    hours, minutes = number // 100, number % 100
    return pl.when((minutes < 60) & (number <= 2400)).then(hours * 60 + minutes)


def instant_of(wall: pl.Expr, zone: str) -> pl.Expr:
    """The instant, in UTC, at which the clocks of `zone` show a time; of one shown twice the first, of one never shown null."""
    return wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")


def local_to_utc(day: pl.Expr, minutes: pl.Expr, zone: str) -> pl.Expr:
    """The instant, in UTC, at which the clocks of `zone` show `minutes` after midnight on the date `day`."""
    import polars as pl

    wall = day.cast(pl.Datetime("us")) + pl.duration(minutes=minutes)
    # a gap is never longer than a day, so the clock a day before has the offset that held before the change
    return instant_of(wall, zone).fill_null(instant_of(wall - pl.duration(days=1), zone) + pl.duration(days=1))
