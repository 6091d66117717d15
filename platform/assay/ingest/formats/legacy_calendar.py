"""Spark's legacy calendar: dates before 1582-10-15 are Julian, written as if they were Gregorian, and times before 1900 are off by what the
clocks of one place once showed. Files that may hold such values say so in their metadata; only Spark reads them as they were meant.

Which day or time an old value means depends on tables of the program that wrote it. So such a value is refused, and never shifted.
https://spark.apache.org/docs/latest/sql-data-sources-parquet.html (datetimeRebaseModeInWrite)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from assay.ingest.formats.text_values import PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_DAY, FIRST_SECOND = -141_427, -2_208_988_800  # 1582-10-15 and 1900-01-01, counted from 1970
VERSION, DATES, INT96 = b"org.apache.spark.version", b"org.apache.spark.legacyDateTime", b"org.apache.spark.legacyINT96"
HINT = (
    "Have Spark write it with spark.sql.parquet.datetimeRebaseModeInWrite and int96RebaseModeInWrite (or those of avro) set to CORRECTED."
)
FAULT = "which Spark wrote in its legacy calendar: read as they stand they would be shifted by days or minutes"


class OldCalendar(Exception):
    """A value that is not what it says."""

    def __init__(self, what: str = "it holds dates before 1582-10-15 or times before 1900") -> None:
        super().__init__(f"{what}, {FAULT}")


@dataclass(frozen=True, slots=True)
class Legacy:
    """Which values of a file are in the legacy calendar if they are old: dates and times, and those of the type INT96."""

    dates: bool
    int96: bool

    @classmethod
    def of(cls, metadata: Mapping[bytes, bytes]) -> Legacy:
        """What the metadata of a file say. Those of Spark 2 say nothing but its version."""
        version = metadata.get(VERSION, b"9")
        return cls(DATES in metadata or version < b"3.0.0", INT96 in metadata or version < b"3.1.0")


def refuse_old(name: str, values: pa.Array) -> None:
    """Raise OldCalendar if dates or instants, also inside other values, are older than the calendars agree."""
    kind, known = values.type, pa.types
    if known.is_map(kind):
        refuse_old(name, values.keys)
        refuse_old(name, values.items)
    elif known.is_nested(kind):
        inner = values.flatten()
        for one in inner if isinstance(inner, list) else [inner]:
            refuse_old(name, one)
    elif known.is_date(kind):
        _refuse(name, values.cast(pa.date32()).cast(pa.int32()), FIRST_DAY, "dates before 1582-10-15")
    elif known.is_timestamp(kind) and kind.tz is not None:
        refuse_old_ticks(name, values.cast(pa.int64()), kind.unit)


def refuse_old_ticks(name: str, ticks: pa.Array, unit: str) -> None:
    """Raise OldCalendar if an instant, counted from 1970, is older than the calendars agree."""
    _refuse(name, ticks, FIRST_SECOND * PER_SECOND[unit], "times before 1900")


def _refuse(name: str, numbers: pa.Array, first: int, what: str) -> None:
    oldest = pc.min(numbers).as_py()
    if oldest is not None and oldest < first:
        raise OldCalendar(f"the column {name} holds {what}")
