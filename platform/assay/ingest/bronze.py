"""Bronze: what landed, as received, plus where it came from and the event date that its contract reads.

A bronze partition is an arrival. Its rows are a function of its files' contents, so ingesting again gives the same bytes. Rows whose event
date cannot be read, or lies outside the dataset's partitions, belong to no event partition: they are set aside under their arrival.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.contracts.compile import sql_expression
from assay.contracts.model import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Grain
from assay.errors import FileUnreadable
from assay.ingest.landing import LandingFile, landed, once_by_content
from assay.ingest.readers import read_text
from assay.lake.slices import TableSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import polars as pl

    from assay.contracts.model import Contract

READERS = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """The files of one arrival, each content once, and what became of reading them."""

    arrival: str
    files: tuple[tuple[LandingFile, str], ...]

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Name and hash of each file: what a bronze partition is made from."""
        return [(file.name, digest) for file, digest in self.files]


def bronze_spec(contract: Contract) -> TableSpec:
    """The bronze table: every landing column as nullable text, the event date, the origin of the row, the arrival as partition."""
    columns = [pa.field(name, pa.string()) for name in contract.source.columns]
    origin = [
        pa.field(SOURCE_FILE, pa.string(), nullable=False),
        pa.field(SOURCE_ROW, pa.int64(), nullable=False),
        pa.field(SOURCE_HASH, pa.string(), nullable=False),
    ]
    event = [pa.field(EVENT_DATE, pa.date32())] if contract.event_time else []
    arrival = [pa.field(ARRIVAL, pa.date32(), nullable=False)] if contract.arrival.grain is not Grain.NONE else []
    return TableSpec(f"bronze/{contract.dataset}", pa.schema([*columns, *event, *origin, *arrival]), (ARRIVAL,) if arrival else ())


def batches(landing: Path, contract: Contract) -> dict[str, Batch]:
    """What has landed, by arrival: the first day of its partition in ISO form. A snapshot source has one arrival, "", its newest file."""
    files = landed(landing, contract.source)
    if contract.arrival.grain is Grain.NONE:
        return {"": Batch("", tuple(once_by_content(files[-1:])))} if files else {}
    grouped: dict[str, list[LandingFile]] = {}
    for file in files:
        grouped.setdefault(_start(file.arrival, contract.arrival.grain).isoformat(), []).append(file)
    return {arrival: Batch(arrival, tuple(once_by_content(found))) for arrival, found in grouped.items()}


def _start(day: date, grain: Grain) -> date:
    return day.replace(day=1) if grain is Grain.MONTH else day


def read_batches(batches_: Sequence[Batch], contract: Contract) -> tuple[pl.DataFrame, dict[str, FileUnreadable]]:
    """Read some arrivals into one frame of `bronze_spec`, ordered by arrival, file and row, and say which arrivals could not be read.

    An arrival with one unreadable file gives no rows at all: it must not replace what was there before.
    """
    tables, failed = dict[tuple[str, str], pa.Table](), dict[str, FileUnreadable]()

    def read(entry: tuple[Batch, LandingFile]) -> pa.Table | FileUnreadable:
        try:
            return read_text(entry[1], contract.source)
        except FileUnreadable as error:
            return error

    entries = [(batch, file) for batch in batches_ for file, _ in batch.files]
    with ThreadPoolExecutor(READERS) as pool:
        for (batch, file), found in zip(entries, pool.map(read, entries), strict=True):
            if isinstance(found, FileUnreadable):
                failed.setdefault(batch.arrival, found)
            else:
                tables[batch.arrival, file.name] = found
    good = [batch for batch in batches_ if batch.arrival not in failed]
    return _assemble(good, tables, contract), failed


def _assemble(batches_: Sequence[Batch], tables: Mapping[tuple[str, str], pa.Table], contract: Contract) -> pl.DataFrame:
    """Put files together as one frame: Arrow's buffers are not copied file by file, and the origin of all rows is made at once."""
    import polars as pl

    spec = bronze_spec(contract)
    empty = pl.DataFrame(spec.schema.empty_table())
    files = [(batch.arrival, file.name, digest) for batch in batches_ for file, digest in batch.files]
    if not files:
        return empty
    parts = [tables[arrival, name] for arrival, name, _ in files]
    body = pl.DataFrame(pa.concat_tables(parts))
    origin = pl.DataFrame(
        {
            ARRIVAL: [arrival for arrival, _, _ in files],
            SOURCE_FILE: [name for _, name, _ in files],
            SOURCE_HASH: [hash_ for _, _, hash_ in files],
        }
    ).with_columns(pl.Series(SOURCE_ROW, [part.num_rows for part in parts]))
    numbered = origin.with_columns(pl.int_ranges(1, pl.col(SOURCE_ROW) + 1).alias(SOURCE_ROW))
    rows = numbered.filter(pl.col(SOURCE_ROW).list.len() > 0).explode(SOURCE_ROW)
    frame = body.with_columns(rows.get_columns())
    if ARRIVAL in spec.schema.names:
        frame = frame.with_columns(pl.col(ARRIVAL).str.to_date("%Y-%m-%d"))
    if contract.event_time:
        frame = with_event_date(frame, contract)
    return frame.select(empty.columns)


def with_event_date(frame: pl.DataFrame, contract: Contract) -> pl.DataFrame:
    """Add `_event_date`: the local date of the event in the contract's zone; null if it cannot be read or lies in no event partition."""
    import polars as pl

    time, span = contract.event_time, contract.partitioning
    assert time is not None  # noqa: S101  # the caller looked
    text = sql_expression(time.expression)
    if any(letter in time.format for letter in ("%H", "%-H")):
        moment = text.str.to_datetime(time.format, strict=False, time_unit="us")
        if any(letter in time.format for letter in ("%z", "%#z")):
            moment = moment.dt.convert_time_zone(time.zone)  # each text says its own offset
        elif time.source_zone != time.zone:
            local = moment.dt.replace_time_zone(time.source_zone, ambiguous="earliest", non_existent="null")
            moment = local.dt.convert_time_zone(time.zone)
        found = moment.dt.date()
    else:
        found = text.str.to_date(time.format, strict=False)
    inside = pl.lit(value=True)
    inside = inside & (found >= span.start) if span.start else inside
    inside = inside & (found < span.end) if span.end else inside
    return frame.with_columns(pl.when(inside).then(found).alias(EVENT_DATE))
