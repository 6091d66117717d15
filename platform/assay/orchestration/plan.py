"""The plan: which partitions are outdated, found without running anything.

A partition is due when what it would be made from now (contract, code, inputs) has another fingerprint than what is published. Backfills,
the arrival sensor and a second `make run` all ask here, so that they agree on what is left to do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assay.cached_property import cached_property
from assay.contracts.model.calendars import arrival_calendar
from assay.errors import AssayError, TableMissing
from assay.gold.calendars import calendars_of, layers
from assay.gold.full_refresh import needs_full_refresh
from assay.gold.input_damage import damaged_models
from assay.gold.inputs import GoldInputs, month_of
from assay.gold.models import LAYER, pick
from assay.gold.step import gold_spec
from assay.ingest.bronze import bronze_spec
from assay.ingest.opening import taken_from
from assay.ingest.step import arrivals_at
from assay.lake.foreign import BESIDE, altered, told, told_beside
from assay.lake.migrations import outgrown, partition_token
from assay.lake.publisher import current_tokens
from assay.lake.snapshots import newest
from assay.orchestration.calendars import arrivals_of, definition_of, events_of, keys_around, keys_between, keys_of
from assay.orchestration.clock import now
from assay.orchestration.due import Due
from assay.orchestration.levels import levels
from assay.orchestration.partitions import slice_of
from assay.orchestration.plan_inputs import RememberedPlans
from assay.refine.accounts import Accounts
from assay.refine.inputs import Inputs
from assay.refine.step import silver_spec
from assay.refine.waiting import days_of, reaches, waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assay.contracts.model.contract import Contract
    from assay.gold.models import Model
    from assay.gold.step import Project
    from assay.lake.slices import Slice, TableSpec
    from assay.steps import Run

WAITS_WHOLE = (
    "The calendar of {} was changed: {}. It is replaced whole, once everything that has landed is in bronze and the new calendar"
    " has something to publish. Until then it stays as it is."
)


@dataclass(frozen=True, slots=True)
class Stage:
    """Assets of one kind that can be planned together because all they read is up to date once the stages before have run."""

    name: str
    keys: tuple[dg.AssetKey, ...]


@dataclass(frozen=True)
class Planner:
    """Plans a lake: its contracts and its gold project, under one run's settings (with `force` everything in range is due)."""

    run: Run
    contracts: Mapping[str, Contract]
    project: Project
    remembered: RememberedPlans = field(default_factory=RememberedPlans, init=False, compare=False, repr=False)

    @property
    def run_now(self) -> Run:
        """What the steps are told of a run that begins now."""
        return replace(self.run, now=now())

    @cached_property
    def stages(self) -> list[Stage]:
        """The order in which things become up to date: bronze, silver tables after those that their rules look into, gold.

        Gold models of one calendar are built together; what they read of another is made in a stage before.
        """
        silver = [Stage(f"silver {level}", _keys("silver", names)) for level, names in enumerate(levels(self.contracts), 1)]
        made = layers(self.project.models, calendars_of(self.project.models, self.contracts))
        gold = [Stage(f"{LAYER} {number}", _keys(LAYER, [model.name for model in models])) for number, models in enumerate(made, 1)]
        return [stage for stage in (Stage("bronze", _keys("bronze", list(self.contracts))), *silver, *gold) if stage.keys]

    def due(self, keys: Iterable[dg.AssetKey], first: date | None = None, last: date | None = None) -> list[Due]:
        """The outdated partitions of some assets of a stage that overlap the days [first, last]; without days, of all their partitions."""
        names = [key.path for key in keys]
        models = [name for layer, name in names if layer == LAYER]
        tables = [self._table(layer, self.contracts[name], first, last) for layer, name in names if layer != LAYER]
        try:
            return [*tables, *(self._gold(models, first, last) if models else ())]
        except AssayError as error:
            return [*tables, *(Due(dg.AssetKey([LAYER, name]), None, {}, problem=str(error)) for name in models)]

    def _table(self, layer: str, contract: Contract, first: date | None, last: date | None) -> Due:
        """The plan of one table: if nothing has changed since it had nothing to do, the same."""
        if first is not None or last is not None:
            return self._made(layer, contract, first, last)
        return self.remembered.of(self.run, contract, layer, lambda: self._made(layer, contract, None, None))

    def _made(self, layer: str, contract: Contract, first: date | None, last: date | None) -> Due:
        """Of one that cannot be planned, or whose calendar cannot be changed yet, the problem: the others go on."""
        try:
            due = (self._bronze if layer == "bronze" else self._silver)(contract, first, last)
            return self._unless_outgrown(due, bronze_spec(contract) if layer == "bronze" else silver_spec(contract), first)
        except AssayError as error:
            return Due(dg.AssetKey([layer, contract.dataset]), None, {}, problem=str(error))

    def _unless_outgrown(self, due: Due, spec: TableSpec, first: date | None) -> Due:
        """Of a table that is of another calendar, and that nothing can be put in the place of yet, the problem."""
        idle = first is None and not due.fingerprints and not due.settled
        why = outgrown(newest(self.run.lake, spec.name), spec.calendar) if idle else None
        return replace(due, problem=WAITS_WHOLE.format(spec.name, why)) if why else due

    def _bronze(self, contract: Contract, first: date | None, last: date | None) -> Due:
        definition = arrivals_of(contract)
        keys = {""} if definition is None else keys_around(definition, first, last, contract.lateness)
        wanted, stands = arrivals_at(self.run, contract, keys.__contains__, now())
        return self._outdated(dg.AssetKey(["bronze", contract.dataset]), definition, wanted, bronze_spec(contract), stands=stands)

    def _silver(self, contract: Contract, first: date | None, last: date | None) -> Due:
        definition, spec = events_of(contract), silver_spec(contract)
        key = dg.AssetKey(["silver", contract.dataset])
        try:
            inputs = Inputs.pin(self.run_now, contract)
        except TableMissing:
            return Due(key, definition, {})
        asked = _slice(definition, spec, first, last)
        slice_ = inputs.kept(asked) if asked else None
        if slice_ is None:
            return Due(key, definition, {})
        current, pending = self._current(spec, slice_.keys), self._pending(contract, slice_)
        if pending and outgrown(newest(self.run.lake, spec.name), spec.calendar):
            return Due(key, definition, {}, waits=True)  # it is replaced whole, once everything is there
        late = waiting(contract, slice_.partitions, pending)
        ready = [partition for partition in slice_.partitions if partition.key not in late]
        # a partition whose rows are gone from bronze is due as well: what was published of it must not outlive them
        stands, empty = Accounts.beside(inputs.published, self.run.lake, contract), waiting(contract, ready, inputs.empty_arrivals)
        published = stands.published  # rows of a partition that was never published are another tool's
        made = [p for p in ready if current[p.key] is not None or p.values in published or p.key in empty or inputs.files(p)]
        if not made and outgrown(inputs.published, spec.calendar):
            made = list(slice_.partitions[:1])  # nothing of the new calendar has rows: an empty partition of it replaces the old ones
        wanted = {p.key: inputs.fingerprint(p) for p in made}
        due = self._outdated(key, definition, wanted, spec, stands=stands.standing(slice_, inputs, current))
        return replace(due, waits=bool(pending))

    def _pending(self, contract: Contract, slice_: Slice) -> list[str]:
        """The arrivals of a slice that have landed and are not in bronze as they landed: not ingested yet, or refused.

        Their event partitions wait. Without them a day would be published from the few late rows that came with the next day's file.
        """
        days, calendar = days_of(contract, slice_.partitions), arrival_calendar(contract)

        def concerns(arrival: str) -> bool:
            # what the contract leaves out is not waited for, nor, by what is published before it is over, what is still to come
            if calendar is not None and not calendar.has(first := date.fromisoformat(arrival)):
                return False
            ahead = calendar is not None and calendar.current and taken_from(contract, first) > now()
            return not ahead and reaches(contract, arrival, days)

        made, current = arrivals_at(self.run, contract, concerns, now())
        return [key for key in made if made[key] != current[key]]

    def _gold(self, names: Sequence[str], first: date | None, last: date | None) -> Iterator[Due]:
        """Models of one level. One that reads what was never published waits for it, one that reads what is damaged is a problem; the
        others go on.
        """
        calendars = calendars_of(self.project.models, self.contracts)
        models = [pick(self.project.models, name) for name in names]
        definitions = {model.name: definition_of(calendars.get(model.table)) for model in models}
        found = {model.name: _slice(definitions[model.name], gold_spec(model), first, last) for model in models}
        slices = {name: slice_ for name, slice_ in found.items() if slice_ is not None}
        problems = damaged_models(self.run.lake, models)
        sound = [model for model in models if model.name in slices and model.name not in problems]
        readable = {model.name for model in self._readable(sound)}
        inputs = GoldInputs.pin(self.run_now, self.project, {name: slices[name] for name in readable})
        yield from (Due(_key(model), None, {}, problem=problems[model.name]) for model in models if model.name in problems)
        for model in [model for model in models if model.name not in problems]:
            months = slices[model.name].partitions if model.name in readable else ()
            spec = gold_spec(model, calendars.get(model.table))
            refreshed = bool(months) and needs_full_refresh(model, inputs.snapshots[model.table], spec.calendar)
            made = [p for p in months if inputs.is_wanted(model, month_of(p))]
            if refreshed and not made and first is None:
                made = list(months[:1])  # nothing of the new calendar has rows: an empty month of it replaces the old ones
            wanted = {p.key: inputs.fingerprint(model, month_of(p)) for p in made}
            due = self._outdated(_key(model), definitions[model.name], wanted, spec, refreshed=refreshed)
            yield self._unless_outgrown(due.beside(inputs.kept(model, map(month_of, months))), spec, first)

    def _readable(self, models: Sequence[Model]) -> Iterator[Model]:
        """Those whose every input is published, or is made by one of them."""
        made = set[str]()
        for model in models:
            if all(table in made or newest(self.run.lake, table) is not None for table in model.depends_on):
                made.add(model.table)
                yield model

    def _current(self, spec: TableSpec, keys: Iterable[str]) -> dict[str, int | None]:
        return current_tokens(newest(self.run.lake, spec.name), list(keys))

    def _outdated(
        self,
        key: dg.AssetKey,
        definition: dg.TimeWindowPartitionsDefinition | None,
        wanted: Mapping[str, int],
        spec: TableSpec,
        *,
        refreshed: bool = False,
        stands: Mapping[str, int | None] | None = None,
    ) -> Due:
        there = newest(self.run.lake, spec.name)
        at_once, changed = refreshed or outgrown(there, spec.calendar) is not None, altered(there)
        current = {} if at_once or self.run.force else stands or self._current(spec, wanted)
        due = {part: value for part, value in wanted.items() if current.get(part) != value or part in changed}
        order = keys_of(definition) if definition else ["all"]
        settled = {part: value for part, value in wanted.items() if part not in due}
        foreign = [part for part in order if part in due and part in changed]
        note = told(there, foreign) if there and foreign else ""
        if there and stands and not note:
            lacking = [part for part in order if part in due and stands[part] is None and partition_token(there, part) == wanted[part]]
            note = told_beside(there, [newest(self.run.lake, f"{layer}/{key.path[-1]}") for layer in BESIDE], lacking)
        return Due(key, definition, {part: due[part] for part in order if part in due}, at_once, settled, note=note)


def _key(model: Model) -> dg.AssetKey:
    return dg.AssetKey([LAYER, model.name])


def _keys(layer: str, names: Sequence[str]) -> tuple[dg.AssetKey, ...]:
    return tuple(dg.AssetKey([layer, name]) for name in names)


def _slice(definition: dg.TimeWindowPartitionsDefinition | None, spec: TableSpec, first: date | None, last: date | None) -> Slice | None:
    if definition is None:
        return slice_of(None, [], spec)
    keys = keys_of(definition) if first is None or last is None else keys_between(definition, first, last)
    return slice_of(definition, keys, spec) if keys else None
