"""Statistics: what the footer of a Parquet file says about its columns, and how Delta writes that down.

Wrong statistics hide rows from readers that skip files, so a value without an exact spelling has none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from assay.errors import TimeOutOfRange

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa
    import pyarrow.parquet as pq

LONGEST_STRING = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)  # what is later would be rounded up to the year 10000


def footer(metadata: pq.FileMetaData, without: Collection[str] = ()) -> tuple[dict[str, int], dict[str, tuple[Any, Any]]]:
    """Null counts and bounds of the flat columns, over all row groups; a column without full statistics has none.

    No bounds are told of the columns `without`. Raises TimeOutOfRange for dates and times that most readers do not have.
    """
    nulls, bounds = dict[str, int](), dict[str, tuple[Any, Any]]()
    groups = range(metadata.num_row_groups)
    for index in range(metadata.num_columns):
        name = metadata.schema.column(index).path
        found = [metadata.row_group(group).column(index).statistics for group in groups]
        if "." in name or not found or any(one is None or not one.has_null_count for one in found):
            continue
        nulls[name] = sum(one.null_count for one in found)
        filled = [one for one in found if one.num_values]
        if name not in without and filled and all(one.has_min_max for one in filled):
            try:
                both = [_bounds(one) for one in filled]
            except OverflowError as beyond:
                raise TimeOutOfRange(f"Tried to store {name!r}; it holds a time before the year 1 or after 9999.") from beyond
            bounds[name] = min(low for low, _ in both), max(high for _, high in both)
    return nulls, bounds


def _bounds(found: pq.Statistics) -> tuple[Any, Any]:
    """Minimum and maximum. Those of a timestamp are made from its microseconds, because Arrow's own way imports pandas."""
    kind = str(found.logical_type)
    if not kind.startswith("Timestamp") or "microseconds" not in kind:
        return found.min, found.max
    zoned = "isAdjustedToUTC=true" in kind
    return moment(found.min_raw, zoned=zoned), moment(found.max_raw, zoned=zoned)


def moment(micros: int, *, zoned: bool) -> datetime:
    """The instant so many microseconds after 1970 in UTC; as wall time without a zone if not `zoned`."""
    return (EPOCH if zoned else EPOCH.replace(tzinfo=None)) + timedelta(microseconds=micros)


def encode(value: Any, *, up: bool) -> Any:  # noqa: ANN401  # what Parquet's statistics hold
    """Spell a bound for Delta, which keeps milliseconds: a maximum is rounded `up`. None when it has no exact spelling."""
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        if up and moment > LATEST:
            return None
        moment += timedelta(microseconds=999 if up else 0)
        return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None  # noqa: PLR0124  # NaN is not itself
    if isinstance(value, str):
        return value if len(value) <= LONGEST_STRING else None
    return value if isinstance(value, bool | int) else None


def python_values(column: pa.Array) -> list[Any]:
    """What `to_pylist` gives, made without pandas, which that imports for a timestamp (0.6 CPU s)."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_struct(kind):
        rows = zip(*(python_values(child) for child in column.flatten()), strict=True)
        return [dict(zip((field.name for field in kind), row, strict=True)) for row in rows]
    if pa.types.is_timestamp(kind):
        micros = column.cast(pa.timestamp("us", kind.tz)).cast(pa.int64()).to_pylist()
        return [None if value is None else moment(value, zoned=kind.tz is not None) for value in micros]
    found: list[Any] = column.to_pylist()
    return found
