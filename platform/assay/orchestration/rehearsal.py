"""A rehearsal of contracts: each is loaded as Dagster loads it, and one made-up row goes the way of every row, in a folder thrown away.

What a file can say wrong is found by reading it (`contracts.examine`); this finds what only shows when it is loaded and run: files that
cannot be spelled or read as the server says, a transform that cannot be imported, a table that cannot be made. Whether the row is good does
not matter. What becomes of it in gold is the business of `gold_rehearsal`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from graphlib import TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import dagster as dg

from assay.contracts.language.file_names import arrival_names
from assay.contracts.model.contract import Kind
from assay.errors import PartitionsFailed
from assay.ingest.bronze import bronze_spec
from assay.ingest.landing import landed
from assay.ingest.step import ingest
from assay.ingest.writing import name_for, spelled_file
from assay.lake.durable import create_file
from assay.masking.keyring import HEAD, new_entry
from assay.orchestration.calendars import arrivals_of, events_of, keys_of
from assay.orchestration.freshness import freshness_checks, freshness_sensor, promising
from assay.orchestration.gold_rehearsal import readers_of, try_models
from assay.orchestration.lake_assets import bronze_asset, landing_spec, silver_asset
from assay.orchestration.loadable import in_circles
from assay.orchestration.partitions import slice_of
from assay.orchestration.synthetic_rows import SOME_DAY, made_up
from assay.orchestration.triggers import calendar_jobs, deadline_schedules
from assay.refine.inputs import event_dates
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import Settings
from assay.steps import Run, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from assay.contracts.model.contract import Contract
    from assay.gold.step import Project


@dataclass
class Rehearsal:
    """What was found: what goes wrong, by dataset and by gold model, and what was not tried, in sentences."""

    datasets: dict[str, str] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    untried: list[str] = field(default_factory=list)


def rehearse(
    settings: Settings, contracts: Mapping[str, Contract], names: Collection[str], folder: Path, project: Project | None = None
) -> Rehearsal:
    """Send a row through some datasets, and through the models of a dbt project that read them.

    `contracts` are those of their folder. What a dataset refers to, and what else its models read, is rehearsed as well.
    """
    found, models = Rehearsal(in_circles(contracts)), readers_of(project, names) if project else []
    beside = {table.partition("/")[2] for model in models for table in model.depends_on if table.startswith("silver/")}
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        trial = Settings(Path(scratch), settings.dbt_project)
        create_file(Path(trial.masking_keys.place), f"{HEAD}{new_entry()}\n".encode())
        run = Run(trial.lake, trial.landing, contracts, "rehearsal", keys=trial.masking_keys)
        orderly = {name: contract for name, contract in contracts.items() if name not in found.datasets}
        for name in _in_order(orderly, {*names, *beside} & orderly.keys()):
            if blocked := next((one for one in contracts[name].upstream if one in found.datasets), None):
                found.datasets[name] = f"{blocked}, which it refers to, cannot be run"
                continue
            try:
                _load(trial, contracts, contracts[name], folder)
                _play(run, contracts[name], found)
            except Exception as error:  # noqa: BLE001  # whatever would end a run is what is looked for
                found.datasets[name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
        if project and models:
            tried = try_models(run, replace(project, scratch=trial.scratch), models)
            found.models, found.untried = tried.faults, [*found.untried, *tried.untried]
    return found


def _in_order(contracts: Mapping[str, Contract], names: Collection[str]) -> list[str]:
    """The datasets and what they refer to, in the order in which they can be built: there is one, because none refers in a circle."""
    needed, waiting = dict[str, tuple[str, ...]](), sorted(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = tuple(one for one in contracts[name].upstream if one in contracts)
            waiting += needed[name]
    return [*TopologicalSorter(needed).static_order()]


def _load(settings: Settings, contracts: Mapping[str, Contract], contract: Contract, folder: Path) -> None:
    assets = [make(settings, contracts, contract, folder) for make in (bronze_asset, silver_asset)]
    jobs, promised = calendar_jobs(assets), promising([contract])
    dg.Definitions(
        assets=[landing_spec(settings, contract, folder), *assets],
        asset_checks=freshness_checks(settings.lake, promised),
        jobs=[dg.define_asset_job(name, dg.AssetSelection.assets(*keys)) for name, keys in jobs.items()],
        schedules=list(deadline_schedules({contract.dataset: contract}, jobs)),
        sensors=[freshness_sensor(settings.lake, promised)] if promised else [],
    ).resolve_asset_graph()


def _play(run: Run, contract: Contract, found: Rehearsal) -> None:
    """Land a row in a file as the contract's server says its files are, ingest it and refine it."""
    arrivals, events = arrivals_of(contract), events_of(contract)
    arrived, happened = (list(keys_of(definition)) if definition else [] for definition in (arrivals, events))
    if (arrivals and not arrived) or (events and not happened):
        found.untried.append(f"{contract.dataset}: no row was tried, because its calendar begins in the future.")
        return
    slice_ = slice_of(events, happened[:1], silver_spec(contract))
    row = made_up(contract, None if contract.is_snapshot else event_dates(contract, slice_.partitions[0])[0])
    run, days = replace(run, landing=run.landing / contract.dataset), [date.fromisoformat(key) for key in arrived] or [SOME_DAY]
    _land(run, contract, row, day := _nameable(contract, days))
    for outcome in ingest(run, contract, slice_of(arrivals, [day.isoformat()] if arrivals else [], bronze_spec(contract))):
        if outcome.status is Status.REFUSED:
            raise PartitionsFailed(f"bronze/{contract.dataset}: {outcome.refusal}", hint="")
    if not sum(outcome.rows for outcome in refine_partitions(run, contract, slice_)):
        # one row keeps few promises about many, and not all about itself; the table is made, and gold has a row to read
        types = tuple(rule for rule in contract.rules if rule.kind in (Kind.TYPE, Kind.REQUIRED))
        lenient = replace(contract, rules=types, dataset_rules=(), rejected_share_below=None)
        if not sum(outcome.rows for outcome in refine_partitions(run, lenient, slice_)):
            found.untried.append(
                f"silver/{contract.dataset}: the made-up row did not come so far, so what reads it was tried without rows."
            )


def _nameable(contract: Contract, days: Sequence[date]) -> date:
    """The first day whose arrival a file's name can say."""
    names = arrival_names(contract.source.path)
    told = ((day, names.moment(name_for(contract.source, day))) for day in days)
    return next((day for day, moment in told if moment and moment.date() == day), days[0])


def _land(run: Run, contract: Contract, row: Mapping[str, str], day: date) -> None:
    landed(run.landing, contract.source)  # refuses a path that leads out of the folder
    name = name_for(contract.source, day)
    file = run.landing / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(spelled_file([row], contract.source, name))
