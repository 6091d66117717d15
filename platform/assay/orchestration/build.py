"""The composition root: settings and contracts in, Dagster definitions out. No logic, no I/O beyond reading the contracts."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from assay.contracts.odcs import load_product
from assay.gold.models import read_models
from assay.gold.parsed import parse_project
from assay.gold.project_files import refuse_unruled
from assay.gold.step import Project
from assay.orchestration.arrivals import arrival_sensor
from assay.orchestration.freshness import freshness_checks, freshness_sensor, promising
from assay.orchestration.gold_assets import gold_assets
from assay.orchestration.io_manager import LakeIOManager
from assay.orchestration.lake_assets import lake_assets, landing_spec
from assay.orchestration.plan import Planner
from assay.orchestration.triggers import calendar_jobs, deadline_schedules
from assay.steps import Run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assay.settings import Settings


@dataclass(frozen=True, slots=True)
class Assembly:
    """A code location: what Dagster is given of it, and the planner that knows what is outdated."""

    definitions: dg.Definitions
    planner: Planner


def build_definitions(settings: Settings, contracts_folder: Path) -> dg.Definitions:
    """Assets of every contract and gold model, their checks, jobs, schedules and sensors. The graph is the same in every environment."""
    return assemble(settings, contracts_folder).definitions


def assemble(settings: Settings, contracts_folder: Path) -> Assembly:
    """Read the contracts and the dbt project once, and build everything from them."""
    product, project = load_product(contracts_folder), gold_project(settings)
    contracts = product.datasets
    refuse_unruled(project.models, product)
    planner = Planner(Run(settings.lake, settings.landing, contracts, keys=settings.masking_keys), contracts, project)
    with previews_accepted():
        landing = [landing_spec(settings, contract, contracts_folder) for contract in contracts.values()]
        assets = [*lake_assets(settings, contracts, contracts_folder), *gold_assets(settings, product, project, contracts_folder)]
        jobs = calendar_jobs(assets)
        defined = [dg.define_asset_job(name, dg.AssetSelection.assets(*keys)) for name, keys in jobs.items()]
        promised = promising(contracts.values())
        definitions = dg.Definitions(
            assets=[*landing, *assets],
            asset_checks=freshness_checks(settings.lake, promised),
            jobs=defined,
            sensors=[arrival_sensor(planner, jobs, defined), *([freshness_sensor(settings.lake, promised)] if promised else [])],
            schedules=list(deadline_schedules(contracts, jobs)),
            resources={"io_manager": LakeIOManager(root=str(settings.lake))},
            executor=dg.in_process_executor,  # a run is a process of its own already; its steps are bounded by pools
        )
    return Assembly(definitions, planner)


@contextmanager
def previews_accepted() -> Iterator[None]:
    """Inside, Dagster does not warn of partitioned checks and of mappings to partitions that do not exist: it is pinned exactly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def gold_project(settings: Settings) -> Project:
    """The dbt project with its manifest, parsed only when a file of it has changed."""
    manifest = parse_project(settings.dbt_project)
    return Project(settings.dbt_project, manifest, read_models(manifest), settings.scratch)
