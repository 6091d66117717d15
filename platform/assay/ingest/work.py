"""What an ingestion writes: files are staged as they are read, then many arrivals are published by one commit."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from assay.cached_property import cached_property
from assay.code_version import code_version
from assay.errors import AssayError
from assay.ingest.bronze import bronze_rows
from assay.ingest.chunks import Chunk, Prepared
from assay.ingest.streamed_arrivals import Arriving
from assay.ingest.unpartitioned import set_aside
from assay.lake.accounts import LANDED
from assay.lake.audited import publish_audited
from assay.lake.foreign import files_noted
from assay.lake.manifest import KEY, Landed, Manifest, days_of
from assay.lake.publisher import Provenance
from assay.lake.quarantine.rejected import Rejected, all_of
from assay.lake.quarantine.store import ARRIVALS, PARTITION, Quarantine
from assay.lake.staged import together
from assay.lake.staging import stage
from assay.steps import Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.ingest.erased import Erased
    from assay.ingest.reading import Batch, Piece, Source
    from assay.lake.slices import Slice
    from assay.lake.snapshots import Snapshot
    from assay.lake.staged import Staging

CODE = ("assay.ingest", "assay.contracts.language", "assay.contracts.compiling")


@dataclass(frozen=True)
class Work:
    """The chunks of one ingestion: what has landed by partition key, the fingerprints to come, and the table as it was `before`.

    With `others` the table is replaced whole by one publication: those are the partitions that go, with their fingerprints.
    """

    run: Run
    contract: Contract
    slice: Slice
    landed: Mapping[str, Batch]
    wanted: Mapping[str, int]
    before: Snapshot | None
    erased: Erased
    others: Mapping[str, int] | None = None

    def prepare(self, piece: Piece) -> Prepared:
        """The rows of the readable arrivals of a piece, and by their manifests what landed. Raises AssayError if a row was lost."""
        rows, gone = self.erased.split(bronze_rows(piece, self.contract))
        part = self._keys[piece.batches[-1].arrival] if piece.begun or piece.goes_on else None
        days, landed = days_of(rows) if part is None else {}, dict[str, list[Landed]]()
        for source in piece.sources:
            erased = source.landed.erased + gone.get(source.landed.name, 0)
            now = replace(source.landed, erased=erased, aliases=self._aliases[source.arrival, source.landed.hash])
            landed.setdefault(source.arrival, []).append(now)
        manifests = {self._keys[arrival]: Manifest(tuple(found), days.get(arrival, {})) for arrival, found in landed.items()}
        if part is None:
            for key, manifest in manifests.items():
                self.refuse_lost(key, manifest)
        failed = {self._keys[arrival]: error for arrival, error in piece.failed.items()}
        return Prepared(rows, manifests, piece.sources, failed, part, piece.goes_on)

    def refuse_lost(self, key: str, manifest: Manifest) -> None:
        """Raise AssayError if a row that landed is nowhere."""
        if not manifest.closes:
            raise AssayError(f"Tried to ingest {key} of {self.slice.spec.name}; rows of its files are missing: {manifest}.")

    def staged(self, made: Iterable[Prepared]) -> Iterator[Chunk]:
        """Write what was prepared where no reader looks yet; the parts of an arrival into one file, which goes if one of them fails."""
        with ExitStack() as unfinished:
            arriving: Arriving | None = None
            for one in made:
                if one.part is None:
                    yield self.stage(one)
                    continue
                if arriving is None:
                    arriving = Arriving(self, one.part)
                    unfinished.callback(arriving.discard)
                arriving.add(one)
                if not one.goes_on:
                    yield arriving.done()
                    unfinished.close()
                    arriving = None

    def stage(self, made: Prepared) -> Chunk:
        """Write the rows of whole arrivals."""
        rejected, good = set_aside(made.rows, self.contract, self.run.run_id), list(made.manifests)
        footers = {key: {KEY: manifest.dump()} for key, manifest in made.manifests.items()}
        staging = stage(self.run.lake / self.slice.spec.name, self.slice.only(good), [made.rows], footers) if good else None
        return Chunk(staging, Rejected(rejected), made)

    @cached_property
    def _keys(self) -> dict[str, str]:
        """The partition key of each arrival."""
        return {batch.arrival: key for key, batch in self.landed.items()}

    @cached_property
    def _aliases(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """The other names of each content, by arrival and hash."""
        return {(batch.arrival, digest): aliases for batch in self.landed.values() for _, digest, aliases in batch.files}

    def publish(self, chunks: Sequence[Chunk]) -> Iterator[Outcome]:
        """Publish the arrivals of some chunks in one commit."""
        for key, error in ((key, error) for chunk in chunks for key, error in chunk.made.failed.items()):
            yield Outcome(key, Status.REFUSED, refusal=error.message)
        stagings = [chunk.staging for chunk in chunks if chunk.staging]
        if self.others is not None and (failed := [key for chunk in chunks for key in chunk.made.failed]):
            yield from self._kept_as_it_is(stagings, failed[0])
            return
        if not stagings:
            return
        staging, rejected = together(stagings), all_of(chunk.rejected for chunk in chunks)
        erased = {key: {"erased": count} for chunk in chunks for key, count in chunk.made.erased.items()}
        landed = {LANDED + key: one.landed - one.erased for chunk in chunks for key, one in chunk.made.manifests.items()}
        version = self._publish(staging, rejected, [source for chunk in chunks for source in chunk.made.sources], erased, landed)
        held = rejected.by_rule()
        for key in staging.slice.keys:
            rules = held.get(key, {})
            facts = {"files": len(self.landed[key].files), "version": version, "quarantined": sum(rules.values())}
            yield Outcome(key, Status.PUBLISHED, staging.rows_of(key), facts | erased.get(key, {}), rules)

    def _kept_as_it_is(self, stagings: Sequence[Staging], failed: str) -> Iterator[Outcome]:
        """Nothing of another calendar is published beside the old one: readable arrivals are refused because of the others."""
        for staging in stagings:
            staging.discard()
            for key in staging.slice.keys:
                yield Outcome(
                    key, Status.REFUSED, refusal=f"The calendar was changed, so all are published at once, and {failed} was refused."
                )

    def _publish(
        self,
        staging: Staging,
        rejected: Rejected,
        sources: Sequence[Source],
        erased: Mapping[str, Mapping[str, int]],
        counts: Mapping[str, int],
    ) -> int:
        notes: dict[str, dict[str, Any]] = {key: {"files": _named(self.landed[key]), **erased.get(key, {})} for key in staging.slice.keys}
        provenance = Provenance(self.run.run_id, self.contract.version, code_version(*CODE), {}, notes, self.erased.fence)
        quarantine = Quarantine(self.run.lake, self.contract.dataset, ARRIVALS)
        done = publish_audited(
            quarantine, staging, rejected, wanted=self.wanted, before=self.before, provenance=provenance,
            landed=lambda left: _still_there(left, sources), whole=self.others is not None, also={**counts, **files_noted(staging)},
            unchanged=self.others,
        )  # fmt: skip
        return done.version


def _named(batch: Batch) -> list[tuple[str, str]]:
    """Each name of an arrival with the hash of its content; of several names of one that comes first which has the rows."""
    return [(name, digest) for first, digest, *aliases in batch.names for name in (first, *aliases)]


def _still_there(left: pl.DataFrame, sources: Sequence[Source]) -> pl.DataFrame:
    """Which places of `left` are rows of their arrival now: bronze has every row of each of its files."""
    import polars as pl

    schema = {"source_file": pl.String, "source_hash": pl.String, "rows": pl.Int64}
    now = pl.DataFrame([(one.landed.name, one.landed.hash, one.landed.rows) for one in sources], schema, orient="row")
    there = left.select(PARTITION, "source_file", "source_row").join(now, on="source_file")
    return there.filter(pl.col("source_row") <= pl.col("rows")).drop("rows")
