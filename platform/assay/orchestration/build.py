"""The composition root: settings and contracts in, Dagster definitions out. No logic, no I/O beyond reading the contracts."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import dagster as dg

from assay.contracts.odcs import load_contracts
from assay.gold.dbt_runner import parse_project
from assay.gold.models import read_models
from assay.gold.step import Project
from assay.orchestration.gold_assets import gold_assets
from assay.orchestration.lake_assets import lake_assets

if TYPE_CHECKING:
    from pathlib import Path

    from assay.settings import Settings


def build_definitions(settings: Settings, contracts_folder: Path) -> dg.Definitions:
    """Assets of every contract and gold model, their checks, jobs, schedules and sensors. The graph is the same in every environment."""
    contracts = load_contracts(contracts_folder)
    with warnings.catch_warnings():
        # partitioned checks and mappings to partitions that do not exist yet; Dagster is pinned exactly
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.Definitions(
            assets=[*lake_assets(settings, contracts, contracts_folder), gold_assets(settings, contracts, gold_project(settings))],
            executor=dg.in_process_executor,  # a run is a process of its own already; its steps are bounded by pools
        )


def gold_project(settings: Settings) -> Project:
    """The dbt project with its manifest, parsed only when a file of it has changed."""
    manifest = parse_project(settings.dbt_project)
    return Project(settings.dbt_project, manifest, read_models(manifest), settings.scratch)
