"""Statistics: what the footer of a Parquet file says about its columns, and how Delta writes that down.

Wrong statistics hide rows from readers that skip files, so a value without an exact spelling has none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow.parquet as pq

LONGEST_STRING = 64
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)  # what is later would be rounded up to the year 10000


def footer(metadata: pq.FileMetaData, without: Collection[str] = ()) -> tuple[dict[str, int], dict[str, tuple[Any, Any]]]:
    """Null counts and bounds of the flat columns, over all row groups; a column without full statistics has none.

    No bounds are told of the columns `without`.
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
            timed = _counts_micros(filled[0])
            bounds[name] = (
                min(_moment(one, one.min_raw) if timed else one.min for one in filled),
                max(_moment(one, one.max_raw) if timed else one.max for one in filled),
            )
    return nulls, bounds


def _counts_micros(found: pq.Statistics) -> bool:
    return found.physical_type == "INT64" and "timeUnit=microseconds" in str(found.logical_type)


def _moment(found: pq.Statistics, micros: int) -> datetime:
    """What `min` and `max` give, made without pandas, which they import for a timestamp."""
    return (EPOCH if "isAdjustedToUTC=true" in str(found.logical_type) else EPOCH.replace(tzinfo=None)) + timedelta(microseconds=micros)


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
