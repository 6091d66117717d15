"""A rehearsal of contracts: each is loaded as Dagster loads it, and one made-up row goes the way of every row, in a folder thrown away.

What a file can say wrong is found by reading it (`contracts.examine`); this finds what only shows when it is loaded and run: an owner that
Dagster refuses, a transform that cannot be imported, a table that cannot be made. Whether the row is good does not matter.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.contracts.dialect import Dialect
from assay.contracts.model import Kind
from assay.contracts.paths import NoSuchPlace, follow, read_path
from assay.contracts.paths import Path as JsonPath
from assay.contracts.sql import columns_in
from assay.errors import ContractInvalid, PartitionsFailed
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.durable import create_file
from assay.masking.keyring import HEAD, new_entry
from assay.orchestration.calendars import arrivals_of, events_of
from assay.orchestration.freshness import freshness_checks, freshness_sensor, promising
from assay.orchestration.lake_assets import bronze_asset, landing_spec, silver_asset
from assay.orchestration.partitions import slice_of
from assay.orchestration.triggers import calendar_jobs, deadline_schedules
from assay.refine.step import event_dates, refine_partitions, silver_spec
from assay.settings import Settings
from assay.steps import Run, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from assay.contracts.landing_source import LandingSource
    from assay.contracts.model import Column, Contract

SNAPSHOT = "2000-01-01"  # the arrival of a file of reference data
SOME_DAY = date.fromisoformat(SNAPSHOT)


def rehearse(settings: Settings, contracts: Mapping[str, Contract], names: Collection[str], folder: Path) -> dict[str, str]:
    """What goes wrong with some datasets, by dataset; `contracts` are those of their folder. What one refers to is rehearsed before it."""
    found: dict[str, str] = {}
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        trial = Settings(Path(scratch), settings.dbt_project)
        create_file(Path(trial.masking_keys.place), f"{HEAD}{new_entry()}\n".encode())
        run = Run(trial.lake, trial.landing, contracts, "rehearsal", keys=trial.masking_keys)
        for name in _in_order(contracts, names):
            if blocked := next((one for one in contracts[name].upstream if one in found), None):
                found[name] = f"{blocked}, which it refers to, cannot be run"
                continue
            try:
                _load(trial, contracts, contracts[name], folder)
                _play(run, contracts[name])
            except Exception as error:  # noqa: BLE001  # whatever would end a run is what is looked for
                found[name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return found


def _in_order(contracts: Mapping[str, Contract], names: Collection[str]) -> list[str]:
    """The datasets and what they refer to, in the order in which they can be built. Raises ContractInvalid if they refer in a circle."""
    needed, waiting = dict[str, tuple[str, ...]](), sorted(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = tuple(one for one in contracts[name].upstream if one in contracts)
            waiting += needed[name]
    try:
        return [*TopologicalSorter(needed).static_order()]
    except CycleError as error:
        raise ContractInvalid(f"The reference rules of {' -> '.join(error.args[1])} go in a circle.") from error


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


def _play(run: Run, contract: Contract) -> None:
    """Land a row, ingest it and refine it. It is sent as JSON Lines: how files are read depends on the files."""
    plain = replace(
        contract.source, path=f"{contract.dataset}/row_{{arrival:yyyy-MM-dd}}.jsonl", format="jsonl", encoding="UTF-8", dialect=Dialect()
    )
    played = replace(contract, source=plain)
    arrivals, events = arrivals_of(played), events_of(played)
    arrived, happened = ([*definition.get_partition_keys()][:1] if definition else [] for definition in (arrivals, events))
    if (arrivals and not arrived) or (events and not happened):
        return  # its calendar begins in the future
    slice_ = slice_of(events, happened, silver_spec(played))
    row = as_sent(made_up(played, None if played.is_snapshot else event_dates(played, slice_.partitions[0])[0]), played.source)
    file = run.landing / contract.dataset / f"row_{next(iter(arrived), SNAPSHOT)}.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    for outcome in ingest(run, played, slice_of(arrivals, arrived, bronze_spec(played))):
        if outcome.status is Status.REFUSED:
            raise PartitionsFailed(f"bronze/{contract.dataset}: {outcome.refusal}")
    if any(outcome.status is Status.REFUSED for outcome in refine_partitions(run, played, slice_)):
        # one row keeps few promises about many; the table is made all the same
        list(refine_partitions(run, replace(played, dataset_rules=(), rejected_share_below=None), slice_))


def made_up(contract: Contract, day: date | None) -> dict[str, str]:
    """A landed row that a contract might take: each value of the type that it becomes, within what is said of it alone."""
    row = dict.fromkeys(contract.source.columns, "1")
    row |= {column.source: _text(contract, column, day) for column in contract.columns if column.source}
    if contract.event_time is not None and day is not None:
        spelled = day.strftime(contract.event_time.format.replace("%#z", "+00:00"))
        row |= dict.fromkeys(columns_in(contract.event_time.expression, contract.source.columns), spelled)
    return row


def as_sent(row: Mapping[str, str], source: LandingSource) -> dict[str, Any]:
    """A landed row as a file has it: what paths lead to is in objects and arrays, and what is exploded is an array of one element."""
    sent: dict[str, Any] = {name: row[name] for name in source.file_columns}
    paths = [(path, row[name]) for name in source.paths if (path := read_path(name, source.file_columns))]
    for path, text in sorted(paths, key=lambda pair: len(pair[0].steps)):
        sent[path.root] = _put(sent[path.root], path.steps, text)
    if source.explode is not None:
        array = read_path(source.explode, source.file_columns) or JsonPath(source.explode, ())
        try:
            element = follow(sent[array.root], array.steps)
        except NoSuchPlace:
            element = "1"
        sent[array.root] = _put(sent[array.root], array.steps, [element])
    return sent


def _put(value: Any, steps: Sequence[str | int], leaf: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
    """A value with a leaf where some steps lead; objects and arrays are made on the way."""
    if not steps:
        return leaf
    step = steps[0]
    if isinstance(step, str):
        known = value if isinstance(value, dict) else {}
        return {**known, step: _put(known.get(step), steps[1:], leaf)}
    items = value if isinstance(value, list) else []
    items = [*items, *[None] * (step + 1 - len(items))]
    return [*items[:step], _put(items[step], steps[1:], leaf), *items[step + 1 :]]


def _text(contract: Contract, column: Column, day: date | None) -> str:
    said = {rule.kind: rule.argument for rule in contract.rules if rule.column == column.name}
    if said.get(Kind.ENUM):
        return str(said[Kind.ENUM][0])
    match column.logical_type:
        case "date" | "timestamp":
            return (day or SOME_DAY).strftime((column.format or "%Y-%m-%d").replace("%#z", "+00:00"))
        case "boolean":
            return "true"
        case "integer" | "number":
            return str(said.get(Kind.MINIMUM, 1))
        case _:
            return "x" * max(1, (said.get(Kind.LENGTH) or (1, None))[0])
