"""Erasing a person: from bronze, silver, gold, quarantine, decisions and the old versions of them all; proved by a scan, kept as a receipt.

Each step can be done again. What is to be done is written down before anything is removed, so an erasure that was killed is finished by
running it again, and ends in the same way.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assay.erasure.copies import clean_copies
from assay.erasure.held import Held
from assay.erasure.old_files import OldFiles, forget_bounds, values_of
from assay.erasure.orphaned_rows import Beside, of_forgotten_contents, untold
from assay.erasure.person_search import Traces, search
from assay.erasure.places import BEYOND, places
from assay.erasure.proving import NotErased, prove
from assay.erasure.removing import remove_beside, remove_from_bronze
from assay.erasure.search_terms import SearchTerms
from assay.erasure.waiting import gives_way, wait_until_gone
from assay.errors import PermanentFailure
from assay.gold.models import LAYER
from assay.lake.checking import refuse_newer_tables
from assay.lake.erasures import BEGUN, NAME, Erasure, begin, erasures, raise_fence, record
from assay.lake.publisher import current_tokens
from assay.lake.snapshots import newest, table_names
from assay.lake.tables import table_folders
from assay.lake.workplaces import proving
from assay.maintenance.unfinished import remove_unfinished
from assay.masking.keyring import read_ring
from assay.masking.redaction import nothing_quoted
from assay.masking.subjects import erasure_token, subjects_of
from assay.orchestration.calendars import events_of
from assay.orchestration.downstream import Downstream, Fed
from assay.orchestration.partitions import slice_of
from assay.orchestration.rebuild import Rebuild
from assay.refine.inputs import Inputs
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.erasure.removing import Person
    from assay.masking.keyring import KeyRing
    from assay.orchestration.backfill import Ran
    from assay.orchestration.plan import Planner


class SubjectUnknown(PermanentFailure):
    """No contract names people of a kind."""

    hint = "Give the columns that name them the custom property `subject`."


@dataclass(frozen=True)
class Erasing:
    """One person on their way out of a lake. `rebuild` runs a planner's work and gives what became of each run."""

    planner: Planner
    person: Person
    by: str
    rebuild: Callable[[Planner], Iterable[Ran]]
    say: Callable[[str], None]

    @property
    def lake(self) -> Path:
        """The root of the tables."""
        return self.planner.run.lake

    @property
    def settings(self) -> Settings:
        """Where the product writes."""
        return Settings(self.lake.parent, self.planner.project.folder, landing_folder=self.planner.run.landing)

    @property
    def contracts(self) -> list[Contract]:
        """Those that name people of the kind."""
        return [one for one in self.planner.contracts.values() if self.person.kind in subjects_of(one)]

    def execute(self) -> Erasure:
        """Erase; returns the erasure with its receipt. Raises NotErased when something is left, SubjectUnknown for a kind of nobody, and
        what gives way to another erasure or writer, which may come after some of it is done.
        """
        if not self.contracts:
            raise SubjectUnknown(f"Tried to erase a {self.person.kind}; no contract has such a subject.")
        scratch, waits = self.planner.project.scratch, lambda whom: self.say(f"Waiting for {whom}.")
        with nothing_quoted(*self.contracts, about=f"erasing a {self.person.kind}"), gives_way(), proving(scratch, waits):
            return self._erase()

    def _erase(self) -> Erasure:
        self._refuse_unread()
        ring = read_ring(self.planner.run.keys)
        erasure, fence = self._begin(ring)
        traces = {name: Traces.of_json(said) for name, said in erasure.detail["datasets"].items()}
        for contract in self.contracts:
            rows = remove_from_bronze(self.lake, contract, self.person, fence)
            self.say(f"bronze/{contract.dataset}: {rows} rows removed.")
        self._raise_fence()  # whoever has read bronze before it was clean cannot publish any more
        wait_until_gone(self.planner.project.scratch, self.say)
        fenced_at = datetime.now(UTC)  # whoever staged a file before now had read before, or ends by this last fence
        beside, fence = Beside.pin(self.lake, traces), self._raise_fence()  # in this order
        fed = self._rebuild(traces)
        beside.drop_orphans(fence)
        for dataset, found in traces.items():
            held, decided = remove_beside(self.lake, self.planner.contracts[dataset], found, beside.before, fence)
            self.say(f"quarantine/{dataset}: {held} rows removed, {decided} of decisions.")
        terms, followed = SearchTerms.of(self.contracts, self.person, ring), {name: sorted(keys) for name, keys in fed.items()}
        held_by = Held(self.lake, self.planner.contracts, self.person, terms, traces, fed, erasure.detail["versions"])
        removed = self._remove_old_files(fenced_at, held_by)
        scanned = self._prove(traces, terms)
        os.sync()  # what was unlinked, by whomever, may come back with a power cut until now, and the receipt would stay
        kept = {"kept": months} if (months := Downstream(self.planner, {}).kept(fed)) else {}
        return self._receipt(erasure, traces, {"files_removed": removed, "downstream": followed, "scanned": scanned, **kept})

    def _refuse_unread(self) -> None:
        """Raise NotErased while nobody knows whom the columns of a bronze table with rows name; FormatNewer while any table is newer."""
        refuse_newer_tables(self.lake)
        names = [name for name in table_names(self.lake) if name.startswith("bronze/") and name[7:] not in self.planner.contracts]
        if unread := [name for name in names if (table := newest(self.lake, name)) and table.files]:
            raise NotErased(
                f"Tried to erase a {self.person.kind}; no sound contract says whom {', '.join(unread)} names. Nothing was changed.",
                hint="`assay contracts check` says what is wrong. Mend the contract, bring it back, or delete a table that nobody needs.",
            )

    def _raise_fence(self) -> int:
        """Let nobody publish any more what was read before now, in any table that may have something of the person."""
        mine = {one.dataset for one in self.contracts}
        found = [name.partition("/") for name in table_names(self.lake) if name != NAME]
        return raise_fence(self.lake, [f"{layer}/{name}" for layer, _, name in found if layer == LAYER or name in mine])

    def _begin(self, ring: KeyRing) -> tuple[Erasure, int]:
        """Write down who and what, and raise the fence; returns both. An erasure that was begun goes on."""
        mine = {erasure_token(key, self.person.kind, self.person.value) for key in ring.keys}
        erasure = next((one for one in erasures(self.lake) if one.subject == self.person.kind and one.token in mine), None)
        if erasure is None or erasure.state != BEGUN or not erasure.detail:
            erasure = self._written_down(erasure, ring)
        fence = self._raise_fence()
        if (told := self._found(erasure.detail["datasets"])) != erasure.detail["datasets"]:
            erasure = replace(erasure, detail={**erasure.detail, "datasets": told})
            record(self.lake, erasure)
        return erasure, fence

    def _written_down(self, before: Erasure | None, ring: KeyRing) -> Erasure:
        """Record it with the places of the rows, in one commit: from then on ingest leaves them out, and bronze may forget them."""
        done = before.detail if before else {}
        tables = {name: snapshot.version for name in table_names(self.lake) if (snapshot := newest(self.lake, name))}
        earlier = [*done.get("earlier", ()), {key: value for key, value in done.items() if key != "earlier"}]
        found = {"datasets": self._found({}), "versions": tables}
        detail = {**found, "earlier": [one for one in earlier if any(one.get("rows", {}).values())]}
        if before is None:
            return begin(self.lake, self.person.kind, erasure_token(ring.current, self.person.kind, self.person.value), self.by, detail)
        erasure = replace(before, state=BEGUN, done_at=None, detail=detail)
        record(self.lake, erasure)
        return erasure

    def _found(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """Where the person is in each dataset, and where it is known that they were."""
        datasets = {name: Traces.of_json(said) for name, said in known.items()}
        for contract in self.contracts:
            datasets.setdefault(contract.dataset, Traces()).add(search(self.lake, contract, self.person.kind, self.person.value))
        return {name: found.to_json() for name, found in datasets.items()}

    def _rebuild(self, traces: Mapping[str, Traces]) -> Fed:
        """Silver and gold on the normal path; of what held the person also what silver's rules about whole partitions refuse.

        Returns what the removed rows had fed. Raises NotErased if any of it is not made from what is left.
        """
        downstream = Downstream(self.planner, {name: frozenset(found.days) for name, found in traces.items() if found.places})
        fed, planner = downstream.fed(), self.planner
        chosen = {name: downstream.published(name, fed) for name in downstream.days}
        others = {one.dataset: keys for one in self.contracts if (keys := untold(self.lake, one))}
        due = {name: chosen.get(name, frozenset()) | others.get(name, frozenset()) for name in chosen.keys() | others.keys()}
        failed = list(self._failures(Rebuild(planner.run, planner.contracts, planner.project, due)))
        insisted = [self._insist(self.planner.contracts[name], keys) for name, keys in chosen.items() if keys]
        if any(insisted):
            failed = list(self._failures(Rebuild(planner.run, planner.contracts, planner.project, {})))
        if left := downstream.unproved(fed):
            why = f" {failed[0]}" if failed else ""
            raise NotErased(f"{'; '.join(left)}: fed by the removed rows and not made from what is left.{why}")
        return fed

    def _failures(self, planner: Planner) -> Iterable[str]:
        for ran in self.rebuild(planner):
            self.say(f"{ran.request.title}: {'rebuilt' if ran.failure is None else 'FAILED'} (run {ran.run_id[:8]}).")
            if ran.failure is not None:
                yield ran.failure

    def _insist(self, contract: Contract, keys: frozenset[str]) -> bool:
        """Publish partitions that are still as they were, although a promise about the whole partition is broken without these rows.

        Their fingerprint is another than that of the contract: the next backfill judges them again, and refuses them aloud.
        """
        spec, inputs = silver_spec(contract), Inputs.pin(self.planner.run, contract)
        slice_ = slice_of(events_of(contract), sorted(keys), spec)
        current = current_tokens(newest(self.lake, spec.name), slice_.keys)
        stale = [part.key for part in slice_.partitions if current[part.key] is not None and inputs.fingerprint(part) != current[part.key]]
        if not stale:
            return False
        lenient = replace(contract, dataset_rules=(), rejected_share_below=None)
        list(refine_partitions(self.planner.run, lenient, slice_.only(stale)))
        self.say(f"{spec.name}: {', '.join(stale)} published without these rows, though a promise about the whole partition is broken now.")
        return True

    def _remove_old_files(self, fenced_at: datetime, held: Held) -> dict[str, int]:
        """Remove the files that held the person and that no newest version names; returns how many of each table."""
        removed = dict[str, int]()
        remove_unfinished(self.lake, fenced_at)
        for name in table_folders(self.lake):
            if (meant := held.by(name)) is None:
                continue
            gone = OldFiles.of(self.lake, name, fenced_at).remove(meant, of_forgotten_contents(self.lake, name))
            forget_bounds(self.lake / name)
            removed |= {name: len(gone)} if gone else {}
        return removed

    def _prove(self, traces: Mapping[str, Traces], terms: SearchTerms) -> dict[str, Any]:
        """Clean the copies outside the tables, then read every file; returns what was read, and what nobody can know."""
        where = places(self.settings)
        for one in clean_copies(where, terms):
            self.say(f"{one}: cleaned.")
        scanned = prove(self.lake, self.contracts, self.person, traces, where=where, terms=terms)
        looked = {"places": list(dict.fromkeys(one.name for one in where)), "beyond": list(BEYOND)}
        return {"files": scanned.files, "bytes": scanned.bytes, "found": 0, **looked}

    def _receipt(self, erasure: Erasure, traces: Mapping[str, Traces], found: Mapping[str, Any]) -> Erasure:
        """Write the receipt in the place of what was to be done. Receipts of earlier times that found rows are kept in it."""
        tables = {name: snapshot.version for name in table_names(self.lake) if name != NAME and (snapshot := newest(self.lake, name))}
        before, earlier = erasure.detail["versions"], erasure.detail.get("earlier", [])
        receipt: dict[str, Any] = {
            "rows": {name: len(found.places) for name, found in traces.items()},
            "landing_files": sorted(file for found in traces.values() for file in found.files),
            "versions": {name: [before.get(name), version] for name, version in tables.items() if before.get(name) != version},
            "contracts": {one.dataset: one.version for one in self.contracts},
            **found,
        } | ({"earlier": earlier} if earlier else {})
        done = erasure.done(datetime.now(UTC), receipt)
        record(self.lake, done)
        OldFiles.unfenced(self.lake, NAME, done.asked_at).remove(lambda path: values_of(self.lake / NAME, path) == (str(done.number),))
        return done
