"""Slices: the part of a table that one run owns.

A slice is the only way to say "these rows" to the lake: reading, replacing and checking partitions all ask its one predicate, so they
cannot disagree. Nothing here knows Dagster (`orchestration/partitions.py` turns partition keys into slices) or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.errors import SliceInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

    from assay.contracts.model.calendars import Calendar


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What a table of the lake must look like.

    `schema` holds every column, the partition columns included; `partition_by` names those; `event_time` is a timestamp (UTC) or date
    column whose values must lie in the window of their partition. `may_add_columns` lets a publication add nullable columns,
    `may_change_columns` lets one of all partitions that there are give the table other columns. Of the columns `without_bounds` no value is
    written into the log, where it would outlive the files. `constraints` are those that the table may have, by name; None leaves it to
    others to give it some. `untyped` columns are known by name only: the first publication with a value of one gives it its type.
    `calendar` is the one of all partitions (`migrations.py`); None where somebody else sees to it.
    """

    name: str
    schema: pa.Schema
    partition_by: tuple[str, ...] = ()
    event_time: str | None = None
    may_add_columns: bool = False
    may_change_columns: bool = False
    without_bounds: frozenset[str] = frozenset()
    constraints: tuple[tuple[str, str], ...] | None = None
    untyped: frozenset[str] = frozenset()
    calendar: Calendar | None = None

    def may_add(self, column: str) -> bool:
        """Whether a publication may give the table this column."""
        return self.may_add_columns or column in self.untyped


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open span of time, [start, end): aware datetimes in UTC, or dates where the event time is a date."""

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: its key as people say it, its values in the order of the table's partition columns, and its window of event time."""

    key: str
    values: tuple[str, ...] = ()
    window: Window | None = None


WHOLE = Partition(key="all")
NULL_VALUES = {"", "__HIVE_DEFAULT_PARTITION__"}  # Delta and Hive read these as null


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of some partitions of one table; the whole table only where the table has no partitions."""

    spec: TableSpec
    partitions: tuple[Partition, ...]
    _by_values: Mapping[tuple[str, ...], Partition] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        wanted = len(self.spec.partition_by)
        for partition in self.partitions:
            if len(partition.values) != wanted:
                raise SliceInvalid(
                    f"{self.spec.name} is partitioned by {self.spec.partition_by or 'nothing'}; the partition {partition.key!r}"
                    f" gives {len(partition.values)} values."
                )
            if NULL_VALUES & set(partition.values):
                raise SliceInvalid(
                    f"The partition {partition.key!r} of {self.spec.name} has {partition.values}, which readers take for null.",
                    hint="Give the partition another key.",
                )
        by_values = {partition.values: partition for partition in self.partitions}
        if not by_values or len(by_values) != len(self.partitions):
            raise SliceInvalid(f"A slice of {self.spec.name} names no partition, or one of them twice.", hint="Name each partition once.")
        object.__setattr__(self, "_by_values", by_values)

    def owner(self, values: tuple[str, ...]) -> Partition | None:
        """Say which partition of the slice holds these values of the partition columns; None when the slice does not own them."""
        return self._by_values.get(values)

    def chunks(self, size: int) -> Iterator[Slice]:
        """Cut into slices of at most `size` partitions, in order."""
        for start in range(0, len(self.partitions), size):
            yield Slice(self.spec, self.partitions[start : start + size])

    def only(self, keys: Sequence[str] | set[str]) -> Slice:
        """Keep the partitions with these keys."""
        wanted = set(keys)
        return Slice(self.spec, tuple(partition for partition in self.partitions if partition.key in wanted))

    @property
    def keys(self) -> list[str]:
        """The keys of the partitions, in order."""
        return [partition.key for partition in self.partitions]
