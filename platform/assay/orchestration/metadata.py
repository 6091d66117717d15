"""What a person sees of an asset in Dagster: owner, kinds, columns, links. Said once here, from the contract."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.contracts.export.page_rules import ending, span
from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW
from assay.contracts.model.descriptions import column_words
from assay.contracts.model.sensitivity import landing_classifications

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Column, Contract, DatasetRule, Rule
    from assay.lake.slices import TableSpec
    from assay.settings import Settings
    from assay.steps import Outcome

OUTCOME = "assay/outcome"  # of a materialization: published or unchanged
NOT_OF_A_TAG = re.compile(r"[^A-Za-z0-9_.-]")
LONGEST_TAG = 63
ADDED_BY_BRONZE = {
    EVENT_DATE: "Day of the event in the contract's time zone; null if it cannot be read.",
    SOURCE_FILE: "The file that the row came in, below the landing folder.",
    SOURCE_ROW: "Number of the row in its file, from 1.",
    SOURCE_HASH: "Hash of the file's content.",
    ARRIVAL: "First day of the arrival that the file belongs to; the partition of the table.",
}
RULES = dg.TableSchema([dg.TableColumn(name) for name in ("rule", "severity")] + [dg.TableColumn("rows", "int"), dg.TableColumn("promise")])


def column_schema(columns: Sequence[Column], key: Sequence[str]) -> dg.TableSchema:
    """A contract's columns for Dagster's catalogue, with units, constraints and classification."""
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                column.physical_type or column.logical_type,
                description=_described(column),
                constraints=dg.TableColumnConstraints(nullable=not column.required, unique=[column.name] == list(key)),
                tags=column_tags(column),
            )
            for column in columns
        ]
    )


def _described(column: Column) -> str:
    return column_words(column) + (f" Deprecated {ending(column.deprecated)}" if column.deprecated else "")


def column_tags(column: Column) -> dict[str, str] | None:
    """Who may read a column, how it is masked, whom it identifies, and whether it will go."""
    said = {
        "classification": column.classification,
        "masking": str(column.masking.method) if column.masking else "",
        "subject": column.subject or "",
        "deprecated": f"since-{column.deprecated.since}" if column.deprecated else "",
    }
    return {name: tag_value(value) for name, value in said.items() if value} or None


def tag_value(text: str) -> str:
    """A text as the value of a tag, which has only letters, digits, `_`, `-` and `.`, 63 at most."""
    return NOT_OF_A_TAG.sub("_", text)[:LONGEST_TAG]


def owners_of(owner: str) -> list[str]:
    """The owner as Dagster takes one; none for an address that it does not know for one, such as o'brien@example.org."""
    try:
        dg.AssetSpec("anything", owners=[owner])
    except dg.DagsterInvalidDefinitionError:
        return []
    return [owner]


def owner_metadata(owner: str) -> dict[str, str]:
    """Where an owner is shown whom Dagster would refuse."""
    return {} if owners_of(owner) else {"owner": owner}


def contract_tags(contract: Contract) -> dict[str, str]:
    """What assets are found by: their contract, its version and status, the domain, the team."""
    said = {"contract": contract.dataset, "contract_version": contract.version, "status": contract.status, "domain": contract.domain}
    return {name: tag_value(value) for name, value in (said | {"team": contract.about.team}).items() if value}


def contract_metadata(contract: Contract) -> dict[str, Any]:
    """The version, the service levels and the life of a dataset."""
    life = contract.lifecycle
    said = {
        "contract_version": contract.version,
        "deprecated": ending(contract.deprecated) if contract.deprecated else None,
        "freshness": f"the newest data are at most {span(contract.freshness)} old" if contract.freshness else None,
        "retention": span(contract.retention) if contract.retention else None,
        "generally available": life.general_availability,
        "end of support": life.end_of_support,
        "end of life": life.end_of_life,
    }
    return {name: str(value) for name, value in said.items() if value}


def landing_schema(contract: Contract) -> dg.TableSchema:
    """The columns of a source's files: everything that lands is text. One is as sensitive as what is published of it."""
    described = contract.source.column_descriptions or ("",) * len(contract.source.columns)
    known = landing_classifications(contract)
    return dg.TableSchema(
        [
            dg.TableColumn(name, "VARCHAR", description=text, tags={"classification": known[name]} if known[name] else None)
            for name, text in zip(contract.source.columns, described, strict=True)
        ]
    )


def bronze_schema(contract: Contract, spec: TableSpec) -> dg.TableSchema:
    """The columns of a bronze table: those of the files, and those that say where a row came from."""
    landed = landing_schema(contract)
    added = [
        dg.TableColumn(field.name, str(field.type), description=ADDED_BY_BRONZE[field.name])
        for field in spec.schema
        if field.name in ADDED_BY_BRONZE
    ]
    return dg.TableSchema([*landed.columns, *added])


def table_metadata(settings: Settings, table: str, contract_file: Path) -> dict[str, Any]:
    """Where the table lies, how it is called, and a link to its contract."""
    location = settings.lake / table
    return {
        "dagster/table_name": table.replace("/", "."),
        "dagster/uri": str(location),
        "contract": dg.MetadataValue.path(contract_file),
    }


def broken_rules(rules: Sequence[Rule | DatasetRule], broken: Mapping[str, int]) -> dict[str, dg.TableMetadataValue]:
    """A table of the broken rules with the number of rows that break each, if there are any.

    The rules that hold are only counted: an event is paid for by its size, three times over, and the columns of a table are half of it.
    """
    if not broken:
        return {}
    by_name = {rule.name: rule for rule in rules}
    records = [
        dg.TableRecord(
            {
                "rule": name,
                "severity": str(by_name[name].severity) if name in by_name else "error",
                "rows": rows,
                "promise": by_name[name].description if name in by_name else "",
            }
        )
        for name, rows in broken.items()
    ]
    return {"broken_rules": dg.MetadataValue.table(records, RULES)}


def outcome_metadata(outcome: Outcome, *, partitioned: bool) -> dict[str, Any]:
    """What a materialization says of one partition."""
    rows = {("dagster/partition_row_count" if partitioned else "dagster/row_count"): outcome.rows} if outcome.status == "published" else {}
    return {OUTCOME: str(outcome.status), **rows, **{f"assay/{name}": value for name, value in outcome.facts.items()}}
