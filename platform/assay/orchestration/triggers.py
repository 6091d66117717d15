"""Triggers: jobs for each calendar, a sensor for what arrives, a schedule for what is due.

The sensor starts work when there is some: it asks the plan, stage by stage, and requests ranges of outdated partitions. The schedule is the
deadline: it asks for yesterday whether or not it has arrived, and the run fails by name if it has not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence  # noqa: TC003  # Dagster reads the annotations of a sensor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.contracts.calendars import zone_of
from assay.contracts.model import Grain
from assay.orchestration.backfill import RANGE_END, RANGE_START, Request, requests
from assay.orchestration.calendars import arrivals_of, name_of
from assay.orchestration.plan import Due, Planner, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model import Contract

STAGE_TAG = "assay/stage"
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]  # fmt: skip


def calendar_jobs(assets: Sequence[dg.AssetsDefinition]) -> dict[str, list[dg.AssetKey]]:
    """Name a job for each layer and calendar, such as `daily_silver_from_20240101_UTC`: a run has one range, of the partitions of all.

    The name tells the calendar and nothing else, so another dataset renames none.
    """
    found: dict[str, list[dg.AssetKey]] = {}
    for definition in assets:
        for key in definition.keys:
            found.setdefault(name_of(key.path[0], definition.partitions_def), []).append(key)
    return found


def job_of(jobs: Mapping[str, Sequence[dg.AssetKey]], key: dg.AssetKey) -> str:
    """The job that builds an asset."""
    return next(name for name, keys in jobs.items() if key in keys)


@dataclass(slots=True)
class Memory:
    """What the sensor remembers: the state of the world in which there was nothing to do, and what it has asked for already.

    `asked` maps an asset to the fingerprints it was asked to make, by partition: what failed is not asked for again until it changes.
    """

    seen: str = ""
    asked: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def load(cls, cursor: str | None) -> Memory:
        """Read a cursor."""
        return cls(**json.loads(cursor)) if cursor else cls()

    def dump(self) -> str:
        """Write a cursor."""
        return json.dumps({"seen": self.seen, "asked": self.asked})

    def fresh(self, due: Due) -> Due:
        """What of `due` was not asked for yet; forget what is not due any more."""
        name = due.key.to_user_string()
        before = {key: value for key, value in self.asked.get(name, {}).items() if due.fingerprints.get(key) == value}
        self.asked[name] = before
        return Due(due.key, due.definition, {key: value for key, value in due.fingerprints.items() if key not in before})

    def ask(self, due: Due) -> None:
        """Remember that these partitions were asked for."""
        self.asked.setdefault(due.key.to_user_string(), {}).update(due.fingerprints)


def state_of(landing: Path, lake: Path) -> str:
    """A cheap digest of what the plan depends on: the names, sizes and times of landed files, the newest commit of each table."""
    from assay.lake.publisher import fingerprint

    files = sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in landing.rglob("[!.]*") if path.is_file())
    commits = sorted(max((entry.name for entry in log.glob("*.json")), default="") + str(log) for log in lake.glob("*/*/_delta_log"))
    return str(fingerprint(files, commits))


def arrival_sensor(planner: Planner, jobs: Mapping[str, Sequence[dg.AssetKey]], defined: Sequence[Any]) -> dg.SensorDefinition:
    """A sensor that requests what is outdated, one stage per tick, each piece of work once."""

    @dg.sensor(
        name="arrivals",
        jobs=list(defined),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests runs for files that have landed and for everything downstream that they make outdated.",
    )
    def arrivals(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        memory, state = Memory.load(context.cursor), state_of(planner.run.landing, planner.run.lake)
        if memory.seen == state:
            return dg.SkipReason("Nothing has arrived and nothing was published since the last look.")
        for stage in planner.stages:
            due = [memory.fresh(one) for one in planner.due(stage.keys)]
            wanted = list(requests(due))
            if wanted:
                for one in due:
                    memory.ask(one)
                return dg.SensorResult([_run_request(request, stage, jobs, due) for request in wanted], cursor=memory.dump())
            if context.instance.get_runs_count(dg.RunsFilter(statuses=UNFINISHED, tags={STAGE_TAG: stage.name})):
                return dg.SensorResult(skip_reason=f"Runs of the stage {stage.name!r} are not finished yet.", cursor=memory.dump())
        memory.seen = state
        return dg.SensorResult(skip_reason="Everything that has landed is up to date, or has failed and not changed.", cursor=memory.dump())

    return arrivals


def _run_request(request: Request, stage: Stage, jobs: Mapping[str, Sequence[dg.AssetKey]], due: Sequence[Due]) -> dg.RunRequest:
    """A run of one request; its key holds the fingerprints, so the same work is never started twice."""
    digests = "-".join(str(one.digest) for one in due if one.key in request.keys)
    tags = {STAGE_TAG: stage.name}
    if request.first is not None and request.last is not None:
        tags |= {RANGE_START: request.first, RANGE_END: request.last}
    return dg.RunRequest(
        run_key=f"{request.title}:{digests}", job_name=job_of(jobs, request.keys[0]), asset_selection=list(request.keys), tags=tags
    )


def deadline_schedules(contracts: Mapping[str, Contract], jobs: Mapping[str, Sequence[dg.AssetKey]]) -> Iterator[dg.ScheduleDefinition]:
    """One schedule per deadline that a contract sets (slaProperties, frequency): bronze of the newest finished arrival."""
    for contract in contracts.values():
        if contract.schedule and contract.arrival.grain is not Grain.NONE:
            yield _deadline(contract, contract.schedule, jobs)


def _deadline(contract: Contract, cron: str, jobs: Mapping[str, Sequence[dg.AssetKey]]) -> dg.ScheduleDefinition:
    key, definition, zone = dg.AssetKey(["bronze", contract.dataset]), arrivals_of(contract), zone_of(contract)

    @dg.schedule(
        name=f"{contract.dataset}_deadline",
        cron_schedule=cron,
        execution_timezone=zone,
        job_name=job_of(jobs, key),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"By {cron!r} ({zone}) the arrival of the day before must have landed; the run fails by name if it has not.",
    )
    def deadline(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        yesterday = context.scheduled_execution_time - timedelta(days=1)
        partition = next((found for found in _windows(definition) if found[1].start <= yesterday < found[1].end), None)
        if partition is None:
            return dg.SkipReason(f"{yesterday:%Y-%m-%d} is in no arrival partition of {contract.dataset}.")
        return dg.RunRequest(run_key=f"{contract.dataset}:{yesterday:%Y-%m-%d}", partition_key=partition[0], asset_selection=[key])

    return deadline


def _windows(definition: dg.TimeWindowPartitionsDefinition | None) -> Iterator[tuple[str, dg.TimeWindow]]:
    if definition is not None:
        for key in reversed(definition.get_partition_keys()):
            yield key, definition.time_window_for_partition_key(key)
