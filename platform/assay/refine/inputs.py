"""Inputs: what a refinement reads, pinned when it begins.

Which bronze rows a partition is made from, and a number for all that decides what becomes of them. What does become of them is not here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from assay.cached_property import cached_property
from assay.code_version import code_version
from assay.contracts.model.calendars import event_calendar, next_month
from assay.contracts.model.contract import EVENT_DATE, Contract, Grain
from assay.contracts.model.fingerprint import published_terms
from assay.contracts.model.key_scope import has_table_key
from assay.contracts.model.sensitivity import sensitive_landing_columns
from assay.lake.claims import displaced_now, with_displaced
from assay.lake.expired import Expired
from assay.lake.fence import fence_now
from assay.lake.manifest import manifest_of
from assay.lake.publisher import fingerprint
from assay.lake.slices import Slice
from assay.lake.snapshots import DataFile, Snapshot, newest, open_snapshot
from assay.lake.staged import combine
from assay.masking.methods import Masks
from assay.refine.absent_columns import absent_columns, with_columns
from assay.refine.references import how_masked, reference_values

if TYPE_CHECKING:
    import polars as pl

    from assay.lake.accounts import Rows
    from assay.lake.slices import Partition
    from assay.steps import Run

LONGEST_SPAN_DAYS = 62
CODE = ("assay.refine", *(f"assay.contracts.{room}" for room in ("language", "patterns", "conditions", "compiling", "reading.rules")))


@dataclass(frozen=True)
class Inputs:
    """The pinned inputs of a refinement: bronze, the snapshots that reference rules look into, and what is published of the table."""

    contract: Contract
    bronze: Snapshot
    references: dict[str, Snapshot]
    code: str
    published: Snapshot | None = None
    masks: Masks = field(default_factory=Masks)
    fence: int = 0
    expired: Expired = field(default_factory=Expired)
    common: dict[frozenset[str], int] = field(default_factory=dict, repr=False)  # what partitions that lack the same columns share

    @classmethod
    def pin(cls, run: Run, contract: Contract) -> Inputs:
        """Open everything once, after the fence. Raises TableMissing for a table that was never published."""
        fence = fence_now(run.lake)
        published = newest(run.lake, f"silver/{contract.dataset}")  # before what it is made from: see `GoldInputs.pin`
        references = {dataset: open_snapshot(run.lake, f"silver/{dataset}") for dataset in contract.upstream}
        bronze, masks = open_snapshot(run.lake, f"bronze/{contract.dataset}"), Masks(run.keys, run.contracts)
        expired = Expired.of(published, event_calendar(contract), contract.retention, run.now)
        return cls(contract, bronze, references, refine_code(contract), published, masks, fence, expired)

    def kept(self, slice_: Slice) -> Slice | None:
        """A slice without the partitions that have expired; None if nothing of it is left."""
        left = tuple(partition for partition in slice_.partitions if not self.expired.has_key(partition.key))
        return slice_ if len(left) == len(slice_.partitions) else Slice(slice_.spec, left) if left else None

    def files(self, partition: Partition) -> list[DataFile]:
        """The bronze files that hold rows of an event partition, and no others."""
        if (span := self.span(partition)) is None:
            return self.bronze.files
        start, end = span
        by_day, others = self._files_by_day
        days = [start + timedelta(days=offset) for offset in range((end - start).days)]
        near = {file.path: file for day in days for file in by_day.get(day, ())} | {file.path: file for file in others}
        return [file for file in near.values() if any(day is not None and start <= day < end for day in manifest_of(file.path).days)]

    @property
    def empty_arrivals(self) -> list[str]:
        """The arrivals that landed without a row: an event partition of theirs that has no rows from elsewhere is published empty.

        One whose rows were all erased has landed with rows: an erasure makes no partition due that it has not touched.
        """
        return [file.values[0] for file in self.bronze.files if file.values and not file.rows and not manifest_of(file.path).landed]

    def span(self, partition: Partition) -> tuple[date, date] | None:
        """The half-open span of event dates of a partition; None for a table without partitions, which has all rows.

        Days that have expired stay away from a month that has not: they had expired before the calendar was changed.
        """
        if self.contract.is_snapshot:
            return None
        start, end = event_dates(self.contract, partition)
        return max(start, self.expired.before or start), end

    def days(self, partition: Partition) -> list[Rows]:
        """What an event partition is made from: the rows of each of its days in each arrival, as (arrival, day, rows and digest)."""
        found = ((file, day, rows) for file in self.files(partition) for day, rows in manifest_of(file.path).days.items())
        if span := self.span(partition):
            found = ((file, day, rows) for file, day, rows in found if day is not None and span[0] <= day < span[1])
        return sorted(("".join(file.values), str(day or ""), rows) for file, day, rows in found)

    @cached_property
    def _files_by_day(self) -> tuple[dict[date, list[DataFile]], list[DataFile]]:
        """Bronze files by each day that their statistics span; apart those without statistics, or with a span too long to list.

        Partitions times files would be a quadratic number of looks: 0.9 s for a year of days.
        """
        by_day: dict[date, list[DataFile]] = {}
        others: list[DataFile] = []
        for file in self.bronze.files:
            low, high = file.low.get(EVENT_DATE), file.high.get(EVENT_DATE)
            if low is None or high is None or (high - low).days > LONGEST_SPAN_DAYS:
                others.append(file)
                continue
            for offset in range((high - low).days + 1):
                by_day.setdefault(low + timedelta(days=offset), []).append(file)
        return by_day, others

    def rows(self, slice_: Slice) -> pl.LazyFrame:
        """The bronze rows of a slice: the files that may hold some, then exactly the rows of its event dates."""
        import polars as pl

        if self.contract.is_snapshot:
            return with_columns(self.bronze.scan(), self.contract)
        spans = [span for partition in slice_.partitions if (span := self.span(partition))]
        paths = {file.path for partition in slice_.partitions for file in self.files(partition)}
        days = [start + timedelta(days=offset) for start, end in spans for offset in range((end - start).days)]
        return with_columns(self.bronze.scan(lambda file: file.path in paths), self.contract).filter(pl.col(EVENT_DATE).is_in(days))

    def fingerprint(self, partition: Partition) -> int:
        """What decides the rows of a partition: what it is made from, and which of them other partitions publish, as was found last."""
        made_from = self.made_from(partition)
        return with_displaced(made_from, displaced_now(self.published, partition.key)) if has_table_key(self.contract) else made_from

    def made_from(self, partition: Partition) -> int:
        """What a partition would be made from: contract, code, the rows of its days in bronze and the contents of the reference tables.

        Of an arrival only these days count: a new file, or one that is sent again, reopens no partition whose rows it leaves as they were.
        """
        days = self.days(partition)
        absent = absent_columns(days, self.contract.source.optional)
        if absent not in self.common:
            self.common[absent] = fingerprint(
                published_terms(self.contract, absent), self.code, self._others, *self.masks.meaning(self.contract)
            )
        return fingerprint("silver", self.common[absent], [(arrival, day, rows.digest) for arrival, day, rows in days])

    @cached_property
    def _others(self) -> dict[str, object]:
        """The contents of the reference tables, and how those values are masked there that rules look for."""
        found = {name: combine(file.placed for file in snapshot.files) for name, snapshot in self.references.items()}
        return {**found, **how_masked(self.contract, self.masks)}

    @cached_property
    def reference_values(self) -> dict[tuple[str, Any], pl.Series]:
        """What reference rules look for, read once for all chunks."""
        return reference_values(self.contract, self.references)

    def versions(self) -> dict[str, int]:
        """The version of each input table."""
        return {snapshot.name: snapshot.version for snapshot in (self.bronze, *self.references.values())}


def refine_code(contract: Contract) -> str:
    """The version of the code that refines a dataset: the engine's kernel and the dataset's own transform."""
    transform = (contract.transform.partition(":")[0],) if contract.transform else ()
    return code_version(*CODE, *transform, *(("assay.masking",) if sensitive_landing_columns(contract) else ()))


def event_dates(contract: Contract, partition: Partition) -> tuple[date, date]:
    """The half-open span of event dates of a partition."""
    start = date.fromisoformat(partition.values[0])
    if contract.partitioning.grain is Grain.MONTH:
        return start, next_month(start)
    return start, start + timedelta(days=1)
