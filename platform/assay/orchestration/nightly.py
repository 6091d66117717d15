"""What runs each night once somebody has turned it on: what has expired is removed, what nobody needs any more, and spent history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from assay.orchestration import history_asset, maintenance_asset, retention_asset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.orchestration.naming import Naming
    from assay.orchestration.plan import Planner
    from assay.settings import Settings


@dataclass(frozen=True, slots=True)
class Nightly:
    """Its assets, each with a job and a schedule of its own."""

    assets: tuple[dg.AssetsDefinition, ...]
    jobs: tuple[dg.UnresolvedAssetJobDefinition, ...]
    schedules: tuple[dg.ScheduleDefinition, ...]

    @classmethod
    def of(
        cls, settings: Settings, planner: Planner, tables: Sequence[dg.AssetKey], naming: Naming, executor: dg.ExecutorDefinition | None
    ) -> Nightly:
        """What there is for a lake, of which `tables` are the assets; its jobs have an executor, or that of the code location."""
        kept = maintenance_asset.maintenance_asset(settings, planner, tables, naming)
        left = retention_asset.retention_asset(settings, planner, naming)
        spent = history_asset.history_asset(settings, naming)
        jobs = {maintenance_asset.JOB: kept, retention_asset.JOB: left, history_asset.JOB: spent}
        return cls(
            (kept, left, spent),
            tuple(dg.define_asset_job(naming.of(name), [asset.key], executor_def=executor) for name, asset in jobs.items()),
            (
                _schedule(
                    naming.of(maintenance_asset.JOB), maintenance_asset.NIGHTLY, maintenance_asset.AT_NIGHT.format(settings.vacuum_days)
                ),
                _schedule(naming.of(retention_asset.JOB), retention_asset.NIGHTLY, retention_asset.AT_NIGHT),
                _schedule(naming.of(history_asset.JOB), history_asset.NIGHTLY, history_asset.AT_NIGHT.format(settings.run_days)),
            ),
        )


def _schedule(job: str, when: str, description: str) -> dg.ScheduleDefinition:
    """Off until somebody turns it on: what it removes is gone."""
    return dg.ScheduleDefinition(
        name=job,
        job_name=job,
        cron_schedule=when,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=description,
    )
