"""The composition root: settings and contracts in, Dagster definitions out. No logic, no I/O beyond reading the contracts.

What is not sound has no assets and stops nobody else (`sound.py`).
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import dagster as dg

from assay.alerting.declared import FILE, read_alerts
from assay.gold.models import read_models
from assay.gold.parsed import parse_project
from assay.gold.step import Project
from assay.orchestration.alert_sensor import NAME as ALERTS
from assay.orchestration.alert_sensor import alert_sensor, alerts_of
from assay.orchestration.arrivals import NAME as ARRIVALS
from assay.orchestration.arrivals import arrival_sensor
from assay.orchestration.executor import guarded_executor
from assay.orchestration.freshness import CHECK as FRESHNESS
from assay.orchestration.freshness import freshness_checks, freshness_sensor, promising
from assay.orchestration.gold_assets import gold_assets
from assay.orchestration.io_manager import LakeIOManager
from assay.orchestration.known_contracts import validated
from assay.orchestration.lake_assets import dataset_assets, landing_spec
from assay.orchestration.loadable import LeftOut, each, sound_contracts, sound_project
from assay.orchestration.naming import ALONE, Naming
from assay.orchestration.nightly import Nightly
from assay.orchestration.plan import Planner
from assay.orchestration.triggers import calendar_jobs, deadline_schedules
from assay.orchestration.view_assets import view_specs
from assay.permissions import keep_private
from assay.steps import Run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from assay.contracts.model.gold_contract import ProductContracts
    from assay.orchestration.alert_sensor import Alerts
    from assay.settings import Settings


@dataclass(frozen=True, slots=True)
class Assembly:
    """A code location: what Dagster is given of it, and the planner that knows what is outdated."""

    definitions: dg.Definitions
    planner: Planner
    alerts: Alerts
    left_out: tuple[LeftOut, ...] = ()


def build_definitions(settings: Settings, contracts_folder: Path) -> dg.Definitions:
    """Assets of every contract and gold model, their checks, jobs, schedules and sensors. The graph is the same in every environment.

    The process that loads them, a code server or a run of one, makes its files for those alone for whom the home is.
    """
    keep_private(settings)
    assembly = assemble(settings, contracts_folder)
    for one in assembly.left_out:
        dg.get_dagster_logger("assay").error(str(one))
    return assembly.definitions


def assemble(settings: Settings, contracts_folder: Path, naming: Naming = ALONE) -> Assembly:
    """Read the contracts and the dbt project once, and build everything from them that is sound; what is not is named in `left_out`."""
    with validated(settings) as good:
        known, left = sound_contracts(contracts_folder, good)
    folder, every = contracts_folder, known.datasets
    with previews_accepted():
        makers = {
            f"dataset {name}": lambda contract=contract: (
                contract, landing_spec(settings, contract, folder), dataset_assets(settings, every, contract, folder),
                freshness_checks(settings.lake, promising([contract])),
            )
            for name, contract in every.items()
        }  # fmt: skip
        made = [one for _, one in each(makers, left)]
        contracts = {contract.dataset: contract for contract, *_ in made}
        product = replace(known, datasets=contracts)
        project = sound_project(settings, product, left)
        planner = Planner(Run.of(settings, contracts), contracts, project)
        assets = [asset for *_, assets, _ in made for asset in assets] + gold_assets(settings, product, project, folder, naming)
        views = view_specs(product, [model.name for model in project.models], folder)
        alerts = _alerts(planner, product, {*known.datasets, *known.models}, folder, left)
        triggers = _triggers(settings, planner, alerts, assets, left=left, naming=naming)
        beside = dg.Definitions(
            assets=[*(spec for _, spec, *_ in made), *assets, *views], asset_checks=[check for *_, checks in made for check in checks]
        )
        definitions = dg.Definitions.merge(beside, triggers)
    return Assembly(definitions, planner, alerts, tuple(left))


def _triggers(
    settings: Settings, planner: Planner, alerts: Alerts, assets: Sequence[dg.AssetsDefinition], *, left: Sequence[LeftOut], naming: Naming
) -> dg.Definitions:
    """The jobs, and what starts them; the maintenance of the lake; where frames of one's own assets go.

    A run is a process of its own already, whose steps are bounded by pools: they are executed in it.
    """
    jobs = {naming.of(name): keys for name, keys in calendar_jobs(assets).items()}
    executor = None if naming.is_alone else guarded_executor  # of the whole location, if that is the lake's alone
    nightly = Nightly.of(settings, planner, [key for asset in assets for key in asset.keys], naming, executor)
    defined = [dg.define_asset_job(name, dg.AssetSelection.assets(*keys), executor_def=executor) for name, keys in jobs.items()]
    promised = promising(planner.contracts.values())
    sensors = [
        arrival_sensor(planner, jobs, defined, left, naming.of(ARRIVALS)),
        alert_sensor(alerts, name=naming.of(ALERTS)),
    ]
    return dg.Definitions(
        assets=nightly.assets,
        jobs=[*defined, *nightly.jobs],
        sensors=[*sensors, *([freshness_sensor(settings.lake, promised, name=naming.of(FRESHNESS))] if promised else [])],
        schedules=[*deadline_schedules(planner.contracts, jobs), *nightly.schedules],
        resources={naming.of("io_manager"): LakeIOManager(root=str(settings.lake))},
        executor=guarded_executor if naming.is_alone else None,
    )


def _alerts(planner: Planner, product: ProductContracts, known: Collection[str], folder: Path, left: list[LeftOut]) -> Alerts:
    """What is declared beside the contracts; a file with a fault is named in `left`. A product has the name of the folder around them."""
    declared, findings = read_alerts(folder, known)
    left += [LeftOut(FILE, f"{one} Until then alerts go to the log alone.") for one in findings[:1]]
    return alerts_of(planner, product, declared, folder.parent.name, left)


@contextmanager
def previews_accepted() -> Iterator[None]:
    """Inside, Dagster does not warn of partitioned checks and of mappings to partitions that do not exist: the tests look."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def gold_project(settings: Settings) -> Project:
    """The dbt project with its manifest, parsed only when a file of it has changed."""
    manifest = parse_project(settings.dbt_project)
    return Project(settings.dbt_project, manifest, read_models(manifest), settings.scratch)
