"""Runs: rows in an order, however many they are: sorted and reduced part by part, each part a run on disk, and the runs merged.

An external merge sort. What the order is, and which rows a reduction drops, whoever has the rows says: reducing what is reduced already,
together with more, must give what all rows would have given at once.
"""

from __future__ import annotations

import io
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.lake.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import polars as pl

RUN, FRAME = "\0run", "\0frame"  # names that no column has
MOST_RUNS = 24  # that are merged at once: some of each is held, and few columns of many rows cost less than many of few


@dataclass
class Runs:
    """Rows that are added in any order and come back sorted by the columns `order`, nulls first.

    `reduce` sorts a frame so, and may drop rows of it. About `hold` bytes are held at once; `folder` says on which disk the others lie.
    """

    order: Sequence[str]
    reduce: Callable[[pl.DataFrame], pl.DataFrame]
    folder: Path
    hold: int
    _pending: list[pl.DataFrame] = field(default_factory=list, init=False)
    _size: int = field(default=0, init=False)
    _stored: _Stored | None = field(default=None, init=False)

    def add(self, rows: pl.DataFrame) -> None:
        """Take more rows."""
        if rows.is_empty():
            return
        self._pending.append(rows)
        self._size += int(rows.estimated_size())
        if self._size >= self.hold:
            reduced = self._reduced()
            self._pending, self._size = [reduced], int(reduced.estimated_size())
            if self._size > self.hold // 2:  # what shrinks by half is held on
                self._store()

    def merged(self) -> Iterator[pl.DataFrame]:
        """All rows in their order, some at a time; nothing can be added any more."""
        if self._stored is None:
            if self._pending:
                yield self._reduced()
            return
        if self._pending:
            self._pending = [self._reduced()]
            self._store()
        while self._stored.runs > MOST_RUNS:
            self._stored = self._fewer(self._stored)
        yield from self._merged(self._stored, range(self._stored.runs))

    def _reduced(self) -> pl.DataFrame:
        import polars as pl

        return self.reduce(pl.concat(self._pending))

    def _store(self) -> None:
        if self._stored is None:
            self._stored = self._new()
        self._stored.add_run(self._pending)
        self._pending, self._size = [], 0

    def _new(self) -> _Stored:
        return _Stored(Spill(self.folder), self.order, max(self.hold // MOST_RUNS, 1))

    def _fewer(self, stored: _Stored) -> _Stored:
        """The same rows in as few runs as can be merged at once of those that there are."""
        fewer = self._new()
        for start in range(0, stored.runs, MOST_RUNS):
            fewer.add_run(self._merged(stored, range(start, min(start + MOST_RUNS, stored.runs))))
        return fewer

    def _merged(self, stored: _Stored, runs: range) -> Iterator[pl.DataFrame]:
        """Some runs as one: cut by the order into ranges of so many frames, each of which is read, put together and reduced."""
        import polars as pl

        ends = stored.ends(runs)
        reading = [_Reading(stored, ends.filter(pl.col(RUN) == run)) for run in runs]
        for place in range(MOST_RUNS - 1, ends.height + MOST_RUNS - 1, MOST_RUNS):
            last = min(place, ends.height - 1)
            yield self.reduce(pl.concat([rows for one in reading for rows in one.up_to(last, ends[last])]))


@dataclass
class _Stored:
    """Sorted runs on disk, each a row of frames of about `size` bytes, of which the last row is remembered."""

    spill: Spill
    order: Sequence[str]
    size: int
    runs: int = 0
    last_rows: list[pl.DataFrame] = field(default_factory=list)

    def add_run(self, frames: Iterable[pl.DataFrame]) -> None:
        import polars as pl

        for frame in frames:
            rows = max(frame.height * self.size // max(int(frame.estimated_size()), 1), 1)
            for part in frame.iter_slices(rows):
                told = (pl.lit(self.runs).alias(RUN), pl.lit(self.spill.frames).alias(FRAME))
                self.last_rows.append(_apart(part.tail(1).select(*self.order, *told)))
                self.spill.add(part.rechunk())
        self.runs += 1

    def ends(self, runs: range) -> pl.DataFrame:
        """The last row of each frame of some runs, in the order of the rows."""
        import polars as pl

        if len(self.last_rows) > 1:
            self.last_rows = [pl.concat(self.last_rows)]
        chosen = self.last_rows[0].filter(pl.col(RUN).is_between(runs.start, runs.stop - 1))
        return chosen.sort([*self.order, RUN, FRAME]).with_row_index("\0place")


class _Reading:
    """One run on its way through a merge."""

    def __init__(self, stored: _Stored, ends: pl.DataFrame) -> None:
        self._stored = stored
        self._frames = deque(ends.sort(FRAME).select(FRAME, "\0place").iter_rows())
        self._rest: pl.DataFrame | None = None
        self._place = 0

    def up_to(self, place: int, end: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """The rows not given yet that come no later than the row `end`, the one at `place` among the last rows of all frames."""
        while self._rest is not None or self._frames:
            if self._rest is None:
                number, self._place = self._frames.popleft()
                self._rest = self._stored.spill.read(number)
            if self._place > place:
                count = int(no_later(self._rest, end, self._stored.order).sum())
                yield self._rest.head(count)
                self._rest = self._rest.slice(count)
                return
            yield self._rest
            self._rest = None


def _apart(rows: pl.DataFrame) -> pl.DataFrame:
    """The same rows in memory of their own: a part of a frame keeps all of it."""
    import polars as pl

    copied = io.BytesIO()
    rows.write_ipc(copied, compat_level=pl.CompatLevel.oldest())
    return pl.read_ipc(copied.getvalue())


def no_later(rows: pl.DataFrame, end: pl.DataFrame, order: Sequence[str]) -> pl.Series:
    """Which rows come no later than the one row of `end`, by columns of which nulls come first."""
    import polars as pl

    found, none = (pl.repeat(value=value, n=rows.height, dtype=pl.Boolean, eager=True) for value in (True, False))
    for name in reversed(order):
        limit = end[name]
        before = none if limit.null_count() else (rows[name] < limit).fill_null(value=True)
        found = before | (rows[name].eq_missing(limit) & found)
    return found
