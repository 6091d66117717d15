"""A rehearsal of gold: dbt builds and tests models on the rows that a rehearsal has put into silver, in the same folder thrown away.

A test that the made-up rows break is no fault: they promise nothing. A model that cannot be built, a test that cannot be run, and rows that
do not fit the table of the contract are.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.contracts.model.calendars import next_month
from assay.gold import dbt_process
from assay.gold.calendars import calendars_of, layers
from assay.gold.step import gold_spec
from assay.lake.publisher import publish
from assay.lake.snapshots import newest
from assay.orchestration.calendars import definition_of
from assay.orchestration.partitions import slice_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from assay.contracts.model.calendars import Calendar
    from assay.gold.dbt_results import BuildResult
    from assay.gold.models import Model
    from assay.gold.step import Project
    from assay.steps import Run


@dataclass
class Tried:
    """What goes wrong with models, by name, and which were not tried, in sentences."""

    faults: dict[str, str] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)


def readers_of(project: Project, datasets: Collection[str]) -> list[Model]:
    """The models that read some datasets, or that read what reads them; upstream first."""
    reached = {f"silver/{name}" for name in datasets}
    found: list[Model] = []
    for model in project.models:
        if reached & {*model.depends_on}:
            reached.add(model.table)
            found.append(model)
    return found


def try_models(run: Run, project: Project, models: Sequence[Model]) -> Tried:
    """Build some models, upstream first, each in the first month of its calendar or whole, and publish them to the run's lake."""
    tried, calendars = Tried(), calendars_of(project.models, run.contracts)
    for level in layers(models, calendars):
        for calendar in dict.fromkeys(calendars.get(model.table) for model in level):
            _try(run, project, [model for model in level if calendars.get(model.table) == calendar], calendar, tried)
    return tried


def _try(run: Run, project: Project, models: Sequence[Model], calendar: Calendar | None, tried: Tried) -> None:
    """Build, judge, and build again what dbt left out: it skips what reads a model whose test failed."""
    waiting = list(models)
    while ready := list(_readable(run, waiting)):
        tables = {table for model in ready for table in (model.table, *model.depends_on)}
        pins = {table: snapshot.version for table in tables if (snapshot := newest(run.lake, table))}
        window = (calendar.start, next_month(calendar.start)) if calendar else None
        result = dbt_process.build(
            project.folder, manifest=project.manifest, models=[model.name for model in ready], window=window,
            pins=pins, lake=run.lake, scratch=project.scratch,
        )  # fmt: skip
        try:
            done = _judge(run, ready, result, calendar, tried)
        finally:
            shutil.rmtree(result.duckdb_path.parent, ignore_errors=True)
        waiting = [model for model in waiting if model.name not in done]
        if not done:
            break
    tried.untried += [f"{model.table} was not tried: something that it reads could not be run." for model in waiting]


def _readable(run: Run, models: Sequence[Model]) -> Iterator[Model]:
    made = set[str]()
    for model in models:
        if all(table in made or newest(run.lake, table) is not None for table in model.depends_on):
            made.add(model.table)
            yield model


def _judge(run: Run, models: Sequence[Model], result: BuildResult, calendar: Calendar | None, tried: Tried) -> set[str]:
    """Note what could not be run, and publish what could. Gives the models that dbt came to."""
    built = {node.name: node for node in result.nodes if node.kind == "model" and node.ran}
    for node in result.failed:
        if node.kind == "model" or not node.failures:
            tried.faults.setdefault(node.model or node.name, f"{node.kind} {node.name}: {' '.join(node.message.split())}")
    for model in models:
        if model.name in built and built[model.name].passed:
            slice_ = slice_of(definition_of(calendar), [calendar.start.isoformat()] if calendar else [], gold_spec(model, calendar))
            try:
                staging = dbt_process.stage_model(result.duckdb_path, model, run.lake / model.table, slice_)
                publish(run.lake, staging, dict.fromkeys(slice_.keys, 1))
            except Exception as error:  # noqa: BLE001  # whatever would end a run is what is looked for
                tried.faults.setdefault(model.name, f"{type(error).__name__}: {' '.join(str(error).split())}")
    return set(built)
