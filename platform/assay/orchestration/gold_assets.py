"""The gold assets: dbt's models as Dagster assets, built in a step for each calendar and published only after dbt's tests.

What is promised of a model comes from its contract, what it reads from dbt's manifest, its SQL and tags from dagster-dbt
(`dbt_catalogue`); how it is built is `gold.step`. The annotations are not postponed: Dagster reads those of an asset's body.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg

from assay.contracts.model.calendars import Calendar
from assay.contracts.model.contract import Contract, DatasetRule, Kind, Rule, Severity
from assay.contracts.model.gold_contract import GoldContract, ProductContracts
from assay.gold.calendars import calendars_of, layers
from assay.gold.inputs import build_code
from assay.gold.models import LAYER, Model
from assay.gold.properties import label_of
from assay.gold.redundant_tests import is_redundant
from assay.gold.rules_sql import refuse_beyond_rows
from assay.gold.step import Project, build_gold, gold_spec
from assay.masking.redaction import nothing_quoted
from assay.orchestration.asked import asked_of
from assay.orchestration.calendars import across, definition_of, name_of
from assay.orchestration.dbt_catalogue import catalogue
from assay.orchestration.lake_assets import ONE_RUN, run_of
from assay.orchestration.metadata import column_schema, owner_metadata, owners_of, table_metadata
from assay.orchestration.naming import ALONE, Naming
from assay.orchestration.reporting import RETRIES, carry_out, contract_check
from assay.settings import Settings
from assay.steps import Outcome

KEY_RULE = "unique_grain"  # as the dbt test calls it


def gold_assets(
    settings: Settings, product: ProductContracts, project: Project, folder: Path, naming: Naming = ALONE
) -> list[dg.AssetsDefinition]:
    """The gold models as multi-assets, of which any part can be run: one for those of a level that share a calendar.

    `folder` is that of the contracts. Those without partitions share a step too.
    """
    calendars, described = calendars_of(project.models, product.datasets), catalogue(project) if project.models else {}
    found = []
    for level, models in enumerate(layers(project.models, calendars)):
        for calendar in dict.fromkeys(calendars.get(model.table) for model in models):
            chosen = [model for model in models if calendars.get(model.table) == calendar]
            found.append(_Group(settings, product, project, folder, described, calendars, chosen, naming).asset(level))
    return found


@dataclass(frozen=True, slots=True)
class _Group:
    """Models that share a calendar and are built together."""

    settings: Settings
    product: ProductContracts
    project: Project
    folder: Path
    described: Mapping[str, Mapping[str, Any]]
    calendars: Mapping[str, Calendar]
    models: Sequence[Model]
    naming: Naming

    def asset(self, level: int) -> dg.AssetsDefinition:
        definition = definition_of(self.calendars.get(self.models[0].table))
        rules = {model.name: rules_of(model, self.product.majors(model.name)) for model in self.models}
        keys = {model.name: dg.AssetKey([LAYER, model.name]) for model in self.models}
        promised = {name: f"The {len(rules[name])} rules of {self.product.models[name].path} and of dbt." for name in rules}
        checks = [contract_check(keys[name], definition, words) for name, words in promised.items()]

        name = self.naming.of(f"{LAYER}_{name_of('models', definition)}" + (f"_{level + 1}" if level else ""))
        policies: dict[str, Any] = {"can_subset": True, "pool": LAYER, "backfill_policy": ONE_RUN, "retry_policy": RETRIES}

        @dg.multi_asset(name=name, specs=[self._spec(one, definition) for one in self.models], check_specs=checks, **policies)
        def gold(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
            chosen = {model.name: model for model in self.models if keys[model.name] in context.selected_asset_keys}
            for one in chosen:
                refuse_beyond_rows(self.product.majors(one))
            calendar = self.calendars.get(self.models[0].table)
            slices = {name: asked_of(context, definition, gold_spec(model, calendar)) for name, model in chosen.items()}
            built = build_gold(run_of(context, self.settings, self.product.datasets), self.project, slices)
            concerned = self.project.sources_of(chosen.values(), self.product.datasets)
            work = _quietly(concerned, ", ".join(chosen), ((keys[model.name], outcome) for model, outcome in built))
            yield from carry_out(context, {keys[name]: rules[name] for name in chosen}, work, self.settings.lake, together=True)

        return gold

    def _spec(self, model: Model, definition: dg.PartitionsDefinition | None) -> dg.AssetSpec:
        contract, described = self.product.models[model.name], self.described[model.unique_id]
        mappings = {table: across(self.calendars.get(model.table), self.calendars.get(table)) for table in model.depends_on}
        return dg.AssetSpec(
            [LAYER, model.name],
            deps=[dg.AssetDep(table.split("/"), partition_mapping=mapping) for table, mapping in mappings.items()],
            description=described["description"],
            tags=described["tags"] | _domain(contract),
            group_name=LAYER,
            partitions_def=definition,
            owners=owners_of(contract.owner),
            code_version=build_code(model),
            kinds={"dbt", "duckdb", "gold"},
            metadata=_metadata(self.settings, model, contract, self.folder),
        )


def _quietly(
    contracts: Sequence[Contract], about: str, work: Iterator[tuple[dg.AssetKey, Outcome]]
) -> Iterator[tuple[dg.AssetKey, Outcome]]:
    """The outcomes of a build; an error on the way quotes no personal data of what it is made from."""
    with nothing_quoted(*contracts, about=about):
        yield from work


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
            if not (older and is_redundant(rule, contract, majors[0]))
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
        **owner_metadata(contract.owner),
    }
