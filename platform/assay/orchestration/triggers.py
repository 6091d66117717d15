"""Triggers by the clock: jobs for each calendar, and a schedule for what is due.

The schedule is the deadline: it asks for the day or month before, arrived or not, and the run fails by name if it has not. What is started
because it arrived is `arrivals`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence  # noqa: TC003  # Dagster reads the annotations of a sensor
from typing import TYPE_CHECKING

import dagster as dg

from assay.contracts.model.calendars import arrival_calendar
from assay.orchestration.calendars import name_of

if TYPE_CHECKING:
    from assay.contracts.model.calendars import Calendar
    from assay.contracts.model.contract import Contract


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


def deadline_schedules(contracts: Mapping[str, Contract], jobs: Mapping[str, Sequence[dg.AssetKey]]) -> Iterator[dg.ScheduleDefinition]:
    """One schedule per deadline that a contract sets (slaProperties, frequency): bronze of the newest finished arrival."""
    for contract in contracts.values():
        if contract.schedule and (calendar := arrival_calendar(contract)):
            yield _deadline(contract, calendar, contract.schedule, job_of(jobs, dg.AssetKey(["bronze", contract.dataset])))


def _deadline(contract: Contract, calendar: Calendar, cron: str, job: str) -> dg.ScheduleDefinition:
    key = dg.AssetKey(["bronze", contract.dataset])

    @dg.schedule(
        name=f"{contract.dataset}_deadline",
        cron_schedule=cron,
        execution_timezone=calendar.zone,
        job_name=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"By {cron!r} ({calendar.zone}) the arrival of the {calendar.grain} before must have landed, or the run fails by name.",
    )
    def deadline(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        arrival = calendar.before(context.scheduled_execution_time)
        if not calendar.has(arrival):
            return dg.SkipReason(f"No arrival of {contract.dataset} is due: {arrival} is in no arrival partition.")
        return dg.RunRequest(run_key=f"{contract.dataset}:{arrival}", partition_key=arrival.isoformat(), asset_selection=[key])

    return deadline
