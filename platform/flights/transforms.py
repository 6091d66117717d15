"""What the contract of flights cannot say: clock times of New York as instants, and what became of a flight.

Pure frame functions: no clock, no environment. A transform sees the contract's columns already typed and the other landing columns as
text, and returns the frame with the columns that the contract leaves to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.refine.clock import local_to_utc, minutes_of_clock

if TYPE_CHECKING:
    import polars as pl

ZONE = "America/New_York"


def conform_flights(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Add scheduled_departure_utc, actual_departure_utc, is_cancelled and is_diverted.

    In: flight_date (date), dep_delay_minutes, arr_delay_minutes (int), sched_dep_time, dep_time (text, HHMM, null if absent).
    The actual departure is the scheduled one plus the delay: a difference of clocks would be an hour off when the clocks change in between.
    """
    import polars as pl

    departed = pl.col("dep_time").is_not_null()
    scheduled = local_to_utc(pl.col("flight_date"), minutes_of_clock(pl.col("sched_dep_time")), ZONE)
    return frame.with_columns(scheduled.alias("scheduled_departure_utc")).with_columns(
        pl.when(departed)
        .then(pl.col("scheduled_departure_utc") + pl.duration(minutes=pl.col("dep_delay_minutes")))
        .alias("actual_departure_utc"),
        (~departed).alias("is_cancelled"),
        (departed & pl.col("arr_delay_minutes").is_null()).alias("is_diverted"),
    )
