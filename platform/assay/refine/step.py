"""The refine step: bronze rows of some event partitions, through the kernel, into silver and quarantine.

Inputs are pinned when the step begins; what was published is by compare-and-swap on what it then saw. Quarantine commits first and silver's
commit makes it visible, so the two agree at every instant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING

from assay.code_version import code_version
from assay.contracts.compile import published_schema
from assay.contracts.export_delta import check_constraints
from assay.contracts.model import EVENT_DATE, Contract, Grain
from assay.errors import AssayError, ContractInvalid
from assay.lake.publisher import Provenance, current_tokens, fingerprint, publish
from assay.lake.quarantine import Quarantine
from assay.lake.quarantine_changes import noted
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import DataFile, Snapshot, newest, open_snapshot, total_rows
from assay.lake.staging import combine, stage
from assay.refine.absent import absent_columns, with_columns
from assay.refine.constraints import tighten_constraints
from assay.refine.kernel import Refined, Tally, refine
from assay.refine.references import reference_values
from assay.refine.set_aside import keys_by_value, landed_rows, rejected_of, value_of
from assay.steps import CHUNK_ROWS, Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from assay.refine.conform import Transform

LONGEST_SPAN_DAYS = 62
CODE = ("assay.refine", "assay.contracts.compile", "assay.contracts.rules")


def silver_spec(contract: Contract) -> TableSpec:
    """The published table of a contract, partitioned by the contract's partition column."""
    column = contract.partitioning.column
    constraints = tuple(check_constraints(contract).items())
    return TableSpec(f"silver/{contract.dataset}", published_schema(contract), (column,) if column else (), constraints=constraints)


@dataclass(frozen=True)
class Inputs:
    """The pinned inputs of a refinement: bronze, and the snapshots that reference rules look into."""

    contract: Contract
    bronze: Snapshot
    references: dict[str, Snapshot]
    code: str
    dates: dict[str, set[date]] = field(default_factory=dict, repr=False)  # of the files whose statistics do not say enough
    common: dict[frozenset[str], int] = field(default_factory=dict, repr=False)  # what partitions that lack the same columns share

    @classmethod
    def pin(cls, run: Run, contract: Contract) -> Inputs:
        """Open everything once. Raises TableMissing for a table that was never published."""
        references = {dataset: open_snapshot(run.lake, f"silver/{dataset}") for dataset in contract.upstream}
        return cls(contract, open_snapshot(run.lake, f"bronze/{contract.dataset}"), references, refine_code(contract))

    def files(self, partition: Partition) -> list[DataFile]:
        """The bronze files that hold rows of an event partition: exactly those, so that a late row reopens no other partition."""
        if self.contract.is_snapshot:
            return self.bronze.files
        start, end = event_dates(self.contract, partition)
        by_day, others = self._files_by_day
        days = [start + timedelta(days=offset) for offset in range((end - start).days)]
        near = {file.path: file for day in days for file in by_day.get(day, ())} | {file.path: file for file in others}
        return [file for file in near.values() if self._holds(file, start, end)]

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

    def _holds(self, file: DataFile, start: date, end: date) -> bool:
        """Statistics are a file's first and last date: only of a file that reaches over the partition on both sides are all dates read."""
        if not file.may_hold(EVENT_DATE, start, end):
            return False
        low, high = file.low.get(EVENT_DATE), file.high.get(EVENT_DATE)
        if low is not None and high is not None and (low >= start or high < end):
            return True
        if file.path not in self.dates:
            found = self.bronze.scan(lambda one: one.path == file.path, [EVENT_DATE]).collect()[EVENT_DATE]
            self.dates[file.path] = set(found.drop_nulls().unique())
        return any(start <= day < end for day in self.dates[file.path])

    def fingerprint(self, partition: Partition) -> int:
        """What a partition would be made from: contract, code, the contents of its bronze files and of the reference tables."""
        files = self.files(partition)
        absent = absent_columns(files, self.contract.source.optional)
        if absent not in self.common:
            self.common[absent] = fingerprint(self.contract.meaning(absent), self.code, self._others)
        return fingerprint("silver", self.common[absent], sorted(file.digest for file in files))

    @cached_property
    def _others(self) -> dict[str, str]:
        """The contents of the reference tables."""
        return {name: combine(file.digest for file in snapshot.files) for name, snapshot in self.references.items()}

    def versions(self) -> dict[str, int]:
        """The version of each input table."""
        return {snapshot.name: snapshot.version for snapshot in (self.bronze, *self.references.values())}


def refine_code(contract: Contract) -> str:
    """The version of the code that refines a dataset: the engine's kernel and the dataset's own transform."""
    transform = (contract.transform.partition(":")[0],) if contract.transform else ()
    return code_version(*CODE, *transform)


def event_dates(contract: Contract, partition: Partition) -> tuple[date, date]:
    """The half-open span of event dates of a partition."""
    start = date.fromisoformat(partition.values[0])
    if contract.partitioning.grain is Grain.MONTH:
        return start, (start + timedelta(days=31)).replace(day=1)
    return start, start + timedelta(days=1)


def refine_partitions(run: Run, contract: Contract, slice_: Slice) -> Iterator[Outcome]:
    """Bring a slice of silver up to date, in chunks of bounded size. Yields one outcome per partition."""
    inputs = Inputs.pin(run, contract)
    current = current_tokens(newest(run.lake, slice_.spec.name), slice_.keys)
    wanted = {partition.key: inputs.fingerprint(partition) for partition in slice_.partitions}
    due = []
    for partition in slice_.partitions:
        if wanted[partition.key] == current[partition.key] and not run.force:
            yield Outcome(partition.key, Status.UNCHANGED)
        else:
            due.append(partition)
    work = _Work(run, inputs, wanted, current)
    for chunk in _chunks(due, inputs):
        yield from work.chunk(slice_.only([partition.key for partition in chunk]))
    if due:
        tighten_constraints(run.lake, contract, slice_.spec)


def _chunks(partitions: list[Partition], inputs: Inputs) -> Iterator[list[Partition]]:
    chunk, size = list[Partition](), 0
    for partition in partitions:
        rows = total_rows(inputs.files(partition)) // 2  # a bronze file is shared by about two event partitions
        if chunk and size + rows > CHUNK_ROWS:
            yield chunk
            chunk, size = [], 0
        chunk.append(partition)
        size += rows
    if chunk:
        yield chunk


@dataclass(frozen=True)
class _Work:
    """The chunks of one refinement share its inputs and fingerprints."""

    run: Run
    inputs: Inputs
    wanted: dict[str, int]
    current: dict[str, int | None]

    def chunk(self, slice_: Slice) -> Iterator[Outcome]:
        contract = self.inputs.contract
        references = reference_values(contract, self.inputs.references)
        refined = refine(self._bronze(slice_), contract, references, load_transform(contract), self.run.run_id)
        tallies = {partition.key: refined.tallies.get(value_of(partition), Tally()) for partition in slice_.partitions}
        refusals = {key: why for key, tally in tallies.items() if (why := tally.refusal(contract))}
        if refusals:
            self._refuse(slice_.only(set(refusals)), refined, refusals)
        for key, why in refusals.items():
            yield Outcome(key, Status.REFUSED, 0, _facts(tallies[key]), _broken(tallies[key], contract), why)
        good = [partition for partition in slice_.partitions if partition.key not in refusals]
        if good:
            version = self._publish(Slice(slice_.spec, tuple(good)), refined, tallies)
            for partition in good:
                tally = tallies[partition.key]
                yield Outcome(
                    partition.key, Status.PUBLISHED, tally.published, _facts(tally) | {"version": version}, _broken(tally, contract)
                )

    def _bronze(self, slice_: Slice) -> pl.LazyFrame:
        """The bronze rows of the slice: the files that may hold some, then exactly the rows of its event dates."""
        import polars as pl

        if self.inputs.contract.is_snapshot:
            return with_columns(self.inputs.bronze.scan(), self.inputs.contract)
        spans = [event_dates(self.inputs.contract, partition) for partition in slice_.partitions]
        paths = {file.path for partition in slice_.partitions for file in self.inputs.files(partition)}
        rows = with_columns(self.inputs.bronze.scan(lambda file: file.path in paths), self.inputs.contract)
        days = [start + timedelta(days=offset) for start, end in spans for offset in range((end - start).days)]
        return rows.filter(pl.col(EVENT_DATE).is_in(days))

    def _refuse(self, slice_: Slice, refined: Refined, refusals: dict[str, str]) -> None:
        """Keep the rejected rows of refused partitions where the person on call finds them; nothing of them is published."""
        contract, seen = self.inputs.contract, {key: self.current[key] for key in slice_.keys}
        provenance = Provenance(self.run.run_id, contract.version, self.inputs.code, self.inputs.versions())
        Quarantine(self.run.lake, contract.dataset).refuse(rejected_of(refined.rejected, keys_by_value(slice_)), seen, refusals, provenance)

    def _publish(self, slice_: Slice, refined: Refined, tallies: dict[str, Tally]) -> int:
        import polars as pl

        contract, values = self.inputs.contract, keys_by_value(slice_)
        if lost := [key for key in slice_.keys if not tallies[key].closes]:
            raise AssayError(f"Tried to publish {slice_.spec.name}; the rows of {lost[0]!r} do not add up: {tallies[lost[0]]}.")
        tokens, seen = {key: self.wanted[key] for key in slice_.keys}, {key: self.current[key] for key in slice_.keys}
        quarantine, rejected = Quarantine(self.run.lake, contract.dataset), rejected_of(refined.rejected, values)
        changes = noted(quarantine.held(seen), rejected, lambda left: landed_rows(self._bronze(slice_), left, contract, values), seen)
        notes = {key: _facts(tallies[key]) | {"broken": _broken(tallies[key], contract)} | changes.get(key, {}) for key in slice_.keys}
        provenance = Provenance(self.run.run_id, contract.version, self.inputs.code, self.inputs.versions(), notes)
        column = contract.partitioning.column
        published = refined.published.filter(pl.col(column).cast(pl.String).is_in(list(values))) if column else refined.published
        staging = stage(self.run.lake / slice_.spec.name, slice_, [published])
        outdated = quarantine.store(rejected, tokens, seen, provenance)
        version = publish(self.run.lake, staging, tokens, expected=seen, provenance=provenance).version
        quarantine.clear(outdated, provenance)
        return version


def _broken(tally: Tally, contract: Contract) -> dict[str, int]:
    """Rows by broken row rule; for a broken promise about the partition as a whole, the rows that it has."""
    return tally.broken | {rule.name: tally.published for rule in tally.broken_dataset_rules(contract)}


def _facts(tally: Tally) -> dict[str, int]:
    return {"landed": tally.landed, "published": tally.published, "quarantined": tally.quarantined, "duplicates": tally.duplicates}


def load_transform(contract: Contract) -> Transform | None:
    """The function that `module:name` of the contract names. Raises ContractInvalid if there is none."""
    if contract.transform is None:
        return None
    module, _, name = contract.transform.partition(":")
    try:
        found: Transform = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ContractInvalid(f"{contract.path}: the transform {contract.transform!r} cannot be loaded: {error}.") from error
    return found
