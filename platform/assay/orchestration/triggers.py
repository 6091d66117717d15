"""Triggers by the clock: jobs for each calendar, and a schedule for what is due.

The schedule is the deadline: it asks for yesterday whether or not it has arrived, and the run fails by name if it has not. What is started
because it arrived is `arrivals`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence  # noqa: TC003  # Dagster reads the annotations of a sensor
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from assay.contracts.model import Grain
from assay.orchestration.calendars import arrivals_of, zone_of

if TYPE_CHECKING:
    from assay.contracts.model import Contract


def calendar_jobs(assets: Sequence[dg.AssetsDefinition]) -> dict[str, list[dg.AssetKey]]:
    """Name a job for each layer and calendar, such as `silver_daily`: its assets share their partitions, so a run can have a range."""
    found: dict[str, list[dg.AssetKey]] = {}
    for definition in assets:
        partitions = definition.partitions_def
        cadence = "snapshot"
        if isinstance(partitions, dg.TimeWindowPartitionsDefinition):
            cadence = "monthly" if isinstance(partitions, dg.MonthlyPartitionsDefinition) else "daily"
        for key in definition.keys:
            found.setdefault(f"{key.path[0]}_{cadence}", []).append(key)
    return found


def job_of(jobs: Mapping[str, Sequence[dg.AssetKey]], key: dg.AssetKey) -> str:
    """The job that builds an asset."""
    return next(name for name, keys in jobs.items() if key in keys)


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
