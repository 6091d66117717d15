"""Replays: the partitions with quarantined rows are judged again, under the contract, code and reference tables of now.

A replay is a backfill of chosen partitions that are built although they may be up to date. A row without an event date belongs to no event
partition: its arrival is ingested again, then the event partitions that got rows by that are built.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import dagster as dg

from assay.ingest.bronze import bronze_spec
from assay.lake.quarantine.reader import Fate
from assay.lake.quarantine.store import ARRIVALS, PARTITION
from assay.orchestration.backfill import Backfill
from assay.orchestration.calendars import arrivals_of, events_of, keys_between
from assay.orchestration.partitions import slice_of
from assay.orchestration.plan import Planner
from assay.refine.inputs import Inputs
from assay.refine.step import silver_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date

    from assay.contracts.model.contract import Contract
    from assay.lake.quarantine.reader import View
    from assay.orchestration.backfill import Ran, Request
    from assay.orchestration.due import Due

    Definition = dg.TimeWindowPartitionsDefinition | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a replay is about: event partitions and arrivals that hold such rows, and arrivals that have held some."""

    events: frozenset[str]
    arrivals: frozenset[str]
    arrivals_before: frozenset[str]

    @classmethod
    def of(
        cls, view: View, contract: Contract, *, rule: str | None = None, partition: str | None = None, days: tuple[date, date] | None = None
    ) -> Wanted:
        """Choose by rule, by partition (as quarantine shows it) and by the days that a partition covers, first and last included."""
        held = view.rows(Fate.HELD, ["rule", PARTITION])
        keys = {key for found, key in held.iter_rows() if rule in {None, found} and partition in {None, key}}
        before = {ARRIVALS + key for key in view.arrivals_stored(rule)}
        arrivals, once = _bare(keys), _bare(key for key in before if partition in {None, key})
        events = {key for key in keys if not key.startswith(ARRIVALS)}
        arrived = arrivals_of(contract)
        return cls(_within(events, events_of(contract), days), _within(arrivals, arrived, days), _within(once, arrived, days))


def _bare(keys: Iterable[str]) -> set[str]:
    return {key.removeprefix(ARRIVALS) for key in keys if key.startswith(ARRIVALS)}


def _within(keys: Collection[str], definition: Definition, days: tuple[date, date] | None) -> frozenset[str]:
    if definition is None or days is None:
        return frozenset(keys)
    return frozenset(keys) & frozenset(keys_between(definition, *days))


@dataclass(frozen=True)
class Picked(Planner):
    """A planner that finds only chosen partitions due."""

    chosen: Mapping[dg.AssetKey, Collection[str]] = field(default_factory=dict)

    def due(self, keys: Iterable[dg.AssetKey], first: date | None = None, last: date | None = None) -> list[Due]:
        """As the planner that it extends, without the partitions that were not chosen."""
        return [self._pick(one) for one in super().due(keys, first, last)]

    def _pick(self, due: Due) -> Due:
        return replace(due, fingerprints={key: due.fingerprints[key] for key in due.partitions if key in self.chosen[due.key]}, settled={})


@dataclass(frozen=True)
class Replay:
    """A replay of one dataset's quarantined rows, recorded in the instance that the UI shows."""

    job: dg.JobDefinition
    planner: Planner
    instance: dg.DagsterInstance
    contract: Contract
    wanted: Wanted
    location: str = ""
    tell: Callable[[str], None] = field(default=lambda _: None)

    def execute(self, announce: Callable[[Request], None]) -> Iterator[Ran]:
        """Ingest the arrivals again, then judge the event partitions. Run again after a crash it does what is left."""
        yield from self._backfill(self._key("bronze"), self.wanted.arrivals, announce)
        yield from self._backfill(self._key("silver"), self.wanted.events | self._reached(), announce)

    def waiting(self) -> list[str]:
        """The event partitions that cannot be judged yet: a file of theirs has landed and is not in bronze as it landed."""
        due = self._picked(self._key("silver"), self.wanted.events).due([self._key("silver")])[0]
        return sorted(self.wanted.events - {*due.partitions})

    def outdated_references(self) -> list[str]:
        """The datasets that the rules look into and that are not up to date: rows are judged against what is published of them."""
        keys = {name: [dg.AssetKey([layer, name]) for layer in ("bronze", "silver")] for name in self.contract.upstream}
        return [name for name, both in keys.items() if any(due.partitions for due in self.planner.due(both))]

    def _reached(self) -> set[str]:
        """The outdated event partitions with rows of these arrivals, also of those that a killed replay has ingested already."""
        if not self.wanted.arrivals_before:
            return set()
        due = self.planner.due([self._key("silver")])[0]
        inputs = Inputs.pin(self.planner.run, self.contract)
        slice_ = slice_of(due.definition, due.partitions, silver_spec(self.contract)) if due.partitions else None
        whole = not bronze_spec(self.contract).partition_by
        return {
            partition.key
            for partition in (slice_.partitions if slice_ else ())
            if whole or any(file.values[0] in self.wanted.arrivals_before for file in inputs.files(partition))
        }

    def _backfill(self, key: dg.AssetKey, chosen: Collection[str], announce: Callable[[Request], None]) -> Iterator[Ran]:
        if chosen:
            planner = self._picked(key, chosen)
            backfill = Backfill(self.job, planner, self.instance, only={key}, location=self.location, tell=self.tell)
            yield from backfill.execute(announce)

    def _picked(self, key: dg.AssetKey, chosen: Collection[str]) -> Picked:
        planner = self.planner
        return Picked(replace(planner.run, force=True), planner.contracts, planner.project, {key: chosen})

    def _key(self, layer: str) -> dg.AssetKey:
        return dg.AssetKey([layer, self.contract.dataset])
