"""The gold assets: dbt's models as Dagster assets, built in one step and published only after dbt's tests.

What is promised of a model comes from its contract, what it reads from dbt's manifest, its SQL and tags from dagster-dbt
(`dbt_catalogue`); how it is built is `gold.step`. The annotations are not postponed: Dagster reads those of an asset's body.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from assay.code_version import code_version
from assay.contracts.gold import GoldContract, ProductContracts
from assay.contracts.model import Contract, DatasetRule, Grain, Kind, Rule, Severity
from assay.gold.models import LAYER, Model
from assay.gold.properties import label_of
from assay.gold.step import CODE, Project, build_gold, gold_spec
from assay.gold.still_judged import is_judged
from assay.orchestration.calendars import events_of, overlapping
from assay.orchestration.dbt_catalogue import catalogue
from assay.orchestration.lake_assets import ONE_RUN, keys_of, run_of
from assay.orchestration.metadata import column_schema, table_metadata
from assay.orchestration.partitions import slice_of
from assay.orchestration.reporting import RETRIES, Report, contract_check, permanent_failures, report
from assay.settings import Settings

STEP = "gold"
KEY_RULE = "unique_grain"  # as the dbt test calls it


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


def gold_assets(settings: Settings, product: ProductContracts, project: Project, folder: Path) -> dg.AssetsDefinition:
    """All gold models as one multi-asset, of which any part can be run. `folder` is that of the contracts."""
    contracts, definition, described = product.datasets, gold_definition(product.datasets), catalogue(project)
    rules = {model.name: rules_of(model, product.majors(model.name)) for model in project.models}
    keys = {model.name: dg.AssetKey([LAYER, model.name]) for model in project.models}
    specs = [
        dg.AssetSpec(
            keys[model.name],
            deps=[dg.AssetDep(table.split("/"), partition_mapping=_mapping(table, contracts)) for table in model.depends_on],
            description=described[model.unique_id]["description"],
            tags=described[model.unique_id]["tags"] | _domain(product.models[model.name]),
            group_name=LAYER,
            partitions_def=definition,
            owners=[product.models[model.name].owner],
            code_version=f"{model.code_version}-{code_version(*CODE)}",
            kinds={"dbt", "duckdb", "gold"},
            metadata=_metadata(settings, model, product.models[model.name], folder),
        )
        for model in project.models
    ]
    checks = [
        contract_check(keys[name], definition, f"The {len(rules[name])} rules of {product.models[name].path} and of dbt.") for name in rules
    ]

    @dg.multi_asset(name=STEP, specs=specs, check_specs=checks, can_subset=True, pool=LAYER, backfill_policy=ONE_RUN, retry_policy=RETRIES)
    def gold(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        chosen = {model.name: model for model in project.models if keys[model.name] in context.selected_asset_keys}
        slices = {name: slice_of(definition, keys_of(context), gold_spec(model)) for name, model in chosen.items()}
        outcomes: dict[str, list[Any]] = {name: [] for name in chosen}
        with permanent_failures([keys[name] for name in chosen]):
            for model, outcome in build_gold(run_of(context, settings, contracts), project, slices):
                outcomes[model.name].append(outcome)
        yield from report(context, [Report(keys[name], outcomes[name], rules[name]) for name in chosen], together=True)

    return gold


def _mapping(table: str, contracts: Mapping[str, Contract]) -> dg.PartitionMapping | None:
    """Months depend on the days or months that overlap them; a table without partitions needs no mapping."""
    layer, _, name = table.partition("/")
    has_partitions = layer == LAYER or contracts[name].partitioning.grain is not Grain.NONE
    return overlapping() if has_partitions else None


def rules_of(model: Model, majors: tuple[GoldContract, ...]) -> list[Rule | DatasetRule]:
    """The rules of all major versions of a model, and the dbt tests that say what a contract cannot."""
    severities = {"error": Severity.ERROR, "warn": Severity.WARNING}
    key = " and ".join(majors[0].key)
    found: dict[str, Rule | DatasetRule] = {KEY_RULE: Rule(KEY_RULE, Kind.EXPRESSION, Severity.ERROR, f"No two rows have one {key}.")}
    for contract in majors:
        said: tuple[Rule | DatasetRule, ...] = (*contract.rules, *contract.dataset_rules)
        label, older = label_of(contract), contract is not majors[0]
        named = (
            replace(rule, name=f"{label}{rule.name}") if older else rule
            for rule in said
            if not (older and is_judged(rule, contract, majors[0]))
        )
        found |= {rule.name: rule for rule in named}
    others = (Rule(test.name, Kind.EXPRESSION, severities[test.severity], test.description) for test in model.tests if not test.compiled)
    return [*found.values(), *others]


def _domain(contract: GoldContract) -> dict[str, str]:
    return {"domain": contract.domain} if contract.domain else {}


def _metadata(settings: Settings, model: Model, contract: GoldContract, folder: Path) -> dict[str, Any]:
    return {
        **table_metadata(settings, model.table, folder / contract.path),
        "dagster/column_schema": column_schema(contract.columns, contract.key),
        "contract_version": contract.version,
    }
