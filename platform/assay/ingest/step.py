"""The ingest step: landing files become bronze partitions, each by arrival and exactly once.

A partition is replaced by what its files hold now, in one commit; the same files again change nothing. Rows without a usable event date
stay in bronze and are also set aside in quarantine, because no silver partition will ever read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.code_version import code_version
from assay.contracts.model import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW, Contract, Grain
from assay.ingest.absent import absent_columns
from assay.ingest.bronze import batches, frame_of
from assay.ingest.erased import Erased
from assay.ingest.reading import Batch, Piece, read_pieces
from assay.lake.erasures import FENCE
from assay.lake.publisher import Provenance, current_tokens, fingerprint, publish
from assay.lake.quarantine import ARRIVALS, PARTITION, Quarantine
from assay.lake.quarantine_changes import noted
from assay.lake.snapshots import newest
from assay.lake.staging import stage
from assay.masking.hiding import landed_json
from assay.masking.subjects import subjects_of
from assay.steps import CHUNK_ROWS, Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import polars as pl

    from assay.lake.slices import Slice

CODE = ("assay.ingest", "assay.contracts.compile", "assay.contracts.dates")
BYTES_PER_ROW = 60  # a low guess: chunks come out smaller than CHUNK_ROWS rather than larger


def bronze_fingerprints(contract: Contract, found: Mapping[str, Batch]) -> dict[str, int]:
    """What each batch would be made into: a number for the contract's words on landing, the code and the contents of its files."""
    code, absent = code_version(*CODE), {arrival: absent_columns(batch, contract.source) for arrival, batch in found.items()}
    common = {lacking: fingerprint(contract.landing_meaning(lacking), code) for lacking in set(absent.values())}
    return {arrival: fingerprint("bronze", common[absent[arrival]], batch.contents) for arrival, batch in found.items()}


def ingest(run: Run, contract: Contract, slice_: Slice) -> Iterator[Outcome]:
    """Bring the arrivals of a slice of bronze up to date, in chunks of bounded size. Yields one outcome per partition."""
    found = batches(run.landing, contract)
    landed = {partition.key: found[_arrival(partition.values)] for partition in slice_.partitions if _arrival(partition.values) in found}
    wanted = bronze_fingerprints(contract, landed)
    current = current_tokens(newest(run.lake, slice_.spec.name), list(landed))
    for key in slice_.keys:
        if key not in landed:
            yield Outcome(key, Status.REFUSED, refusal=f"No file has landed for {key}: {contract.source.path} names none.")
        elif wanted[key] == current[key] and not run.force:
            yield Outcome(key, Status.UNCHANGED, facts={"files": len(landed[key].files)})
    due = [key for key in landed if run.force or wanted[key] != current[key]]
    erased = Erased.pin(run, contract)
    for keys in _chunks(due, landed):
        chunk = slice_.only(keys)
        batches_ = {key: landed[key] for key in keys}
        known = _Known({k: wanted[k] for k in keys}, {k: current[k] for k in keys}, erased)
        yield from _ingest_chunk(run, contract, chunk, batches_, known)


def _arrival(values: tuple[str, ...]) -> str:
    return values[0] if values else ""


def _chunks(keys: list[str], landed: Mapping[str, Batch]) -> Iterator[list[str]]:
    """Cut the arrivals into runs of about CHUNK_ROWS rows, judged by the size of their files."""
    chunk, size = list[str](), 0
    for key in keys:
        bytes_ = sum(file.size for file, _ in landed[key].files)
        if chunk and size + bytes_ > CHUNK_ROWS * BYTES_PER_ROW:
            yield chunk
            chunk, size = [], 0
        chunk.append(key)
        size += bytes_
    if chunk:
        yield chunk


@dataclass(frozen=True, slots=True)
class _Known:
    """The fingerprints of some partitions, those that they will have and those that they had when the step began, and who was erased."""

    wanted: Mapping[str, int]
    current: Mapping[str, int | None]
    erased: Erased


def _ingest_chunk(run: Run, contract: Contract, slice_: Slice, landed: Mapping[str, Batch], known: _Known) -> Iterator[Outcome]:
    keys = {landed[key].arrival: key for key in slice_.keys}
    for piece in read_pieces([landed[key] for key in slice_.keys], contract.source):
        for arrival, error in piece.failed.items():
            yield Outcome(keys[arrival], Status.REFUSED, refusal=error.message)
        if good := [keys[batch.arrival] for batch in piece.batches if batch.arrival not in piece.failed]:
            yield from _publish_piece(run, contract, slice_.only(good), piece, known)


def _publish_piece(run: Run, contract: Contract, slice_: Slice, piece: Piece, known: _Known) -> Iterator[Outcome]:
    batches_, good, frame = {batch.arrival: batch for batch in piece.batches}, slice_.keys, frame_of(piece, contract)
    frame, gone = known.erased.split(frame)
    landed = {partition.key: batches_[_arrival(partition.values)] for partition in slice_.partitions}
    tokens, seen = {key: known.wanted[key] for key in good}, {key: known.current[key] for key in good}
    staging = stage(run.lake / slice_.spec.name, slice_, [frame])
    notes: dict[str, dict[str, Any]] = {key: {"files": landed[key].contents} | _erased(gone, landed[key]) for key in good}
    quarantine, rejected = Quarantine(run.lake, contract.dataset, ARRIVALS), _without_event_date(frame, contract, run.run_id)
    for key, changes in noted(quarantine.held(seen), rejected, lambda _: frame.select(_origins(contract)), seen).items():
        notes[key] |= changes
    provenance = Provenance(run.run_id, contract.version, code_version(*CODE), {}, notes)
    outdated = quarantine.store(rejected, tokens, seen, provenance)
    expected = seen | ({FENCE: known.erased.fence} if subjects_of(contract) else {})  # who was erased meanwhile must not come back by this
    done = publish(run.lake, staging, tokens, expected=expected, provenance=provenance)
    quarantine.clear(outdated, provenance)
    for key in good:
        held: dict[str, int] = notes[key].get("held", {})
        facts = {"files": len(landed[key].files), "version": done.version, "quarantined": sum(held.values())} | _erased(gone, landed[key])
        yield Outcome(key, Status.PUBLISHED, staging.rows_of(key), facts, held)


def _erased(gone: Mapping[str, int], batch: Batch) -> dict[str, int]:
    return {"erased": gone[batch.arrival]} if batch.arrival in gone else {}


def _without_event_date(frame: pl.DataFrame, contract: Contract, run_id: str) -> pl.DataFrame:
    """The rows that no event partition will read, as quarantine rows under their arrival."""
    import polars as pl

    time, span, rows, reason = contract.event_time, contract.partitioning, frame.clear(), ""
    if time is not None:
        rows = frame.filter(pl.col(EVENT_DATE).is_null())
        reason = f"event_time_readable: `{time.expression}` gives no {time.format} in [{span.start}, {span.end or 'now'})."
    return rows.select(
        pl.lit("event_time_readable").alias("rule"), pl.lit("error").alias("severity"), pl.lit(reason).alias("reason"),
        *_origins(contract), pl.lit(run_id).alias("run_id"), pl.lit(contract.version).alias("contract_version"),
        landed_json(contract).alias("raw"),
    )  # fmt: skip


def _origins(contract: Contract) -> list[pl.Expr]:
    """Where a row came from, as quarantine says it: source_file, source_row, source_hash, and its arrival as PARTITION."""
    import polars as pl

    arrival = pl.col(ARRIVAL).cast(pl.String) if contract.arrival.grain is not Grain.NONE else pl.lit("all")
    return [
        pl.col(SOURCE_FILE).alias("source_file"), pl.col(SOURCE_ROW).alias("source_row"), pl.col(SOURCE_HASH).alias("source_hash"),
        arrival.alias(PARTITION),
    ]  # fmt: skip
