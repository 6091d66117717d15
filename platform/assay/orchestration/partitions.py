"""Partitions: Dagster's partition keys become the lake's partitions here, and nowhere else.

A key names values of the table's partition columns and a half-open window of event time. Calendars, time zones and days of 23 or 25 hours
are Dagster's business (`time_window_for_partition_key`); what a value looks like in the table is decided by the column's type.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pyarrow as pa

from assay.errors import SliceInvalid
from assay.lake.slices import WHOLE, Partition, Slice, Window
from assay.lake.staging import partition_value
from assay.orchestration.calendars import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from assay.lake.slices import TableSpec

_partitions: dict[tuple[object, ...], dict[str, Partition]] = {}
MOST_KNOWN = 300_000  # partitions, half a kilobyte each; then all are forgotten
A_DAY, DATE_FORMAT = timedelta(days=1), "%Y-%m-%d"
OTHER_COLUMN = "Use a timestamp with time zone or a string as partition column."


def slice_of(definition: dg.PartitionsDefinition | None, keys: Iterable[str], spec: TableSpec) -> Slice:
    """The slice of `spec` that a run of these partition keys owns; the whole table for an asset without partitions."""
    if definition is None:
        return Slice(spec, (WHOLE,))
    known, partitions = _known(definition, spec), list[Partition]()
    for key in keys:
        if (partition := known.get(key)) is None:
            partition = known[key] = partition_of(definition, key, spec)
        partitions.append(partition)
    return Slice(spec, tuple(partitions))


def _known(definition: dg.PartitionsDefinition, spec: TableSpec) -> dict[str, Partition]:
    """The partitions that were asked for before, of whatever table with such columns: to place a day in its zone takes Dagster a while."""
    columns = [*spec.partition_by, *([spec.event_time] if spec.event_time in spec.schema.names else [])]
    fields = tuple((column, str(spec.schema.field(column).type)) for column in columns if column in spec.schema.names)
    if sum(map(len, _partitions.values())) > MOST_KNOWN:
        _partitions.clear()
    return _partitions.setdefault((definition, spec.partition_by, spec.event_time, fields), {})


def whole_of(definition: dg.TimeWindowPartitionsDefinition | None, spec: TableSpec) -> Callable[[], Slice]:
    """What gives the slice of all partitions that there are now, for whoever needs it: it takes a while to list thousands."""
    return lambda: slice_of(definition, keys_of(definition) if definition else (), spec)


def partition_of(definition: dg.PartitionsDefinition, key: str, spec: TableSpec) -> Partition:
    """The partition of `spec` with this key: a value for each partition column, and the UTC window of its time dimension, if it has one.

    Raises SliceInvalid when a partition column cannot tell this partition from every other.
    """
    if not spec.partition_by:
        raise SliceInvalid(f"{spec.name} has no partition column, but its asset has the partition {key!r}.")
    values, window = dict[str, str](), None
    for column, dimension, part in _dimensions(definition, key, spec):
        field = spec.schema.field(column)
        if isinstance(dimension, dg.TimeWindowPartitionsDefinition):
            span = dimension.time_window_for_partition_key(part)
            day = _day(dimension, part, span)
            values[column] = _time_value(span, day, part, field, spec)
            window = _window(span, day, spec)
        else:
            values[column] = _plain_value(part, field, spec)
    return Partition(str(key), tuple(values[column] for column in spec.partition_by), window)


def _dimensions(definition: dg.PartitionsDefinition, key: str, spec: TableSpec) -> Iterator[tuple[str, dg.PartitionsDefinition, str]]:
    """Pair columns with dimensions: those of one name, then the one column with the one dimension that are left."""
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        if len(spec.partition_by) != 1:
            raise SliceInvalid(f"{spec.name} is partitioned by {spec.partition_by}, but its asset has one dimension.")
        yield spec.partition_by[0], definition, key
        return
    keys = definition.get_partition_key_from_str(key).keys_by_dimension
    columns = {name: name for name in keys if name in spec.partition_by}
    rest = [name for name in keys if name not in columns]
    free = [column for column in spec.partition_by if column not in columns]
    if len(rest) != len(free) or len(rest) > 1:
        raise SliceInvalid(
            f"{spec.name} is partitioned by {spec.partition_by}, but its asset by {sorted(keys)}.",
            hint="Name the partition columns as the dimensions; one may differ.",
        )
    columns |= dict(zip(rest, free, strict=True))
    for name, part in keys.items():
        yield columns[name], definition.get_partitions_def_for_dimension(name), part


def _day(dimension: dg.TimeWindowPartitionsDefinition, key: str, span: dg.TimeWindow) -> date:
    """The day that a key names. Of one that its zone never had (2011-12-30 in Samoa) Dagster gives the window of the day after."""
    return date.fromisoformat(key) if dimension.fmt == DATE_FORMAT and len(key) == len("2011-12-30") else span.start.date()


def _time_value(span: dg.TimeWindow, day: date, key: str, field: pa.Field, spec: TableSpec) -> str:
    """The window's local start as the column holds it; the key itself in a string column."""
    if pa.types.is_string(field.type):
        return key
    if pa.types.is_date32(field.type):
        # on the wall every day has 24 hours, also one of 22 (Troll, Antarctica)
        if span.end.replace(tzinfo=None) - span.start.replace(tzinfo=None) < A_DAY:
            raise SliceInvalid(f"{spec.name}: the date column {field.name!r} cannot tell {key!r} from its day.", hint=OTHER_COLUMN)
        return partition_value(day)
    if pa.types.is_timestamp(field.type):
        return partition_value(span.start.astimezone(UTC) if field.type.tz else _wall(span.start, spec))
    raise SliceInvalid(f"{spec.name}: the column {field.name!r} is {field.type}, which cannot hold the time {key!r}.", hint=OTHER_COLUMN)


def _plain_value(key: str, field: pa.Field, spec: TableSpec) -> str:
    """The key, which must be the one spelling of a value of the column's type: '01' and '1' would be one partition of integers."""
    try:
        value = partition_value(pa.scalar(key).cast(field.type).as_py())
    except pa.ArrowInvalid:
        value = None
    if value != key:
        raise SliceInvalid(
            f"{spec.name}: the key {key!r} is not how a value of {field.name!r} ({field.type}) is spelled.", hint=OTHER_COLUMN
        )
    return key


def _window(span: dg.TimeWindow, day: date, spec: TableSpec) -> Window:
    """In UTC; whole local calendar dates at UTC midnights for a date column, the clock on the wall for a timestamp without time zone.

    A `day` that its zone never had has no instant, but a date column may say it.
    """
    if day < span.start.date():
        span = dg.TimeWindow(span.start, span.start)
    if spec.event_time is None:
        return Window(span.start.astimezone(UTC), span.end.astimezone(UTC))
    if spec.event_time not in spec.schema.names:
        raise SliceInvalid(f"{spec.name} has no column {spec.event_time!r}.", hint="Correct the event time of the asset.")
    kind = spec.schema.field(spec.event_time).type
    if pa.types.is_date32(kind):
        last = (span.end.astimezone(UTC) - timedelta(microseconds=1)).astimezone(span.end.tzinfo).date()
        return Window(_midnight(day), _midnight(max(day, last)) + A_DAY)
    if pa.types.is_timestamp(kind) and kind.tz is None:
        return Window(_wall(span.start, spec).replace(tzinfo=UTC), _wall(span.end, spec).replace(tzinfo=UTC))
    return Window(span.start.astimezone(UTC), span.end.astimezone(UTC))


def _midnight(day: object) -> datetime:
    return datetime.fromisoformat(f"{day}T00:00:00+00:00")


def _wall(moment: datetime, spec: TableSpec) -> datetime:
    """What a clock on the wall shows. Raises SliceInvalid for a time that it shows twice, when the clocks go back."""
    if moment.utcoffset() != moment.replace(fold=1 - moment.fold).utcoffset():
        raise SliceInvalid(f"{spec.name}: a clock on the wall shows {moment:%Y-%m-%d %H:%M} twice.", hint=OTHER_COLUMN)
    return moment.replace(tzinfo=None)
