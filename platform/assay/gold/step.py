"""The gold step: dbt models for some months, built and tested in a private DuckDB, published only after every test has passed.

A model of reference data has no months: it is built whole, which `None` stands for. Inputs are pinned by version. A month is outdated when
the model's code or one of the files that it reads has changed, so a late row reopens exactly the months it touches. A failing test of any
model leaves the lake as it was.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from assay.contracts.model.calendars import next_month
from assay.gold.calendars import stretches
from assay.gold.dbt_process import build, stage_model
from assay.gold.full_refresh import fully_refreshed, needs_full_refresh
from assay.gold.input_damage import pins_of, refused_inputs, replaced_by
from assay.gold.inputs import GoldInputs, build_code, month_of
from assay.gold.refusals import broken_rules, refusal_of
from assay.gold.staged import model_schema
from assay.lake.foreign import altered, files_noted
from assay.lake.migrations import other_tokens
from assay.lake.publisher import Provenance, current_tokens, publish
from assay.lake.slices import Slice, TableSpec
from assay.lake.workplaces import workplace
from assay.masking.messages import Discretion
from assay.steps import Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from assay.contracts.model.calendars import Calendar
    from assay.contracts.model.contract import Contract
    from assay.gold.dbt_results import BuildResult
    from assay.gold.models import Model
    from assay.lake.slices import Partition
    from assay.lake.snapshots import Snapshot


def gold_spec(model: Model, calendar: Calendar | None = None) -> TableSpec:
    """The published table of a model, whose months are those of a calendar."""
    by = (model.partition_by,) if model.partition_by else ()
    return TableSpec(model.table, model_schema(model), by, event_time=model.event_time, may_change_columns=True, calendar=calendar)


@dataclass(frozen=True)
class Project:
    """A dbt project as the step needs it: where it is, its manifest, its models (upstream first), and where builds may work."""

    folder: Path
    manifest: Path
    models: tuple[Model, ...]
    scratch: Path

    def sources_of(self, models: Iterable[Model], contracts: Mapping[str, Contract]) -> list[Contract]:
        """The datasets that some models are made from, also through other models."""
        tables = {table for model in models for table in model.depends_on}
        for model in reversed(self.models):  # downstream before upstream
            tables |= {*model.depends_on} if model.table in tables else set()
        return [contract for name, contract in contracts.items() if f"silver/{name}" in tables]


def build_gold(run: Run, project: Project, slices: Mapping[str, Slice]) -> Iterator[tuple[Model, Outcome]]:
    """Bring the months of some models up to date. `slices` maps a model's name to the months asked for. Yields model and outcome."""
    with workplace(project.scratch, f"a build of {', '.join(slices)}") as folder:
        yield from _bring_up_to_date(run, replace(project, scratch=folder), slices)


def _bring_up_to_date(run: Run, project: Project, slices: Mapping[str, Slice]) -> Iterator[tuple[Model, Outcome]]:
    models = [model for model in project.models if model.name in slices]
    inputs = GoldInputs.pin(run, project, slices)
    wanted = {m.name: {p.key: inputs.fingerprint(m, month_of(p)) for p in slices[m.name].partitions} for m in models}
    current = {m.name: current_tokens(inputs.snapshots[m.table], slices[m.name].keys) for m in models}
    changed = {m.name: altered(inputs.snapshots[m.table]) for m in models}
    due: dict[str, set[date | None]] = {model.name: set() for model in models}
    outside = {m.name: {p.key: reason for p in slices[m.name].partitions if (reason := _why_not(inputs, m, p))} for m in models}
    for model in models:
        every = run.force or needs_full_refresh(model, inputs.snapshots[model.table], inputs.calendars.get(model.table))
        for partition in slices[model.name].partitions:
            if why := outside[model.name].get(partition.key, ""):
                kept = current[model.name][partition.key] is not None
                yield model, Outcome(partition.key, Status.UNCHANGED) if kept else Outcome(partition.key, Status.REFUSED, refusal=why)
                continue
            is_current = wanted[model.name][partition.key] == current[model.name][partition.key]
            if is_current and not every and partition.key not in changed[model.name]:
                yield model, Outcome(partition.key, Status.UNCHANGED)
            else:
                due[model.name].add(month_of(partition))
    refreshed = fully_refreshed([model for model in models if due[model.name]], inputs.snapshots, due, inputs.calendars)
    replaced = {table: snapshot for table, snapshot in inputs.snapshots.items() if table in refreshed}
    work, every_due = (
        _Work(run, project, inputs.without(refreshed), wanted, current, due, replaced),
        set[date | None]().union(*due.values()),
    )
    months_due = sorted(month for month in every_due if month is not None)
    if None in every_due:
        yield from work.build(models, slices, [])
    for months in [months_due] if refreshed and months_due else _apart(months_due, outside):
        yield from work.build(models, slices, months)


def _why_not(inputs: GoldInputs, model: Model, partition: Partition) -> str:
    month = month_of(partition)
    return inputs.why_not(model, month) if month is not None else ""


def _apart(months: Sequence[date], outside: Mapping[str, Mapping[str, str]]) -> Iterator[list[date]]:
    """Stretches of months that are outside for the same models: a model is built for a whole window, and others read it as it is built."""
    for stretch in stretches(months):
        for _, group in groupby(stretch, lambda month: {name for name, keys in outside.items() if month.isoformat() in keys}):
            yield [*group]


@dataclass(frozen=True)
class _Work:
    run: Run
    project: Project
    inputs: GoldInputs
    wanted: Mapping[str, Mapping[str, int]]
    current: Mapping[str, Mapping[str, int | None]]
    due: Mapping[str, Set[date | None]]
    replaced: Mapping[str, Snapshot | None]  # the tables that are replaced whole, as they are published
    published: dict[str, int] = field(default_factory=dict)  # the versions that this work has written, by table

    def build(self, models: Sequence[Model], slices: Mapping[str, Slice], months: Sequence[date]) -> Iterator[tuple[Model, Outcome]]:
        """Build some months, or without any the tables that are whole."""
        due = {m.name: self._due(m, slices[m.name], months or [None]) for m in models}
        building = [model for model in models if due[model.name]]
        replaced = replaced_by(self.inputs, building, months)
        damaged = refused_inputs(self.inputs, building, months, replaced)
        yield from (
            (m, Outcome(key, Status.REFUSED, refusal=damaged[m.name])) for m in building if m.name in damaged for key in due[m.name]
        )
        building = [model for model in building if model.name not in damaged]
        if not building:
            return
        result = build(
            self.project.folder, manifest=self.project.manifest, models=[model.name for model in building],
            window=(months[0], next_month(months[-1])) if months else None, pins=pins_of(self.inputs, building, damaged), replaced=replaced,
            lake=self.run.lake, scratch=self.project.scratch,
            discretion=Discretion.about(self.project.sources_of(building, self.run.contracts)),
        )  # fmt: skip
        try:
            refusal = refusal_of(result)
            for model in building:
                slice_ = slices[model.name].only(due[model.name])
                if refusal is None:
                    yield from ((model, outcome) for outcome in self._publish(model, slice_, result))
                else:
                    broken = broken_rules(result, model)
                    yield from ((model, Outcome(key, Status.REFUSED, broken=broken, refusal=refusal)) for key in slice_.keys)
        finally:
            shutil.rmtree(result.duckdb_path.parent, ignore_errors=True)

    def _due(self, model: Model, slice_: Slice, months: Sequence[date | None]) -> list[str]:
        return [partition.key for partition in slice_.partitions if month_of(partition) in self.due[model.name] & set(months)]

    def _publish(self, model: Model, slice_: Slice, result: BuildResult) -> Iterator[Outcome]:
        staging = stage_model(result.duckdb_path, model, self.run.lake / model.table, slice_)
        tokens = {key: self.wanted[model.name][key] for key in slice_.keys}
        seen = {key: self.current[model.name][key] for key in slice_.keys}
        read = self.inputs.pins | self.published  # what was made in this build is read as it was made
        pins = {table: version for table, version in read.items() if table in model.depends_on}
        run_id, fence, retained = self.run.run_id, self.inputs.fence, self.inputs.expired[model.table].noted
        provenance = Provenance(run_id, model.contract_version, build_code(model), pins, fence=fence, retained=retained)
        whole, others = model.table in self.replaced, other_tokens(self.replaced.get(model.table), slice_)
        done = publish(
            self.run.lake, staging, {**tokens, **files_noted(staging)}, expected={**seen, **others}, provenance=provenance, whole=whole
        )
        self.published[model.table] = done.version
        tests = sum(node.model == model.name for node in result.nodes)
        for key in slice_.keys:
            yield Outcome(
                key, Status.PUBLISHED, staging.rows_of(key), {"version": done.version, "tests": tests}, broken_rules(result, model)
            )
