"""The sensor for what arrives: it asks the plan, stage by stage, and requests runs over ranges of what is outdated.

There is no second opinion on whether something has changed: each look is a plan, so whatever the plan reads (files, commits, the clock,
contracts, models, code, keys) wakes the sensor. What was asked for already is `run_requests`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003  # Dagster reads the annotations of a sensor
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.ingest.folders import one_look
from assay.lake.workplaces import sweep
from assay.orchestration.asked import RANGE_END, RANGE_START
from assay.orchestration.backfill import Request, requests
from assay.orchestration.clock_rollback import set_back
from assay.orchestration.landing import Landing
from assay.orchestration.partition_status import ends_of_runs
from assay.orchestration.pools import free_the_dead
from assay.orchestration.recoveries import Mending
from assay.orchestration.run_requests import REQUEST_TAG, Memory
from assay.orchestration.triggers import job_of

if TYPE_CHECKING:
    from assay.orchestration.plan import Planner, Stage

NAME = "arrivals"
STAGE_TAG = "assay/stage"


def arrival_sensor(
    planner: Planner, jobs: Mapping[str, Sequence[dg.AssetKey]], defined: Sequence[Any], left_out: Sequence[object] = (), name: str = NAME
) -> dg.SensorDefinition:
    """A sensor that requests what is outdated, one stage per tick. It says of each tick that asks for nothing what is `left_out`."""

    @dg.sensor(
        name=name,
        jobs=list(defined),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests runs for files that have landed and for everything downstream that they make outdated.",
    )
    @one_look()
    def arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        for run_id in free_the_dead(context.instance):
            context.log.warning("Run %s is recorded as failed: the process that executed it is gone.", run_id)
        sweep(planner.project.scratch)
        memory, landing = Memory.load(context.cursor), Landing.look(planner)
        if words := set_back(planner.run.lake, context.instance):
            return _skip(context, memory, [words, *landing.notes()])
        memory.look(context.instance)
        _observe(context.instance, planner, landing, memory)
        ends, problems = ends_of_runs(context.instance), list(map(str, left_out))
        calm = memory.is_calm(ends)
        mending = Mending(context.instance, planner.run.lake)
        for stage in planner.stages:
            due = planner.due(stage.keys)
            problems += [f"{one.key.to_user_string()} cannot be planned: {one.problem}" for one in due if one.problem]
            due = memory.open(due if calm else mending.with_mended(due))
            if wanted := list(requests(due)):
                _warn(context, wanted)
                asked = [_run_request(request, number, stage, jobs, mending) for request, number in memory.ask(wanted, due)]
                return dg.SensorResult(asked, cursor=memory.dump())
            if memory.unfinished(stage.keys):
                unfinished = f"Runs of the stage {stage.name!r} are not finished yet."
                return _skip(context, memory, [unfinished, *map(str, left_out), *landing.notes()])
        memory.calm = memory.calm if mending.left else ends
        return _skip(context, memory, [*problems, *_quiet(memory), *landing.notes()])

    return arrivals


def _run_request(request: Request, number: str, stage: Stage, jobs: Mapping[str, Sequence[dg.AssetKey]], mending: Mending) -> dg.RunRequest:
    """A run of one request; its key is the number of the request, so that a tick that is evaluated again starts nothing twice."""
    tags = {STAGE_TAG: stage.name, REQUEST_TAG: number, **mending.tags}
    if request.first is not None and request.last is not None:
        tags |= {RANGE_START: request.first, RANGE_END: request.last}
    return dg.RunRequest(
        run_key=f"{request.title}:{number}", job_name=job_of(jobs, request.keys[0]), asset_selection=list(request.keys), tags=tags
    )


def _warn(context: dg.SensorEvaluationContext, wanted: Sequence[Request]) -> None:
    for note in dict.fromkeys(note for request in wanted for note in request.notes):
        context.log.warning(note)


def _skip(context: dg.SensorEvaluationContext, memory: Memory, said: Sequence[str]) -> dg.SensorResult | dg.SkipReason:
    cursor, why = memory.dump(), " ".join(said)
    return dg.SkipReason(why) if cursor == context.cursor else dg.SensorResult(skip_reason=why, cursor=cursor)


def _observe(instance: dg.DagsterInstance, planner: Planner, landing: Landing, memory: Memory) -> None:
    """Tell the landing assets what lies there, each when that has changed."""
    for name in planner.contracts:
        seen = landing.of([name])
        if memory.observes(name, seen.fares):
            instance.report_runless_asset_event(dg.AssetObservation(["landing", name], metadata=seen.metadata()))


def _quiet(memory: Memory) -> list[str]:
    failed, waiting = memory.counts()
    said = ["Everything that has landed is up to date." if not failed + waiting else "Everything else that has landed is up to date."]
    if failed:
        which = "1 partition has failed, and is" if failed == 1 else f"{failed} partitions have failed, and are"
        said.append(f"{which} asked for again when the files, the contract or the code change.")
    if waiting:
        said.append(f"{waiting} partitions were asked for and not made; they are asked for again soon.")
    return said
