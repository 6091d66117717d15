"""What a refinement writes: chunks are staged one by one, then several of them are published by one commit, with their quarantine before.

What is published is by compare-and-swap on what the step saw when it began. Quarantine commits first and silver's commit makes it visible,
so the two agree at every instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.lake.accounts import DUPLICATES, MADE_FROM, arrived, rows_token
from assay.lake.audited import publish_audited
from assay.lake.foreign import files_noted
from assay.lake.publisher import Provenance
from assay.lake.quarantine.rejected import Rejected, all_of
from assay.lake.quarantine.store import Quarantine
from assay.lake.side_tables import publications_of
from assay.lake.slices import Slice
from assay.lake.staged import together
from assay.lake.staging import stage
from assay.refine.quarantined import keys_by_value, landed_rows, rejected_of, value_of
from assay.refine.tally import Tally
from assay.steps import Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.lake.staged import Staging
    from assay.refine.inputs import Inputs
    from assay.refine.kernel import Refined


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some refined partitions whose good rows are staged; `staging` is None if all were refused. `refusals` say why, by key."""

    staging: Staging | None
    rejected: Rejected
    tallies: Mapping[str, Tally]
    refusals: Mapping[str, str]

    def split(self) -> Iterator[tuple[str, Chunk]]:
        """Its partitions by themselves, by key."""
        for key, tally in self.tallies.items():
            refusals = {key: self.refusals[key]} if key in self.refusals else {}
            staging = self.staging.only([key]) if self.staging and not refusals else None
            yield key, Chunk(staging, self.rejected.only([key]), {key: tally}, refusals)


@dataclass(frozen=True)
class Work:
    """The chunks of one refinement share its pinned inputs; `wanted` are the fingerprints to come.

    With `others` the table is replaced whole by one publication: those are the partitions that go, with their fingerprints.
    """

    run: Run
    inputs: Inputs
    wanted: Mapping[str, int]
    others: Mapping[str, int] | None

    @property
    def contract(self) -> Contract:
        """What the rows were judged by."""
        return self.inputs.contract

    def stage(self, slice_: Slice, refined: Refined) -> Chunk:
        """Write the rows of the partitions that are not refused where no reader looks yet. Raises AssayError if a row was lost."""
        tallies = {partition.key: refined.tallies.get(value_of(partition), Tally()) for partition in slice_.partitions}
        refusals = self.refusals(slice_, tallies)
        rejected = Rejected(rejected_of(refined.rejected, keys_by_value(slice_)))
        good = [partition for partition in slice_.partitions if partition.key not in refusals]
        if not good:
            return Chunk(None, rejected, tallies, refusals)
        kept = Slice(slice_.spec, tuple(good))
        published = _rows_of(refined.published, kept, self.contract) if refusals else refined.published
        return Chunk(stage(self.run.lake / slice_.spec.name, kept, [published]), rejected, tallies, refusals)

    def refusals(self, slice_: Slice, tallies: Mapping[str, Tally]) -> dict[str, str]:
        """Why partitions must not be published, of those that must not. Raises AssayError if a row of one was lost."""
        landed = {partition.key: arrived(self.inputs.days(partition)) for partition in slice_.partitions}
        if lost := [key for key, tally in tallies.items() if not tally.closes or tally.landed != landed[key]]:
            said = f"the rows of {lost[0]!r} do not add up: {landed[lost[0]]} arrived in bronze, {tallies[lost[0]]}"
            raise AssayError(f"Tried to publish {slice_.spec.name}; {said}.")
        return {key: why for key, tally in tallies.items() if (why := tally.refusal(self.contract))}

    def publish(self, chunks: Sequence[Chunk]) -> Iterator[Outcome]:
        """Publish the good partitions of some chunks in one commit, and keep what the others would have put into quarantine."""
        tallies = {key: tally for chunk in chunks for key, tally in chunk.tallies.items()}
        refusals = {key: why for chunk in chunks for key, why in chunk.refusals.items()}
        rejected = all_of(chunk.rejected for chunk in chunks)
        if refusals:
            self._refuse(rejected.only(refusals), refusals)
        for key, why in refusals.items():
            yield Outcome(key, Status.REFUSED, 0, _facts(tallies[key]), _broken(tallies[key], self.contract), why)
        stagings = [chunk.staging for chunk in chunks if chunk.staging]
        if refusals and self.others is not None:
            yield from self._kept_as_it_is(stagings, refusals)
            return
        if not stagings:
            return
        staging = together(stagings)
        version = self._publish(staging, rejected.only(staging.slice.keys), tallies)
        for key in staging.slice.keys:
            facts = _facts(tallies[key]) | {"version": version}
            yield Outcome(key, Status.PUBLISHED, tallies[key].published, facts, _broken(tallies[key], self.contract))

    def _kept_as_it_is(self, stagings: Sequence[Staging], refusals: Mapping[str, str]) -> Iterator[Outcome]:
        """Nothing of another calendar is published beside the old one: good partitions are refused because of the others."""
        first = next(iter(refusals))
        for staging in stagings:
            staging.discard()
            for key in staging.slice.keys:
                yield Outcome(
                    key, Status.REFUSED, refusal=f"The calendar was changed, so all are published at once, and {first} was refused."
                )

    def _refuse(self, rejected: Rejected, refusals: Mapping[str, str]) -> None:
        """Keep the rejected rows of refused partitions where the person on call finds them; nothing of them is published."""
        named = publications_of(self.inputs.published, refusals)
        Quarantine(self.run.lake, self.contract.dataset).refuse(rejected, named, refusals, self._provenance({}))

    def _publish(self, staging: Staging, rejected: Rejected, tallies: Mapping[str, Tally]) -> int:
        slice_, contract = staging.slice, self.contract
        quarantine, (also, unchanged) = Quarantine(self.run.lake, contract.dataset), self._held_together(staging)

        def landed(left: pl.DataFrame) -> pl.DataFrame:
            return landed_rows(self.inputs.rows(slice_), left, contract, keys_by_value(slice_))

        notes = {key: _facts(tallies[key]) | {"broken": _broken(tallies[key], contract)} for key in slice_.keys}
        done = publish_audited(
            quarantine, staging, rejected, wanted=self.wanted, before=self.inputs.published, provenance=self._provenance(notes),
            landed=landed, unchanged={**unchanged, **(self.others or {})},
            also={**also, **self._account(slice_, tallies), **files_noted(staging)},
            whole=self.others is not None,
        )  # fmt: skip
        return done.version

    def _account(self, slice_: Slice, tallies: Mapping[str, Tally]) -> dict[str, int]:
        """What tells later whether all rows of a partition are still accounted for."""
        found = {DUPLICATES + key: tallies[key].duplicates for key in slice_.keys}
        return found | {MADE_FROM + part.key: rows_token(self.inputs.days(part)) for part in slice_.partitions}

    def _held_together(self, staging: Staging) -> tuple[Mapping[str, int], Mapping[str, int | None]]:  # noqa: ARG002  # for who has some
        """Tokens that are committed with those of the partitions, and those that the log must still have."""
        return {}, {}

    def _provenance(self, notes: Mapping[str, Mapping[str, Any]]) -> Provenance:
        inputs, run_id = self.inputs, self.run.run_id
        retained = inputs.expired.noted
        return Provenance(run_id, self.contract.version, inputs.code, inputs.versions(), notes, inputs.fence, retained=retained)


def _rows_of(published: pl.DataFrame, slice_: Slice, contract: Contract) -> pl.DataFrame:
    import polars as pl

    column = contract.partitioning.column
    return published.filter(pl.col(column).cast(pl.String).is_in(list(keys_by_value(slice_)))) if column else published


def _broken(tally: Tally, contract: Contract) -> dict[str, int]:
    """Rows by broken row rule; for a broken promise about the partition as a whole, the rows that it has."""
    return tally.broken | {rule.name: tally.published for rule in tally.broken_dataset_rules(contract)}


def _facts(tally: Tally) -> dict[str, int]:
    displaced = {"displaced": tally.displaced} if tally.displaced else {}
    return {
        "landed": tally.landed,
        "published": tally.published,
        "quarantined": tally.quarantined,
        "duplicates": tally.duplicates,
        **displaced,
    }
