"""The ingest step: landing files become bronze partitions, each by arrival and exactly once.

A partition is replaced by what its files hold now, in one commit; the same files again change nothing. The next files are read while the
last ones are written (`work`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.code_version import code_version
from assay.contracts.model.fingerprint import landing_terms
from assay.ingest.absent import absent_columns
from assay.ingest.bronze import batches, bronze_spec
from assay.ingest.erased import Erased
from assay.ingest.held import Holdings
from assay.ingest.lost import refuse_forgotten
from assay.ingest.migrating import leaving
from assay.ingest.reading import Batch, read_pieces
from assay.ingest.set_aside import differently_aside
from assay.ingest.work import CODE, Work
from assay.lake.accounts import standing
from assay.lake.audited import weight
from assay.lake.publisher import current_tokens, fingerprint
from assay.lake.quarantine import ARRIVALS, Quarantine
from assay.lake.snapshots import newest
from assay.steps import COMMIT_BYTES, Outcome, Run, Status, ahead, give_back_memory, in_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from assay.contracts.model.contract import Contract
    from assay.lake.slices import Slice


def bronze_fingerprints(contract: Contract, found: Mapping[str, Batch]) -> dict[str, int]:
    """What each batch would be made into: a number for the contract's words on landing, the code and the contents of its files."""
    code, absent = code_version(*CODE), {arrival: absent_columns(batch, contract.source) for arrival, batch in found.items()}
    common = {lacking: fingerprint(landing_terms(contract, lacking), code) for lacking in set(absent.values())}
    return {arrival: fingerprint("bronze", common[absent[arrival]], batch.contents) for arrival, batch in found.items()}


def arrivals_at(run: Run, contract: Contract, chosen: Callable[[str], bool], now: datetime) -> tuple[dict[str, int], dict[str, int | None]]:
    """The fingerprints, by partition key, that chosen arrivals would get, and those that they have; None where rows are missing."""
    table = newest(run.lake, bronze_spec(contract).name)
    if table is None:
        refuse_forgotten(run.lake, contract)
    holdings = Holdings.of_table(table, contract)
    made = bronze_fingerprints(contract, batches(run.landing, contract, chosen, now, holdings, linked=run.linked))
    wanted = {arrival or "all": value for arrival, value in made.items()}
    return wanted, _standing(run, contract, holdings, wanted)


def _standing(run: Run, contract: Contract, holdings: Holdings, keys: Iterable[str]) -> dict[str, int | None]:
    table, aside = holdings.snapshot, Quarantine(run.lake, contract.dataset, ARRIVALS)
    changed = holdings.changed | aside.damaged(table)
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
    found = batches(run.landing, contract, set(arrivals.values()).__contains__, run.now, holdings, linked=run.linked)
    landed = {key: found[arrival] for key, arrival in arrivals.items() if arrival in found}
    wanted = bronze_fingerprints(contract, landed)
    others = leaving(run, contract, table, slice_.only(set(landed)) if landed else slice_, everything)
    stands = _standing(run, contract, holdings, landed)
    for key in slice_.keys:
        if key not in landed and others is not None:
            yield Outcome(key, Status.UNCHANGED)
        elif key not in landed:
            yield Outcome(key, Status.REFUSED, refusal=f"No file has landed for {key}: {contract.source.path} names none.")
        elif others is None and wanted[key] == stands[key] and not run.force:
            yield Outcome(key, Status.UNCHANGED, facts={"files": len(landed[key].files)})
    due = [key for key in landed if run.force or others is not None or wanted[key] != stands[key]]
    work = Work(run, contract, slice_, landed, wanted, table, erased, others)
    made = (work.prepare(piece) for piece in read_pieces([landed[key] for key in due], contract.source))
    staged = map(work.stage, ahead(made))
    groups = in_groups(staged, lambda one: weight(one.staging, one.rejected), COMMIT_BYTES) if others is None else (list(staged),)
    for group in groups:
        yield from work.publish(group)
    give_back_memory()


def _arrival(values: tuple[str, ...]) -> str:
    return values[0] if values else ""
