"""Bronze: what landed, as received, plus where it came from and the event date that its contract reads.

A bronze partition is an arrival. Its rows are a function of its files' contents, so ingesting again gives the same bytes. Rows whose event
date cannot be read, or lies outside the dataset's partitions, belong to no event partition: they are set aside under their arrival.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from assay.contracts.compiling.evaluate import evaluate
from assay.contracts.compiling.expressions import spelled_as
from assay.contracts.language.sql import columns_in
from assay.contracts.model.calendars import arrival_calendar
from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Grain
from assay.ingest.arrived import Arrived
from assay.ingest.bronze_contents import Holdings
from assay.ingest.merging import merged, newest_of
from assay.ingest.reading import Batch, Piece, Source
from assay.lake.slices import TableSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    import polars as pl

    from assay.contracts.model.contract import Contract, EventTime

TEXT, BEHIND = "_text", "_behind"


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
    calendar = arrival_calendar(contract)
    return TableSpec(f"bronze/{contract.dataset}", schema, (ARRIVAL,) if arrival else (), without_bounds=landed, calendar=calendar)


def batches(
    landing: Path,
    contract: Contract,
    wanted: Callable[[str], bool] = lambda _: True,
    now: datetime | None = None,
    holdings: Holdings | None = None,
    *,
    linked: Sequence[Path] = (),
    index: Path | None = None,
) -> dict[str, Batch]:
    """What has landed, by arrival: the first day of its partition in ISO form. A snapshot source has one arrival, "", its newest file.

    What bronze holds (`holdings`) has landed, whether or not its file is still there. Files are read for their hashes, those of `wanted`
    arrivals only. A file of a snapshot is newest from the day that it names, so not before `now`.
    """
    return batches_of(Arrived.look(landing, contract, linked, index), contract, wanted, now, holdings or Holdings())


def batches_of(
    arrived: Arrived, contract: Contract, wanted: Callable[[str], bool], now: datetime | None, holdings: Holdings
) -> dict[str, Batch]:
    """The same of what was listed before."""
    if contract.arrival.grain is Grain.NONE:
        newest = newest_of(arrived, holdings.of(""), contract, now) if wanted("") else ()
        return {"": Batch("", newest)} if newest else {}
    arrivals = [arrival for arrival in sorted({*arrived.groups, *holdings.arrivals}) if wanted(arrival)]
    read = {arrival: merged(arrived.hashed(arrival), holdings.of(arrival), contract.source) for arrival in arrivals}
    return {arrival: Batch(arrival, found) for arrival, found in read.items() if found}  # files may be gone since they were listed


def bronze_rows(piece: Piece, contract: Contract) -> pa.Table:
    """The readable arrivals of a piece as one table of `bronze_spec`, ordered by arrival, file and row.

    What landed is text from its file to its Parquet file: Arrow's buffers are handed on, and only the event time is computed.
    """
    import polars as pl

    schema, sources = bronze_spec(contract).schema, piece.sources
    if not sources:
        return schema.empty_table()
    body = pa.concat_tables(piece.parts)
    columns = dict(zip(body.column_names, body.columns, strict=True)) | _origins(sources)
    if contract.event_time:
        names = columns_in(contract.event_time.expression, contract.source.columns) or contract.source.columns[:1]
        columns[EVENT_DATE] = event_dates(cast("pl.DataFrame", pl.from_arrow(body.select(list(names)))), contract).to_arrow()
    return pa.Table.from_arrays([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _origins(sources: Sequence[Source]) -> dict[str, pa.Array]:
    """Where each row of the sources is from. Not with `pa.array`, which imports pandas."""
    import polars as pl

    origins = pl.DataFrame(
        {
            ARRIVAL: [date.fromisoformat(one.arrival) if one.arrival else None for one in sources],
            SOURCE_FILE: [one.landed.name for one in sources],
            SOURCE_HASH: [one.landed.hash for one in sources],
            SOURCE_ROW: [one.first for one in sources],
            BEHIND: [one.first + one.rows for one in sources],
        },
        schema_overrides={ARRIVAL: pl.Date},
    ).filter(pl.col(SOURCE_ROW) < pl.col(BEHIND))
    rows = origins.select(pl.exclude(SOURCE_ROW, BEHIND), pl.int_ranges(SOURCE_ROW, BEHIND).alias(SOURCE_ROW)).explode(SOURCE_ROW)
    if any(one.numbers is not None for one in sources):  # of what bronze held, erased rows are missing
        rows = rows.with_columns(pl.concat(_numbers(one) for one in sources).alias(SOURCE_ROW))
    return {column.name: column.to_arrow(compat_level=pl.CompatLevel.oldest()) for column in rows}


def _numbers(source: Source) -> pl.Series:
    import polars as pl

    if source.numbers is None:
        return pl.int_range(source.first, source.first + source.rows, dtype=pl.Int64, eager=True).alias(SOURCE_ROW)
    return cast("pl.Series", pl.from_arrow(source.numbers)).alias(SOURCE_ROW)


def event_dates(landed: pl.DataFrame, contract: Contract) -> pl.Series:
    """`_event_date`: the local date of each row's event in the contract's zone; null if it cannot be read or lies in no event partition.

    The contract's [start, end) says which partitions there are, those to come among them. `landed` has the landing columns that its
    expression reads. Each text is read once: a file has few dates and many rows.
    """
    import polars as pl

    span, found = contract.partitioning, pl.col(EVENT_DATE)
    inside = pl.lit(value=True)
    inside = inside & (found >= span.start) if span.start else inside
    inside = inside & (found < span.end) if span.end else inside
    return read_dates(landed, contract).to_frame().select(pl.when(inside).then(found).alias(EVENT_DATE))[EVENT_DATE]


def read_dates(landed: pl.DataFrame, contract: Contract) -> pl.Series:
    """The local date of each row's event in the contract's zone, wherever it lies; null if it cannot be read."""
    import polars as pl

    assert contract.event_time is not None  # noqa: S101  # the caller looked
    texts = event_texts(landed, contract).alias(TEXT).to_frame()
    found = _date(spelled_as(pl.col(TEXT), contract.event_time.format), contract.event_time)
    return texts.join(texts.unique().with_columns(found.alias(EVENT_DATE)), on=TEXT, how="left", maintain_order="left")[EVENT_DATE]


def event_texts(landed: pl.DataFrame, contract: Contract) -> pl.Series:
    """What the contract's expression gives for each row."""
    assert contract.event_time is not None  # noqa: S101  # the caller looked
    return evaluate(landed, contract.event_time.expression).values


def _date(text: pl.Expr, time: EventTime) -> pl.Expr:
    if not any(letter in time.format for letter in ("%H", "%-H")):
        return text.str.to_date(time.format, strict=False)
    moment = text.str.to_datetime(time.format, strict=False, time_unit="us")
    if any(letter in time.format for letter in ("%z", "%#z")):
        moment = moment.dt.convert_time_zone(time.zone)  # each text says its own offset
    elif time.source_zone != time.zone:
        local = moment.dt.replace_time_zone(time.source_zone, ambiguous="earliest", non_existent="null")
        moment = local.dt.convert_time_zone(time.zone)
    return moment.dt.date()
