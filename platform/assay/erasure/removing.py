"""Removing a person from what is live: partitions of bronze, quarantine and decisions are written again without these rows.

Bronze keeps its fingerprints: what landed and how it is read has not changed, and nothing has to be ingested again. Its new files make the
partitions of silver outdated, which are then rebuilt on the normal path, as is gold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from assay.contracts.model.contract import EVENT_DATE, SOURCE_FILE
from assay.erasure.partition_rows import HELD_ROWS, parts_of, stage_arrival, stage_rows
from assay.erasure.person_search import at_places, let_go_of_shown, named
from assay.errors import Fenced, Superseded
from assay.ingest.bronze import bronze_spec
from assay.ingest.unpartitioned import rules_of
from assay.lake.accounts import LANDED
from assay.lake.claims import claims_table
from assay.lake.foreign import BESIDE, altered, before_it_was_altered, files_by_key, files_noted, noted_of
from assay.lake.manifest import manifest_of
from assay.lake.publisher import Provenance, current_tokens, publish
from assay.lake.quarantine.decisions import decisions_spec
from assay.lake.quarantine.store import Quarantine
from assay.lake.side_tables import as_published, noted_again
from assay.lake.slices import WHOLE, Partition, Slice, TableSpec
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.erasure.person_search import Place, Traces
    from assay.lake.foreign import AsPublished
    from assay.lake.snapshots import DataFile, Snapshot

NOBODY = Provenance()
BY_PLACE = ("quarantine", "decisions", "claims")  # the layers whose rows say from which landed row they are


@dataclass(frozen=True, slots=True)
class Person:
    """Who is erased: the kind, and the value as long as this process lives; it is in no repr and is written nowhere."""

    kind: str
    value: str

    def __repr__(self) -> str:
        return f"Person({self.kind!r})"


def remove_from_bronze(lake: Path, contract: Contract, person: Person, fence: int | None = None) -> int:
    """Write the live partitions that name a person again without these rows; returns how many rows went.

    One that another tool has changed is taken as it was published, as long as a version has it so: afterwards the old files are gone.
    Raises Fenced when another erasure has begun since `fence` was raised. A partition that was published meanwhile is looked at again.
    """
    spec = bronze_spec(contract)

    def rewrites(table: Snapshot) -> Iterator[Callable[[], int]]:
        changed, there = altered(table), files_by_key(table)
        before = before_it_was_altered(table, changed)
        for key in [*there, *sorted(before.keys() - there.keys())]:
            slice_ = Slice(spec, (WHOLE if key == WHOLE.key else Partition(key, (key,)),))
            one = _Rewrite(lake, table, slice_, there.get(key, []), fence, before.get(key), is_altered=key in changed)
            yield partial(one.without, person, contract)

    return _carried_out(lake, spec.name, rewrites)


def _carried_out(lake: Path, name: str, rewrites: Callable[[Snapshot], Iterable[Callable[[], int]]]) -> int:
    """Write partitions of a table again; returns how many rows went. All are looked at again if one was published meanwhile."""
    removed, once_more = 0, True
    while once_more:
        once_more, table = False, newest(lake, name)
        for rewrite in rewrites(table) if table else ():
            try:
                removed += rewrite()
            except Fenced:
                raise
            except Superseded:
                once_more = True
    return removed


@dataclass(frozen=True)
class _Rewrite:
    """A partition of bronze as it is, on its way to be written again; as it was published `before`, if another tool has changed it."""

    lake: Path
    table: Snapshot
    slice: Slice
    files: list[DataFile]
    fence: int | None
    before: AsPublished | None
    is_altered: bool

    def without(self, person: Person, contract: Contract) -> int:
        """Publish it without the rows of a person, if there are any; returns how many there were."""
        (key,), spec = self.slice.keys, self.slice.spec
        table, files = self.before or (self.table, self.files)
        is_meant = partial(named, contract=contract, kind=person.kind, value=person.value)
        rows, gone, aside = 0, Counter[str](), Counter[str]()
        for part in parts_of(table, files, spec):
            meant = is_meant(part)
            rows += part.height
            gone.update(dict(part.filter(meant)[SOURCE_FILE].value_counts().iter_rows()))
            aside.update(rules_of(part.filter(meant & part[EVENT_DATE].is_null()), contract) if contract.event_time else {})
        shown = self._count(is_meant) if self.before else gone.total()  # what another tool has added counts too
        if not gone and not shown:
            return 0
        seen = current_tokens(self.table, [key])
        tokens = {one: token for one, token in seen.items() if token is not None} | {LANDED + key: rows - gone.total()}
        # what landed of a partition is as it was; its erased rows are counted by the file in which they landed
        known = [source for file in files for source in manifest_of(file.path).sources]
        sources = tuple(replace(one, erased=one.erased + gone[one.name]) for one in known)
        left = (part.filter(~is_meant(part)).select(spec.schema.names) for part in parts_of(table, files, spec))
        staging = stage_arrival(self.lake / spec.name, self.slice, left, sources, held=rows <= HELD_ROWS)
        # a fingerprint comes back with a forced ingest, a publication does not
        expected = seen | as_published(self.table, [key])
        # what another tool has changed, and no version has any more as it was, is not as it was published by being without this person
        tokens |= files_noted(staging) if self.before or not self.is_altered else {}
        note = _note(noted_of(self.table, key), gone.total(), aside)
        why = replace(NOBODY, contract_version=contract.version, notes={key: note}, fence=self.fence)
        publish(self.lake, staging, tokens, expected=expected, provenance=why)
        return max(gone.total(), shown)

    def _count(self, is_meant: Callable[[pl.DataFrame], pl.Series]) -> int:
        return sum(int(is_meant(part).sum()) for part in parts_of(self.table, self.files, self.slice.spec))


def _note(before: Mapping[str, Any], gone: int, aside: Mapping[str, int]) -> dict[str, Any]:
    """What was noted of a bronze partition, with the erased rows counted apart."""
    kept = {name: value for name, value in before.items() if name not in {"rows", "digest"}}
    held = {rule: max(rows - aside.get(rule, 0), 0) for rule, rows in kept.get("held", {}).items()}
    return kept | {"erased": kept.get("erased", 0) + gone} | ({"held": {rule: rows for rule, rows in held.items() if rows}} if held else {})


def remove_beside(lake: Path, contract: Contract, found: Traces, before: Mapping[str, Snapshot], fence: int) -> tuple[int, int]:
    """Remove a person from what lies beside a table that was published again; returns how many rows of quarantine went, and how many of
    decisions. What may be theirs goes from files of `before` only, by table: whoever has written others since has read nothing of them.
    """
    dataset = contract.dataset
    let_go_of_shown(found, lake, contract)
    quarantine, claims = (before.get(f"{layer}/{dataset}") for layer in BESIDE)
    held = _remove_maybe(lake, Quarantine(lake, dataset).spec, found, quarantine, fence)
    held += remove_from_quarantine(lake, dataset, found.places, fence)
    decided = remove_from_decisions(lake, dataset, found.of("decisions"), fence)
    _remove_maybe(lake, claims_table(lake, dataset).spec, found, claims, fence)
    remove_from_claims(lake, dataset, found.places, fence)
    return held, decided


def _remove_maybe(lake: Path, spec: TableSpec, found: Traces, before: Snapshot | None, fence: int) -> int:
    if not found.others or before is None:
        return 0
    return remove_rows(lake, spec, lambda frame: at_places(frame, found.others), fence, among={file.path for file in before.files})


def remove_from_quarantine(lake: Path, dataset: str, places: set[Place], fence: int | None = None) -> int:
    """Write the partitions of a quarantine that hold rows from some places again without them, whichever publication they are of."""
    return remove_rows(lake, Quarantine(lake, dataset).spec, lambda frame: at_places(frame, places), fence)


def remove_from_decisions(lake: Path, dataset: str, places: set[Place], fence: int | None = None) -> int:
    """The same with what stewards decided. A decision about nobody else leaves its number and no row."""
    return remove_rows(lake, decisions_spec(dataset), lambda frame: at_places(frame, places), fence)


def remove_from_claims(lake: Path, dataset: str, places: set[Place], fence: int | None = None) -> int:
    """The same with claims to keys, which are those of publications that nobody names any more once silver is rebuilt."""
    return remove_rows(lake, claims_table(lake, dataset).spec, lambda frame: at_places(frame, places), fence)


def remove_rows(
    lake: Path, spec: TableSpec, is_meant: Callable[[pl.DataFrame], pl.Series], fence: int | None, among: Collection[str] | None = None
) -> int:
    """Write the partitions of a table that have such rows again without them; returns how many rows went. `among` are the paths of files,
    if not all are looked at.
    """

    def without(table: Snapshot, values: tuple[str, ...], files: list[DataFile]) -> int:
        rows = gone = 0
        for part in parts_of(table, files, spec):
            rows, gone = rows + part.height, gone + int(is_meant(part).sum())
        if gone:
            slice_ = Slice(spec, (Partition("@".join(values), values),))
            left = (part.filter(~is_meant(part)) for part in parts_of(table, files, spec))
            staging = stage_rows(lake / spec.name, slice_, left, held=rows <= HELD_ROWS)
            why = replace(NOBODY, fence=fence, replaces=[file.path for file in files])
            publish(lake, staging, noted_again(table, values, staging), provenance=why)
        return gone

    def rewrites(table: Snapshot) -> Iterator[Callable[[], int]]:
        for values, files in _by_values(table).items():
            if among is None or any(file.path in among for file in files):
                yield partial(without, table, values, files)

    return _carried_out(lake, spec.name, rewrites)


def _by_values(table: Snapshot) -> dict[tuple[str, ...], list[DataFile]]:
    found: dict[tuple[str, ...], list[DataFile]] = {}
    for file in table.files:
        found.setdefault(file.values, []).append(file)
    return found
