"""The gold assets: dbt's models as Dagster assets, built in one step and published only after dbt's tests.

What a model is comes from dbt's manifest, its description and tags as dagster-dbt gives them (`dbt_catalogue`); how it is built is
`gold.step`. The annotations are not postponed: Dagster reads those of an asset's body when the asset is made.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from assay.code_version import code_version
from assay.contracts.model import Contract, Grain, Kind, Rule, Severity
from assay.gold.models import LAYER, Model
from assay.gold.step import CODE, Project, build_gold, gold_spec
from assay.orchestration.calendars import events_of, overlapping
from assay.orchestration.dbt_catalogue import catalogue
from assay.orchestration.lake_assets import ONE_RUN, keys_of, run_of
from assay.orchestration.partitions import slice_of
from assay.orchestration.reporting import RETRIES, Report, contract_check, permanent_failures, report
from assay.settings import Settings

STEP = "gold"


def gold_definition(contracts: Mapping[str, Contract]) -> dg.TimeWindowPartitionsDefinition:
    """The months of gold: from the first to the last event partition of any dataset, in the zone of the first that has one."""
    dated = [contract for contract in contracts.values() if contract.partitioning.start]
    first = min(contract.partitioning.start for contract in dated if contract.partitioning.start)
    ends = [contract.partitioning.end for contract in dated]
    last = None if None in ends else max(end for end in ends if end)
    zone = events_of(dated[0])
    return dg.MonthlyPartitionsDefinition(
        first.replace(day=1).isoformat(), end_date=last.isoformat() if last else None, timezone=zone.timezone if zone else "UTC"
    )


def gold_assets(settings: Settings, contracts: Mapping[str, Contract], project: Project) -> dg.AssetsDefinition:
    """All gold models as one multi-asset, of which any part can be run."""
    definition, described = gold_definition(contracts), catalogue(project)
    keys = {model.name: dg.AssetKey([LAYER, model.name]) for model in project.models}
    specs = [
        dg.AssetSpec(
            keys[model.name],
            deps=[dg.AssetDep(table.split("/"), partition_mapping=_mapping(table, contracts)) for table in model.depends_on],
            description=described[model.unique_id]["description"],
            tags=described[model.unique_id]["tags"],
            group_name=LAYER,
            partitions_def=definition,
            owners=[model.owner["email"]],
            code_version=f"{model.code_version}-{code_version(*CODE)}",
            kinds={"dbt", "duckdb", "gold"},
            metadata=_metadata(settings, model),
        )
        for model in project.models
    ]
    checks = [
        contract_check(keys[m.name], definition, f"The dbt contract and the {len(m.tests)} dbt tests of {m.name}.") for m in project.models
    ]

    @dg.multi_asset(name=STEP, specs=specs, check_specs=checks, can_subset=True, pool=LAYER, backfill_policy=ONE_RUN, retry_policy=RETRIES)
    def gold(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = {model.name: model for model in project.models if keys[model.name] in context.selected_asset_keys}
        slices = {name: slice_of(definition, keys_of(context), gold_spec(model)) for name, model in chosen.items()}
        outcomes: dict[str, list[Any]] = {name: [] for name in chosen}
        with permanent_failures():
            for model, outcome in build_gold(run_of(context, settings, contracts), project, slices):
                outcomes[model.name].append(outcome)
        yield from report(context, [Report(keys[name], outcomes[name], rules_of(model)) for name, model in chosen.items()])

    return gold


def _mapping(table: str, contracts: Mapping[str, Contract]) -> dg.PartitionMapping | None:
    """Months depend on the days or months that overlap them; a table without partitions needs no mapping."""
    layer, _, name = table.partition("/")
    has_partitions = layer == LAYER or contracts[name].partitioning.grain is not Grain.NONE
    return overlapping() if has_partitions else None


def rules_of(model: Model) -> list[Rule]:
    """A model's dbt tests as rules, so that its check looks like that of any other asset."""
    severities = {"error": Severity.ERROR, "warn": Severity.WARNING}
    return [Rule(test.name, Kind.EXPRESSION, severities[test.severity], test.description) for test in model.tests]


def _metadata(settings: Settings, model: Model) -> dict[str, Any]:
    columns = [
        dg.TableColumn(
            column.name, column.data_type, description=column.description, constraints=dg.TableColumnConstraints(nullable=column.nullable)
        )
        for column in model.columns
    ]
    return {
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": model.table.replace("/", "."),
        "dagster/uri": str(settings.lake / model.table),
    }
