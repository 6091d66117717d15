"""What an ingestion writes: files are staged as they are read, then many arrivals are published by one commit.

Rows without a usable event date stay in bronze and are also set aside in quarantine, because no silver partition will ever read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from assay.code_version import code_version
from assay.contracts.dates import java_pattern
from assay.contracts.model import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Contract, Grain
from assay.lake.audited import publish_audited
from assay.lake.publisher import Provenance
from assay.lake.quarantine import ARRIVALS, PARTITION, Quarantine, by_rule
from assay.lake.staged import together
from assay.lake.staging import stage
from assay.masking.hiding import landed_json
from assay.steps import Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import polars as pl
    import pyarrow as pa

    from assay.errors import FileUnreadable
    from assay.ingest.erased import Erased
    from assay.ingest.reading import Batch, Piece, Source
    from assay.lake.slices import Slice
    from assay.lake.staged import Staging

CODE = ("assay.ingest", "assay.contracts.compile", "assay.contracts.dates", "assay.contracts.arrivals", "assay.contracts.paths")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some arrivals whose rows are staged; `staging` is None if none could be read.

    `failed` says why an arrival could not be read, `erased` how many of its rows are left out because they name an erased person; both by
    partition key.
    """

    staging: Staging | None
    rejected: pl.DataFrame
    sources: Sequence[Source]
    failed: Mapping[str, FileUnreadable]
    erased: Mapping[str, int]


@dataclass(frozen=True)
class Work:
    """The chunks of one ingestion: what has landed by partition key, the fingerprints to come, and those that were seen.

    With `others` the table is replaced whole by one publication: those are the partitions that go, with their fingerprints.
    """

    run: Run
    contract: Contract
    slice: Slice
    landed: Mapping[str, Batch]
    wanted: Mapping[str, int]
    current: Mapping[str, int | None]
    erased: Erased
    others: Mapping[str, int] | None = None

    def stage(self, piece: Piece, rows: pa.Table) -> Chunk:
        """Write the rows of the readable arrivals where no reader looks yet."""
        keys = self._keys
        failed = {keys[arrival]: error for arrival, error in piece.failed.items()}
        rows, gone = self.erased.split(rows)
        rejected = _without_event_date(rows, self.contract, self.run.run_id)
        good = [keys[batch.arrival] for batch in piece.batches if batch.arrival not in piece.failed]
        staging = stage(self.run.lake / self.slice.spec.name, self.slice.only(good), [rows]) if good else None
        return Chunk(staging, rejected, piece.sources, failed, {keys[arrival]: count for arrival, count in gone.items()})

    @cached_property
    def _keys(self) -> dict[str, str]:
        """The partition key of each arrival."""
        return {batch.arrival: key for key, batch in self.landed.items()}

    def publish(self, chunks: Sequence[Chunk]) -> Iterator[Outcome]:
        """Publish the arrivals of some chunks in one commit."""
        import polars as pl

        for key, error in ((key, error) for chunk in chunks for key, error in chunk.failed.items()):
            yield Outcome(key, Status.REFUSED, refusal=error.message)
        stagings = [chunk.staging for chunk in chunks if chunk.staging]
        if self.others is not None and (failed := [key for chunk in chunks for key in chunk.failed]):
            yield from self._kept_as_it_is(stagings, failed[0])
            return
        if not stagings:
            return
        staging, rejected = together(stagings), pl.concat(chunk.rejected for chunk in chunks)
        erased = {key: {"erased": count} for chunk in chunks for key, count in chunk.erased.items()}
        version = self._publish(staging, rejected, [source for chunk in chunks for source in chunk.sources], erased)
        held = by_rule(rejected)
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

    def _publish(self, staging: Staging, rejected: pl.DataFrame, sources: Sequence[Source], erased: Mapping[str, Mapping[str, int]]) -> int:
        notes: dict[str, dict[str, Any]] = {key: {"files": self.landed[key].contents, **erased.get(key, {})} for key in staging.slice.keys}
        provenance = Provenance(self.run.run_id, self.contract.version, code_version(*CODE), {}, notes)
        quarantine = Quarantine(self.run.lake, self.contract.dataset, ARRIVALS)
        done = publish_audited(
            quarantine, staging, rejected, wanted=self.wanted, current=self.current, provenance=provenance,
            landed=lambda left: _still_there(left, sources), whole=self.others is not None,
            fence={**self.erased.seen, **(self.others or {})},
        )  # fmt: skip
        return done.version


def _still_there(left: pl.DataFrame, sources: Sequence[Source]) -> pl.DataFrame:
    """Which places of `left` are rows of their arrival now: bronze has every row of each of its files."""
    import polars as pl

    schema = {"source_file": pl.String, "source_hash": pl.String, "rows": pl.Int64}
    now = pl.DataFrame([(one.file, one.hash, one.rows) for one in sources], schema, orient="row")
    there = left.select(PARTITION, "source_file", "source_row").join(now, on="source_file")
    return there.filter(pl.col("source_row") <= pl.col("rows")).drop("rows")


def _without_event_date(rows: pa.Table, contract: Contract, run_id: str) -> pl.DataFrame:
    """The rows that no event partition will read, as quarantine rows under their arrival."""
    import polars as pl

    time, span, none, reason = contract.event_time, contract.partitioning, rows.slice(0, 0), ""
    if time is not None:
        unread = rows.column(EVENT_DATE)
        none = rows.filter(unread.is_null()) if unread.null_count else none
        reason = f"event_time_readable: `{time.expression}` gives no {java_pattern(time.format)} in [{span.start}, {span.end or 'now'})."
    arrival = pl.col(ARRIVAL).cast(pl.String) if contract.arrival.grain is not Grain.NONE else pl.lit("all")
    return cast("pl.DataFrame", pl.from_arrow(none)).select(
        pl.lit("event_time_readable").alias("rule"), pl.lit("error").alias("severity"), pl.lit(reason).alias("reason"),
        pl.col(SOURCE_FILE).alias("source_file"), pl.col(SOURCE_ROW).alias("source_row"), pl.col(SOURCE_HASH).alias("source_hash"),
        pl.lit(run_id).alias("run_id"), pl.lit(contract.version).alias("contract_version"),
        landed_json(contract).alias("raw"), arrival.alias(PARTITION),
    )  # fmt: skip
