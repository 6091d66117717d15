"""The rows of a data file of bronze by event day, read back from it column by column: what `manifest.days_of` says of rows that are held.

The digests are the same, so whether an arrival was held or streamed changes nothing downstream. A digest tells all numbers of a column
before its texts: some columns are held at once, and one that is too large for that is read twice, row group by row group.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_HASH
from assay.lake.manifest import INDEX, Column, Day, heading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import pyarrow.parquet as pq

    Span = tuple[date | None, int, int]

AT_ONCE = 16 << 20  # bytes of columns that are held


def days_in(path: Path, sizes: Mapping[str, int]) -> dict[date | None, Day]:
    """The rows of one data file of bronze by event day, in the order of `days_of`. `sizes` are the bytes that each column has in memory."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        groups = _Groups(file, sizes)
        days = {day: _Told(rows) for day, rows in sorted(groups.counts.items(), key=lambda one: (one[0] is not None, str(one[0])))}
        for name in sorted({*file.schema_arrow.names} - {ARRIVAL, EVENT_DATE, SOURCE_HASH}):
            _tell(name, groups, days)
    return {day: Day(one.rows, one.digest.hexdigest(), tuple(one.filled)) for day, one in days.items()}


@dataclass(slots=True)
class _Told:
    """What a digest has been told of a day so far."""

    rows: int
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    filled: list[str] = field(default_factory=list)


def _tell(name: str, groups: _Groups, days: dict[date | None, _Told]) -> None:
    to_come, filled = {}, set[Any]()
    for day, one in days.items():
        to_come[day] = one.digest.copy()
        to_come[day].update(heading(name, one.rows))
    for column, spans in groups.columns(name):
        for day, start, end in spans:
            numbers = column.numbers_of(start, end)
            to_come[day].update(numbers)
            if not column.is_empty(numbers):
                filled.add(day)
    for column, spans in groups.columns(name) if filled and groups.is_text(name) else ():
        for day, start, end in spans:
            if day in filled:
                to_come[day].update(column.texts_of(start, end))
    for day in filled:
        days[day].digest = to_come[day]
        days[day].filled.append(name)


class _Groups:
    """The row groups of a file. Where the days of one are mixed, the order of its rows is made each time: it is as large as a column."""

    def __init__(self, file: pq.ParquetFile, sizes: Mapping[str, int]) -> None:
        self.file, self.sizes = file, sizes
        self.held: list[pa.Table] = []
        self.has_days = EVENT_DATE in file.schema_arrow.names
        self.counts: dict[date | None, int] = {}
        self.ordered: list[list[Span] | None] = []
        for number in range(file.num_row_groups):
            spans, order = self._spans(number)
            for day, start, end in spans:
                self.counts[day] = self.counts.get(day, 0) + end - start
            self.ordered.append(spans if order is None else None)
        self.counts = {day: rows for day, rows in self.counts.items() if rows}

    def is_text(self, name: str) -> bool:
        """Whether a column is not one of integers."""
        return not pa.types.is_integer(self.file.schema_arrow.field(name).type)

    def columns(self, name: str) -> Iterator[tuple[Column, list[Span]]]:
        """A column, group by group, with the places of each day in it."""
        self._hold(name)
        for number, spans in enumerate(self.ordered):
            values, order = self._read(number, name), None
            if spans is None:
                spans, order = self._spans(number)  # noqa: PLW2901  # what is not kept is made
            yield Column(name, values if order is None else values.take(order)), spans

    def _hold(self, name: str) -> None:
        """Read a column with those that follow it, if they are small: one that is read by itself costs as much as a large one."""
        if self.held and name in self.held[0].column_names:
            return
        self.held, strip, size = [], list[str](), 0
        names = sorted(self.file.schema_arrow.names)
        for one in names[names.index(name) :]:
            size += self.sizes.get(one, AT_ONCE)
            if size > AT_ONCE:
                break
            strip.append(one)
        if strip:
            self.held = [self.file.read_row_group(number, columns=strip, use_threads=False) for number in range(len(self.ordered))]

    def _read(self, number: int, name: str) -> pa.ChunkedArray:
        if self.held:
            return self.held[number].column(name)
        return self.file.read_row_group(number, columns=[name], use_threads=False).column(0)

    def _spans(self, number: int) -> tuple[list[Span], pa.Array | None]:
        """Where each day stands once the rows of a group are ordered by it; the order, if they are not."""
        import polars as pl

        if not self.has_days:
            return [(None, 0, self.file.metadata.row_group(number).num_rows)], None
        keys = pl.DataFrame(self.file.read_row_group(number, columns=[EVENT_DATE], use_threads=False)).with_row_index(INDEX)
        keys = keys.sort(EVENT_DATE, maintain_order=True, nulls_last=False)
        spans, start = list[Any](), 0
        for day, rows in keys.group_by(EVENT_DATE, maintain_order=True).len().iter_rows():
            spans.append((day, start, start + rows))
            start += rows
        return spans, None if keys[INDEX].is_sorted() else keys[INDEX].to_arrow()
