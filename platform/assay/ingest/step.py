"""The ingest step: landing files become bronze partitions, each by arrival and exactly once.

A partition is replaced by what its files hold now, in one commit; the same files again change nothing. The next files are read while the
last ones are written (`work`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.code_version import code_version
from assay.contracts.model.contract import Grain
from assay.contracts.model.fingerprint import landing_terms
from assay.ingest.absent_columns import absent_columns
from assay.ingest.arrived import Arrived
from assay.ingest.bronze import batches, batches_of, bronze_spec
from assay.ingest.bronze_contents import Holdings
from assay.ingest.erased import Erased
from assay.ingest.expired import ExpiredArrivals
from assay.ingest.lost_files import refuse_forgotten
from assay.ingest.migrating import leaving
from assay.ingest.reading import Batch, read_pieces
from assay.ingest.unpartitioned import differently_aside
from assay.ingest.work import CODE, Work
from assay.lake.accounts import standing
from assay.lake.audited import weight
from assay.lake.publisher import current_tokens, fingerprint
from assay.lake.quarantine.store import ARRIVALS, Quarantine
from assay.lake.snapshots import newest
from assay.steps import COMMIT_BYTES, Outcome, Run, Status, ahead, give_back_memory, in_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from assay.contracts.model.contract import Contract
    from assay.lake.slices import Slice
    from assay.lake.snapshots import Snapshot


def bronze_fingerprints(contract: Contract, found: Mapping[str, Batch]) -> dict[str, int]:
    """What each batch would be made into: a number for the contract's words on landing, the code and the contents of its files."""
    absent, made = {arrival: absent_columns(batch, contract.source) for arrival, batch in found.items()}, _Made(contract)
    return {arrival: made.from_contents(contents_of(batch), absent[arrival]) for arrival, batch in found.items()}


def contents_of(batch: Batch) -> str:
    """A digest of the names and contents of an arrival, in their order."""
    return digest_of_names(batch.names)


def _rows_of(batch: Batch) -> str:
    """The same, each content under one name: what tells whether an arrival that has expired is as it was."""
    return digest_of_names(batch.contents)


def digest_of_names(names: Sequence[tuple[str, ...]]) -> str:
    """A digest of the names and hashes of some contents, in their order."""
    return hashlib.blake2b(json.dumps(names).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Made:
    """Fingerprints of arrivals of one contract. What arrivals that lack the same columns share is worked out once."""

    contract: Contract
    common: dict[frozenset[str], int] = field(default_factory=dict)

    def from_contents(self, contents: str, lacking: frozenset[str]) -> int:
        if lacking not in self.common:
            self.common[lacking] = fingerprint(landing_terms(self.contract, lacking), code_version(*CODE))
        return fingerprint("bronze", self.common[lacking], contents)


def arrivals_at(run: Run, contract: Contract, chosen: Callable[[str], bool], now: datetime) -> tuple[dict[str, int], dict[str, int | None]]:
    """The fingerprints, by partition key, that chosen arrivals would get, and those that they have; None where rows are missing.

    Arrivals that have expired are not among them.
    """
    table = newest(run.lake, bronze_spec(contract).name)
    if table is None:
        refuse_forgotten(run.lake, contract)
    holdings, arrived = Holdings.of_table(table, contract), Arrived.look(run.landing, contract, run.linked, run.index)
    known = {""} if contract.arrival.grain is Grain.NONE else {*arrived.groups, *holdings.arrivals}
    keys = {arrival: arrival or "all" for arrival in sorted(known) if chosen(arrival)}
    if not holdings.regrouped:
        keys = _without_expired(ExpiredArrivals.of(run, contract, table, now), arrived, contract, keys, holdings)
    stands = _standing(run, contract, holdings, keys.values())
    wanted = _as_before(arrived, contract, {arrival: stands[key] for arrival, key in keys.items()}) if not holdings.regrouped else {}
    found = batches_of(arrived, contract, lambda arrival: arrival in keys and arrival not in wanted, now, holdings)
    for arrival, value in bronze_fingerprints(contract, found).items():
        wanted[arrival] = value
        if value == stands[keys[arrival]] and not holdings.regrouped and arrival:
            arrived.settle(arrival, contents_of(found[arrival]), absent_columns(found[arrival], contract.source))
    arrived.save(list(holdings.arrivals))
    by_key = {key: wanted[arrival] for arrival, key in keys.items() if arrival in wanted}
    return by_key, {key: stands[key] for key in by_key}


def _expired(run: Run, contract: Contract, table: Snapshot | None, landed: Mapping[str, Batch]) -> dict[str, Outcome]:
    """What becomes of arrivals that have expired."""
    gone = ExpiredArrivals.of(run, contract, table, run.now)
    keys = [key for key, batch in landed.items() if gone.has(key, _rows_of(batch))]
    return {key: Outcome(key, Status.REFUSED, refusal=gone.events.why(key)) for key in keys}


def _without_expired(
    expired: ExpiredArrivals, arrived: Arrived, contract: Contract, keys: Mapping[str, str], holdings: Holdings
) -> dict[str, str]:
    """The arrivals without those that have expired. What lies in landing of them is known from the look before, or found out."""
    gone = {arrival for arrival, key in keys.items() if (row := arrived.settled(arrival)) and expired.has(key, row.contents)}
    maybe = {arrival for arrival, key in keys.items() if arrival not in gone and expired.may_have(key)}
    for arrival, batch in batches_of(arrived, contract, maybe.__contains__, None, holdings).items() if maybe else ():
        if expired.has(keys[arrival], _rows_of(batch)):
            arrived.settle(arrival, _rows_of(batch), frozenset())
            gone.add(arrival)
    return {arrival: key for arrival, key in keys.items() if arrival not in gone}


def _as_before(arrived: Arrived, contract: Contract, stands: Mapping[str, int | None]) -> dict[str, int]:
    """The fingerprints of those arrivals whose files are as they were when bronze was made from them, and which stand as they were made.

    Nothing else of them need be looked at: a partition has the token of its contents, so it holds these files and no others.
    """
    made, found = _Made(contract), dict[str, int]()
    for arrival, stood in stands.items():
        if stood is not None and (row := arrived.settled(arrival)):
            value = made.from_contents(row.contents, frozenset(row.lacking))
            if value == stood:
                found[arrival] = value
    return found


def _standing(run: Run, contract: Contract, holdings: Holdings, keys: Iterable[str]) -> dict[str, int | None]:
    table, aside = holdings.snapshot, Quarantine(run.lake, contract.dataset, ARRIVALS)
    changed = holdings.changed | aside.altered(table)
    if table is not None and contract.event_time is not None:
        changed |= differently_aside(table, aside.visible_rows(table), {*keys} - changed)
    return standing(table, current_tokens(table, keys), changed)


def ingest(run: Run, contract: Contract, slice_: Slice, everything: Callable[[], Slice] | None = None) -> Iterator[Outcome]:
    """Bring the arrivals of a slice of bronze up to date, in chunks of bounded size. Yields one outcome per partition.

    A table of another calendar is replaced whole, or stays as it is if a file cannot be read. `everything` gives the slice of all
    partitions that there are now. Raises CalendarChanged if something that landed would be left out.
    """
    arrivals = {partition.key: _arrival(partition.values) for partition in slice_.partitions}
    erased, table = Erased.pin(run, contract), newest(run.lake, slice_.spec.name)  # in this order: who is erased later fences this off
    if table is None:
        refuse_forgotten(run.lake, contract)
    holdings = Holdings.of_table(table, contract, believed=run.force)
    found = batches(run.landing, contract, set(arrivals.values()).__contains__, run.now, holdings, linked=run.linked, index=run.index)
    landed = {key: found[arrival] for key, arrival in arrivals.items() if arrival in found}
    others = leaving(run, contract, table, slice_.only(set(landed)) if landed else slice_, everything)
    expired = {} if others is not None else _expired(run, contract, table, landed)
    yield from expired.values()
    landed = {key: batch for key, batch in landed.items() if key not in expired}
    wanted = bronze_fingerprints(contract, landed)
    stands = _standing(run, contract, holdings, landed)
    for key in [key for key in slice_.keys if key not in expired]:
        if key not in landed and others is not None:
            yield Outcome(key, Status.UNCHANGED)
        elif key not in landed:
            yield Outcome(key, Status.REFUSED, refusal=f"No file has landed for {key}: {contract.source.path} names none.")
        elif others is None and wanted[key] == stands[key] and not run.force:
            yield Outcome(key, Status.UNCHANGED, facts={"files": len(landed[key].files)})
    due = [key for key in landed if run.force or others is not None or wanted[key] != stands[key]]
    work = Work(run, contract, slice_, landed, wanted, table, erased, others)
    made = (work.prepare(piece) for piece in read_pieces([landed[key] for key in due], contract.source, run.batch_bytes))
    staged = work.staged(ahead(made))
    groups = in_groups(staged, lambda one: weight(one.staging, one.rejected), COMMIT_BYTES) if others is None else (list(staged),)
    for group in groups:
        yield from work.publish(group)
    give_back_memory()


def _arrival(values: tuple[str, ...]) -> str:
    return values[0] if values else ""
