"""Our side of `ten_million`: ingest, refine and gold without Dagster: `python bench/data_plane.py CONTRACTS`, with ASSAY_HOME."""

import sys
from collections.abc import Iterable
from pathlib import Path

import dagster as dg

from assay.contracts.reading.odcs import load_contracts
from assay.errors import AssayError
from assay.gold import dbt_process
from assay.gold.calendars import calendars_of
from assay.gold.step import build_gold, gold_spec
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.slices import Slice, TableSpec
from assay.orchestration.build import gold_project
from assay.orchestration.calendars import arrivals_of, definition_of, events_of
from assay.orchestration.partitions import slice_of
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import load_settings
from assay.steps import Outcome, Run, Status


def main(contracts_folder: Path) -> None:
    """Bring every partition of the lake up to date."""
    settings = load_settings()
    run = Run(settings.lake, settings.landing, load_contracts(contracts_folder), "bench")
    project = gold_project(settings)
    dbt_process.start(project.folder, project.manifest)  # as a backfill does
    in_order = sorted(run.contracts.values(), key=lambda contract: len(contract.upstream))
    for contract in in_order:
        refuse_failures(ingest(run, contract, every_partition(arrivals_of(contract), bronze_spec(contract))))
    for contract in in_order:
        refuse_failures(refine_partitions(run, contract, every_partition(events_of(contract), silver_spec(contract))))
    calendars = calendars_of(project.models, run.contracts)
    slices = {model.name: every_partition(definition_of(calendars[model.table]), gold_spec(model)) for model in project.models}
    refuse_failures(outcome for _, outcome in build_gold(run, project, slices))


def every_partition(definition: dg.PartitionsDefinition | None, spec: TableSpec) -> Slice:
    """The slice of a whole table."""
    return slice_of(definition, definition.get_partition_keys() if definition else [], spec)


def refuse_failures(outcomes: Iterable[Outcome]) -> None:
    """Run a step to its end. Raises AssayError for a partition that was not published."""
    for outcome in outcomes:
        if outcome.status is not Status.PUBLISHED:
            raise AssayError(f"The partition {outcome.key} is {outcome.status}: {outcome.refusal}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
