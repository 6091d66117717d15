"""Large: a partition too large to be held is refined in batches, and is what it would be if it were held.

Each batch is judged by itself. What is rejected waits on disk; what is good is reduced to the last of each key by an external sort
(`external_sort`), masked, and written row group by row group. A transform may look at a whole partition, and where a key counts in
the whole table partitions are settled with each other: those are held.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.model.key_scope import has_table_key
from assay.lake.quarantine.rejected import Spilling
from assay.lake.quarantine.store import PARTITION
from assay.lake.spill import Spill
from assay.lake.streaming_writer import grown
from assay.refine.bronze_batches import pieces_of, size_of
from assay.refine.deduplicate import latest_of, masked_order, order_of
from assay.refine.external_sort import Runs
from assay.refine.measures import measure, measured_columns
from assay.refine.quarantined import keys_by_value, rejected_of
from assay.refine.tally import Tally
from assay.refine.work import Chunk
from assay.steps import give_back_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.lake.slices import Partition, Slice
    from assay.refine.inputs import Inputs
    from assay.refine.kernel import Judged
    from assay.refine.work import Work

LARGE = 4  # batches: a partition of fewer is refined faster in one piece
JUDGED = 2  # times a batch: what is said of a rejected row takes several times the row
HELD = 2  # batches of good rows are held until they are sorted


def is_large(inputs: Inputs, partition: Partition, batch_bytes: int) -> bool:
    """Whether a partition is to be refined in batches."""
    contract = inputs.contract
    return not contract.transform and not has_table_key(contract) and size_of(inputs, partition, batch_bytes) > LARGE * batch_bytes


def refine_large(work: Work, slice_: Slice, judge: Callable[[pl.DataFrame], Judged]) -> Chunk:
    """Refine the only partition of a slice and stage it. `judge` is the kernel's, for some bronze rows of it.

    Raises what the kernel and staging raise, AssayError if a row was lost; then nothing is left.
    """
    refining = _Refining(work, slice_)
    for rows in pieces_of(work.inputs, slice_.partitions[0], work.run.batch_bytes // JUDGED):
        refining.add(judge(rows))
    give_back_memory()
    with ExitStack() as unfinished:
        staging = grown(work.run.lake / slice_.spec.name, slice_, refining.published())
        unfinished.callback(staging.discard)
        tallies = {slice_.keys[0]: refining.tally(staging.rows_of(slice_.keys[0]))}
        refusals = work.refusals(slice_, tallies)
        if not refusals:
            unfinished.pop_all()
    give_back_memory()
    return Chunk(None if refusals else staging, refining.aside.all(), tallies, refusals)


@dataclass
class _Refining:
    """One partition on its way."""

    work: Work
    slice: Slice
    landed: int = 0
    passed: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    measured: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        contract = self.contract
        self.aside = Spilling(self.slice.keys[0], self.work.run.lake)
        self.columns = published_schema(contract).names
        self.looked_at = measured_columns(contract)
        self.good: Runs | _AsTheyCome = self._runs(order_of(contract), lambda rows: latest_of(rows, contract))
        if not contract.key and contract.partitioning.column:  # nothing but the order in which they come
            self.good = _AsTheyCome(Spill(self.work.run.lake))

    @property
    def contract(self) -> Contract:
        return self.work.contract

    def add(self, judged: Judged) -> None:
        """Take the next batch."""
        self.landed += sum(judged.landed.values())
        self.passed += judged.good.height
        for found in judged.broken.values():
            _count(self.broken, found)
        self.aside.add(rejected_of(judged.rejected, keys_by_value(self.slice)))
        self.good.add(judged.good)

    def published(self) -> Iterator[pl.DataFrame]:
        """The rows to publish, in their order."""
        order = masked_order(self.contract)
        if not order:
            yield from self._masked()
            return
        again = self._runs(order, lambda rows: rows.sort(order))
        for rows in self._masked():
            again.add(rows)
        yield from again.merged()

    def tally(self, published: int) -> Tally:
        """What became of the rows, so many of which are published."""
        import polars as pl

        measured = measure(pl.concat(self.measured, rechunk=True), self.contract) if self.measured else {}
        broken = dict(sorted(self.broken.items()))
        return Tally(self.landed, published, self.aside.rows.rows, self.passed - published, broken, next(iter(measured.values()), {}))

    def _masked(self) -> Iterator[pl.DataFrame]:
        for rows in self.good.merged():
            if self.looked_at:
                self.measured.append(rows.select(PARTITION, *self.looked_at))
            yield self.work.inputs.masks.apply(rows.select(self.columns), self.contract)

    def _runs(self, order: list[str], reduce: Callable[[pl.DataFrame], pl.DataFrame]) -> Runs:
        return Runs(order, reduce, self.work.run.lake, HELD * self.work.run.batch_bytes)


@dataclass
class _AsTheyCome:
    """Rows that have no order but that in which they come."""

    spill: Spill

    def add(self, rows: pl.DataFrame) -> None:
        self.spill.add(rows)

    def merged(self) -> Iterator[pl.DataFrame]:
        yield from self.spill


def _count(counted: dict[str, int], more: dict[str, int]) -> None:
    for name, rows in more.items():
        counted[name] = counted.get(name, 0) + rows
