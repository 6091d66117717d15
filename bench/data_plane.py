"""Our side of `ten_million`: ingest, refine and gold without Dagster: `python bench/data_plane.py HOME CONTRACTS`."""

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from assay.contracts.odcs import load_contracts
from assay.errors import AssayError
from assay.gold.step import build_gold, gold_spec
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.orchestration.build import gold_project
from assay.orchestration.calendars import arrivals_of, events_of
from assay.orchestration.gold_assets import gold_definition
from assay.orchestration.partitions import slice_of
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import Settings, load_settings
from assay.steps import Outcome, Run, Status


def main(home: Path, contracts_folder: Path) -> None:
    """Bring every partition of the lake up to date."""
    settings = replace(load_settings(), home=home)
    run = Run(settings.lake, settings.landing, load_contracts(contracts_folder), "bench")
    in_order = sorted(run.contracts.values(), key=lambda contract: len(contract.upstream))
    for contract in in_order:
        definition = arrivals_of(contract)
        refuse_failures(ingest(run, contract, slice_of(definition, definition.get_partition_keys() if definition else [], bronze_spec(contract))))
    for contract in in_order:
        definition = events_of(contract)
        refuse_failures(
            refine_partitions(run, contract, slice_of(definition, definition.get_partition_keys() if definition else [], silver_spec(contract)))
        )
    gold(run, settings)


def gold(run: Run, settings: Settings) -> None:
    """Build every month of every model."""
    project, months = gold_project(settings), gold_definition(run.contracts)
    slices = {model.name: slice_of(months, months.get_partition_keys(), gold_spec(model)) for model in project.models}
    refuse_failures(outcome for _, outcome in build_gold(run, project, slices))


def refuse_failures(outcomes: Iterable[Outcome]) -> None:
    """Run a step to its end. Raises AssayError for a partition that was not published."""
    for outcome in outcomes:
        if outcome.status is not Status.PUBLISHED:
            raise AssayError(f"The partition {outcome.key} is {outcome.status}: {outcome.refusal}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
