"""The assets of a contract: what lands, bronze, silver. One factory for every dataset; no dataset is known by name.

An asset's body only turns partition keys into a slice, calls the step, and reports: the steps know nothing of Dagster. This module does not
postpone its annotations: Dagster reads those of an asset's body when the asset is made.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from assay.code_version import code_version
from assay.contracts.model.contract import Contract
from assay.contracts.model.descriptions import dataset_words
from assay.contracts.model.fingerprint import landing_terms, published_terms
from assay.ingest import work as ingest_work
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.publisher import fingerprint
from assay.lake.workplaces import workplace
from assay.masking.redaction import nothing_quoted
from assay.orchestration.asked import asked_of
from assay.orchestration.calendars import arrivals_of, events_of, overlapping
from assay.orchestration.clock import now
from assay.orchestration.clock_rollback import require_clock
from assay.orchestration.listing import list_run
from assay.orchestration.metadata import (
    bronze_schema,
    column_schema,
    contract_metadata,
    contract_tags,
    landing_schema,
    owner_metadata,
    owners_of,
    table_metadata,
)
from assay.orchestration.partitions import whole_of
from assay.orchestration.reconciliation import with_waiting
from assay.orchestration.reporting import RETRIES, carry_out, contract_check
from assay.refine.inputs import refine_code
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import Settings
from assay.steps import Outcome, Run

FORCE_TAG = "assay/force"
ONE_RUN = dg.BackfillPolicy.single_run()


def run_of(context: dg.AssetExecutionContext, settings: Settings, contracts: Mapping[str, Contract]) -> Run:
    """What the steps are told of a Dagster run. The tag `assay/force: true` builds unchanged partitions again.

    Raises ClockSetBack, before anything is read, when the clock cannot be believed.
    """
    require_clock(settings.lake, context.instance)
    list_run(context.instance, context.run)  # now, so that a run of the command line is listed while it works
    force = context.run.tags.get(FORCE_TAG) == "true"
    return replace(Run.of(settings, contracts), run_id=context.run.run_id, force=force, now=now())


def lake_assets(settings: Settings, contracts: Mapping[str, Contract], folder: Path) -> list[dg.AssetsDefinition]:
    """The bronze and silver assets of all contracts in a folder."""
    return [asset for contract in contracts.values() for asset in dataset_assets(settings, contracts, contract, folder)]


def dataset_assets(settings: Settings, contracts: Mapping[str, Contract], contract: Contract, folder: Path) -> list[dg.AssetsDefinition]:
    """The bronze and silver assets of one contract."""
    return [make(settings, contracts, contract, folder) for make in (bronze_asset, silver_asset)]


def landing_spec(settings: Settings, contract: Contract, folder: Path) -> dg.AssetSpec:
    """The files that upstream drops: nothing here makes them, so the asset is external."""
    return dg.AssetSpec(
        ["landing", contract.dataset],
        description=f"Files that upstream drops as `{contract.source.path}`. {contract.source.description}",
        group_name="landing",
        kinds={contract.source.format, "file"},
        owners=owners_of(contract.owner),
        tags=contract_tags(contract),
        metadata={
            "dagster/uri": str(settings.landing / contract.source.path),
            "dagster/column_schema": landing_schema(contract),
            "contract": dg.MetadataValue.path(folder / contract.path),
            **owner_metadata(contract.owner),
        },
    )


def bronze_asset(settings: Settings, contracts: Mapping[str, Contract], contract: Contract, folder: Path) -> dg.AssetsDefinition:
    """What landed, as received, one partition per arrival."""
    definition, spec, optional = arrivals_of(contract), bronze_spec(contract), frozenset(contract.source.optional)
    key = dg.AssetKey(["bronze", contract.dataset])
    asset = dg.AssetSpec(
        key,
        deps=[dg.AssetKey(["landing", contract.dataset])],
        description=f"{contract.dataset} as received, with the origin of each row. Text only; nothing is dropped.",
        group_name="bronze",
        kinds={"bronze", "deltalake"},
        owners=owners_of(contract.owner),
        code_version=f"{code_version(*ingest_work.CODE)}-{terms_version(landing_terms(contract, optional))}",
        partitions_def=definition,
        tags=contract_tags(contract),
        metadata={
            **table_metadata(settings, spec.name, folder / contract.path),
            "dagster/column_schema": bronze_schema(contract, spec),
            **contract_metadata(contract),
            **owner_metadata(contract.owner),
        },
    )

    @dg.multi_asset(name=f"bronze_{contract.dataset}", specs=[asset], **_policies(spec.name))
    def bronze(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        slice_ = asked_of(context, definition, spec)
        work = ingest(run_of(context, settings, contracts), contract, slice_, whole_of(definition, spec))
        told = with_waiting(settings.lake, contract, work)
        yield from carry_out(context, {key: None}, quietly(settings, contract, key, told), settings.lake)

    return bronze


def silver_asset(settings: Settings, contracts: Mapping[str, Contract], contract: Contract, folder: Path) -> dg.AssetsDefinition:
    """The published table: typed, deduplicated, audited against the contract before anybody can read it."""
    definition, spec, optional = events_of(contract), silver_spec(contract), frozenset(contract.source.optional)
    key = dg.AssetKey(["silver", contract.dataset])
    mapping = overlapping(contract.lateness) if definition and arrivals_of(contract) else None
    asset = dg.AssetSpec(
        key,
        deps=[
            dg.AssetDep(["bronze", contract.dataset], partition_mapping=mapping),
            *(dg.AssetDep(["silver", dataset], partition_mapping=_whole(contracts.get(dataset))) for dataset in contract.upstream),
        ],
        description=dataset_words(contract),
        group_name="silver",
        kinds={"silver", "polars", "deltalake"},
        owners=owners_of(contract.owner),
        code_version=f"{refine_code(contract)}-{terms_version(published_terms(contract, optional))}",
        partitions_def=definition,
        tags=contract_tags(contract),
        metadata={
            **table_metadata(settings, spec.name, folder / contract.path),
            "dagster/column_schema": column_schema(contract.columns, contract.key),
            **contract_metadata(contract),
            **owner_metadata(contract.owner),
        },
    )
    check = contract_check(key, definition, f"The {len(contract.rules) + len(contract.dataset_rules)} rules of {contract.path}.")

    @dg.multi_asset(name=f"silver_{contract.dataset}", specs=[asset], check_specs=[check], **_policies(spec.name))
    def silver(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        slice_ = asked_of(context, definition, spec)
        work = refine_partitions(run_of(context, settings, contracts), contract, slice_, whole_of(definition, spec))
        told = quietly(settings, contract, key, work)
        yield from carry_out(context, {key: (*contract.rules, *contract.dataset_rules)}, told, settings.lake)

    return silver


def terms_version(terms: object) -> str:
    """What of a contract decides rows, as a part of a code version. Columns that files may lack are left out: one more is no new code."""
    return f"{fingerprint(terms):016x}"


def quietly(settings: Settings, contract: Contract, key: dg.AssetKey, work: Iterable[Outcome]) -> Iterator[tuple[dg.AssetKey, Outcome]]:
    """The outcomes of the work on an asset, which is known to be at work; an error on the way quotes no personal data."""
    with nothing_quoted(contract), workplace(settings.scratch, key.to_user_string()):
        for outcome in work:
            yield key, outcome


def _whole(referred: Contract | None) -> dg.PartitionMapping | None:
    """Rules look into all of a table; without a word Dagster would compare its days with those of another calendar."""
    return dg.AllPartitionMapping() if referred and events_of(referred) else None


def _policies(table: str) -> dict[str, Any]:
    """One writer per table at a time, one run per range, retries for what may pass."""
    return {"pool": table.replace("/", "_"), "backfill_policy": ONE_RUN, "retry_policy": RETRIES, "can_subset": True}
