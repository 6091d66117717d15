"""What runs each night once somebody has turned it on: first what has expired is removed, then what nobody needs any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from assay.orchestration import maintenance_asset, retention_asset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.orchestration.plan import Planner
    from assay.settings import Settings


@dataclass(frozen=True, slots=True)
class Nightly:
    """Its assets, each with a job and a schedule of its own."""

    assets: tuple[dg.AssetsDefinition, ...]
    jobs: tuple[dg.UnresolvedAssetJobDefinition, ...]
    schedules: tuple[dg.ScheduleDefinition, ...]

    @classmethod
    def of(cls, settings: Settings, planner: Planner, tables: Sequence[dg.AssetKey]) -> Nightly:
        """What there is for a lake, of which `tables` are the assets."""
        jobs = {one.JOB: dg.AssetSelection.assets(one.KEY) for one in (maintenance_asset, retention_asset)}
        return cls(
            (maintenance_asset.maintenance_asset(settings, planner, tables), retention_asset.retention_asset(settings, planner)),
            tuple(dg.define_asset_job(name, selection) for name, selection in jobs.items()),
            (maintenance_asset.maintenance_schedule(settings), retention_asset.retention_schedule()),
        )
