"""The refine step: bronze rows of some event partitions, through the kernel, into silver and quarantine.

Inputs are pinned when the step begins. The next chunk is refined while the last one is written (`work`).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.export.delta_constraints import check_constraints
from assay.contracts.model.calendars import event_calendar
from assay.contracts.model.key_scope import has_table_key
from assay.errors import ContractInvalid
from assay.lake.accounts import arrived
from assay.lake.audited import weight
from assay.lake.constraints import lacks_constraints
from assay.lake.publisher import current_tokens
from assay.lake.slices import Partition, Slice, TableSpec
from assay.refine.accounts import Accounts
from assay.refine.batched import is_large, refine_large
from assay.refine.bronze_batches import size_of
from assay.refine.constraints import tighten_constraints
from assay.refine.global_keys import settle
from assay.refine.inputs import Inputs
from assay.refine.kernel import Judged, Refined, judge, refine
from assay.refine.migrating import leaving, of_new_calendar
from assay.refine.work import Chunk, Work
from assay.steps import CHUNK_ROWS, COMMIT_BYTES, Outcome, Run, Status, ahead, give_back_memory, in_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.refine.conform import Transform

CHUNK_BATCHES = 8  # bytes of partitions that are refined together, in batches


def silver_spec(contract: Contract) -> TableSpec:
    """The published table of a contract, partitioned by the contract's partition column."""
    column = contract.partitioning.column
    constraints = tuple(check_constraints(contract).items())
    schema, calendar = published_schema(contract), event_calendar(contract)
    return TableSpec(f"silver/{contract.dataset}", schema, (column,) if column else (), constraints=constraints, calendar=calendar)


def refine_partitions(run: Run, contract: Contract, slice_: Slice, everything: Callable[[], Slice] | None = None) -> Iterator[Outcome]:
    """Bring a slice of silver up to date, in chunks of bounded size. Yields one outcome per partition.

    A table of another calendar is replaced whole, or stays as it is if one partition is refused. `everything` gives the slice of all
    partitions that there are now. Raises CalendarChanged if rows of one that is not asked for would be left out.
    """
    inputs = Inputs.pin(run, contract)
    before, transform = inputs.published, load_transform(contract)
    yield from (Outcome(key, Status.REFUSED, refusal=inputs.expired.why(key)) for key in slice_.keys if inputs.expired.has_key(key))
    if (kept := inputs.kept(slice_)) is None:
        return
    slice_ = kept
    others = leaving(inputs, before, slice_, everything)
    current = current_tokens(before, slice_.keys)
    wanted = {partition.key: inputs.fingerprint(partition) for partition in slice_.partitions}
    stands = Accounts.beside(before, run.lake, contract).standing(slice_, inputs, current)
    due = [partition for partition in slice_.partitions if run.force or wanted[partition.key] != stands[partition.key]]
    if others is not None:  # a table without any partition has its first one, empty
        due = of_new_calendar(inputs, slice_) or list(slice_.partitions[:1])
    builder = Builder(run, inputs, slice_.spec, transform)
    if has_table_key(contract):
        open_ = {key for key in slice_.keys if run.force or (stands[key] is None and current[key] is not None)}
        yield from settle(run, inputs, slice_, due, builder.build, insisted=open_, others=others)
    else:
        yield from (Outcome(key, Status.UNCHANGED) for key in slice_.keys if key not in {partition.key for partition in due})
        work = Work(run, inputs, wanted, others)
        chunks = builder.staged(work, due)
        groups = in_groups(chunks, lambda one: weight(one.staging, one.rejected), COMMIT_BYTES) if others is None else (list(chunks),)
        for group in groups:
            yield from work.publish(group)
    give_back_memory()
    if due and before is not None and lacks_constraints(before.table, slice_.spec):
        tighten_constraints(run.lake, contract, slice_.spec)


@dataclass(frozen=True, slots=True)
class Builder:
    """Partitions through the kernel, by the inputs of one step."""

    run: Run
    inputs: Inputs
    spec: TableSpec
    transform: Transform | None

    def staged(self, work: Work, due: Iterable[Partition]) -> Iterator[Chunk]:
        """Refine and stage partitions, the large ones by themselves."""
        for large, partitions in groupby(due, lambda partition: is_large(self.inputs, partition, self.run.batch_bytes)):
            if large:
                yield from (refine_large(work, Slice(self.spec, (partition,)), self._judged) for partition in partitions)
            else:
                yield from (work.stage(*one) for one in self.build([*partitions]))

    def build(self, partitions: Sequence[Partition], displaced: pl.DataFrame | None = None) -> Iterator[tuple[Slice, Refined]]:
        """Refine partitions that are held, in chunks; `displaced` is for the kernel to know."""

        def refined(chunk: list[Partition]) -> tuple[Slice, Refined]:
            part, inputs = Slice(self.spec, tuple(chunk)), self.inputs
            rows, look_up, run_id = inputs.rows(part), inputs.reference_values, self.run.run_id
            return part, refine(rows, inputs.contract, look_up, self.transform, run_id, masks=inputs.masks, displaced=displaced)

        return ahead(map(refined, _chunks(partitions, self.inputs, self.run.batch_bytes)))

    def _judged(self, rows: pl.DataFrame) -> Judged:
        inputs = self.inputs
        return judge(rows, inputs.contract, inputs.reference_values, self.transform, self.run.run_id, masks=inputs.masks)


def _chunks(partitions: Iterable[Partition], inputs: Inputs, batch_bytes: int) -> Iterator[list[Partition]]:
    """Partitions that are refined together: so many rows, and so many bytes where rows are wide."""
    chunk, size, held = list[Partition](), 0, 0
    for partition in partitions:
        rows, in_memory = arrived(inputs.days(partition)), size_of(inputs, partition, batch_bytes)
        if chunk and (size + rows > CHUNK_ROWS or held + in_memory > CHUNK_BATCHES * batch_bytes):
            yield chunk
            chunk, size, held = [], 0, 0
        chunk.append(partition)
        size += rows
        held += in_memory
    if chunk:
        yield chunk


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
