"""Bronze: what landed, as received, plus where it came from and the event date that its contract reads.

A bronze partition is an arrival. Its rows are a function of its files' contents, so ingesting again gives the same bytes. Rows whose event
date cannot be read, or lies outside the dataset's partitions, belong to no event partition: they are set aside under their arrival.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from assay.contracts.compile import spelled_as, sql_expression
from assay.contracts.model import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Grain
from assay.ingest.landing import LandingFile, landed, once_by_content
from assay.ingest.reading import Batch, Piece
from assay.lake.slices import TableSpec

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    import polars as pl

    from assay.contracts.model import Contract


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
    schema, landed = pa.schema([*columns, *event, *origin, *arrival]), frozenset(contract.source.columns)
    return TableSpec(f"bronze/{contract.dataset}", schema, (ARRIVAL,) if arrival else (), without_bounds=landed)


def batches(landing: Path, contract: Contract) -> dict[str, Batch]:
    """What has landed, by arrival: the first day of its partition in ISO form. A snapshot source has one arrival, "", its newest file."""
    files = landed(landing, contract.source)
    grouped: dict[str, list[LandingFile]] = {}
    for file in files if contract.arrival.grain is not Grain.NONE else files[-1:]:
        grouped.setdefault(_start(file.arrival, contract.arrival.grain), []).append(file)
    read = {arrival: tuple(once_by_content(found)) for arrival, found in grouped.items()}
    return {arrival: Batch(arrival, found) for arrival, found in read.items() if found}  # files may be gone since they were listed


def _start(day: date, grain: Grain) -> str:
    return "" if grain is Grain.NONE else (day.replace(day=1) if grain is Grain.MONTH else day).isoformat()


def frame_of(piece: Piece, contract: Contract) -> pl.DataFrame:
    """The readable arrivals of a piece as one frame of `bronze_spec`, ordered by arrival, file and row.

    Arrow's buffers are not copied file by file, and the origin of all rows is made at once.
    """
    import polars as pl

    spec = bronze_spec(contract)
    empty = pl.DataFrame(spec.schema.empty_table())
    files = [(batch.arrival, *content) for batch in piece.batches if batch.arrival not in piece.failed for content in batch.contents]
    if not files:
        return empty
    parts = [table for tables in piece.tables.values() for table in tables]
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
    text = spelled_as(sql_expression(time.expression), time.format)
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
