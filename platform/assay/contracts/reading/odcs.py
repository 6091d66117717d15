"""Read ODCS YAML into Contracts. A document is read only when it has no fault at all (`faults.py`), so nothing here looks for one.

Standard fields are used wherever the standard has one; `customProperties` say the rest (docs/contracts.md lists both).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assay.contracts.documents.custom_properties import read_custom
from assay.contracts.documents.document import Document, Finding
from assay.contracts.documents.major_versions import families_of, version_of
from assay.contracts.documents.supported import SERVER
from assay.contracts.documents.tables import FILE, column_items, is_gold_document, objects, tables
from assay.contracts.language.date_formats import strptime_format
from assay.contracts.language.dialect import read_dialect
from assay.contracts.language.paths import roots_of
from assay.contracts.model.contract import Contract, EventTime, Grain, KeyScope, Partitioning
from assay.contracts.model.gold_contract import Consumer, GoldContract, ProductContracts
from assay.contracts.model.landing_source import MOST_BYTES, LandingSource
from assay.contracts.model.sensitivity import sensitive_landing_columns
from assay.contracts.reading.faults import faults_of, repeated_rules
from assay.contracts.reading.gold_faults import is_timeless
from assay.contracts.reading.inherited_sensitivity import inherited_classes
from assay.contracts.reading.published import published_parts, read_date
from assay.contracts.reading.relationships import catalogue_of, lookup_faults
from assay.contracts.reading.rules import finite_rules, type_rules
from assay.contracts.reading.service_levels import read_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.documents.custom_properties import Custom
    from assay.contracts.documents.known_good import KnownGood
    from assay.contracts.documents.major_versions import Family
    from assay.contracts.documents.tables import Table

    AnyContract = Contract | GoldContract

PATTERN = "*.odcs.yaml"
TEXTUAL = {"csv", "jsonl"}  # formats in which an empty text often means that a value is absent; the others have a null of their own


def load_product(folder: Path) -> ProductContracts:
    """Read every `*.odcs.yaml` in a folder and below. Raises ContractInvalid, with file and line, for the first fault."""
    product, findings = sound_product(folder)
    if findings:
        raise findings[0].error(more=len(findings) - 1)
    return product


def sound_product(folder: Path, good: KnownGood | None = None) -> tuple[ProductContracts, list[Finding]]:
    """The contracts of a folder and below that have no fault, and the faults of the others. What is `good` is not validated again."""
    found, findings = read_documents([Document.load(path) for path in sorted(folder.rglob(PATTERN))], good)
    contracts = [replace(contract, path=path.relative_to(folder).as_posix()) for path, contract in found.items()]
    datasets = {contract.dataset: contract for contract in contracts if isinstance(contract, Contract)}
    gold = sorted((one for one in contracts if isinstance(one, GoldContract)), key=lambda one: (one.dataset, -one.major))
    majors: dict[str, list[GoldContract]] = {}
    for contract in gold:
        majors.setdefault(contract.dataset, []).append(contract)
    highest, older = {name: found[0] for name, found in majors.items()}, {name: tuple(found[1:]) for name, found in majors.items()}
    return ProductContracts(datasets, highest, older), findings


def load_contracts(folder: Path) -> dict[str, Contract]:
    """The contracts of what lands, of a folder and below, by dataset. Raises ContractInvalid for the first fault of any contract."""
    return dict(load_product(folder).datasets)


def read_contract(path: Path) -> AnyContract:
    """Read one contract by itself. Raises ContractInvalid, with file and line, if it breaks the standard or lacks what Assay needs."""
    document = Document.load(path)
    contract, findings = _read(document, faults_of(document))
    if contract is None or findings:
        raise findings[0].error(more=len(findings) - 1)
    return contract


def read_documents(documents: Sequence[Document], good: KnownGood | None = None) -> tuple[dict[Path, AnyContract], list[Finding]]:
    """Read contracts that stand beside each other: those without faults by file, and all faults of all, in the order of files and lines."""
    contracts: dict[Path, AnyContract] = {}
    findings: list[Finding] = []
    owners: dict[str, Path] = {}
    families = families_of(documents)
    lands = catalogue_of(document for document in documents if not is_gold_document(document))
    for document in documents:
        gold = is_gold_document(document)
        found = faults_of(document, lands, _higher(document, families) if gold else None, good)
        for table in tables(document):
            name = f"the major version {version_of(document)} of the model {table.name!r}" if gold else f"the dataset {table.name!r}"
            owner = owners.setdefault(name.casefold(), document.path)  # DuckDB tells no capitals apart
            if owner != document.path:
                found.append(document.finding(f"{owner.name} defines {name} too", ()))
            if gold and table.name in lands:
                found.append(document.finding(f"a dataset that lands has the name {table.name!r}", (*table.place, "name")))
        contract, found = _read(document, found)
        findings += found
        if contract is not None and not found:
            contracts[document.path] = contract
    by_name = {contract.dataset: contract for contract in contracts.values() if isinstance(contract, Contract)}
    findings += [one for document in documents if (own := contracts.get(document.path)) for one in lookup_faults(document, own, by_name)]
    return {path: one for path, one in contracts.items() if not any(finding.file == path for finding in findings)}, findings


def _higher(document: Document, families: Mapping[str, Family]) -> Table | None:
    """The highest major version of a model whose older one a document is."""
    family = next((families[table.name] for table in tables(document) if table.name in families), None)
    return family.current if family and family.is_older(document) else None


def _read(document: Document, found: list[Finding]) -> tuple[AnyContract | None, list[Finding]]:
    if found:
        return None, found
    table = tables(document)[0]
    contract = _gold_contract(document, table) if table.is_gold else _contract(document, table)
    return contract, list(repeated_rules(document, contract))


def _contract(document: Document, table: Table) -> Contract:
    custom, source = table.custom, _source(document, table)
    scope = KeyScope(custom.values.get("keyScope", KeyScope.PARTITION))
    found = Contract(
        **published_parts(document, table, source.columns, inherited_classes(document, table)), source=source,
        partitioning=_partitioning(custom, "partitioning", table.partition), arrival=_partitioning(custom, "arrival", None),
        lateness=custom.values.get("arrival", {}).get("lateness", 0),
        include_current=custom.values.get("arrival", {}).get("includeCurrent", False),
        event_time=_event_time(custom), transform=custom.values.get("transform"), key_scope=scope,
        rejected_share_below=custom.values.get("rejectedShare", {}).get("mustBeLessThan"), schedule=read_levels(document).schedule,
    )  # fmt: skip
    # a landing column may have the partition column's name: that is filled from the event time
    columns = tuple(replace(one, source=None) if one.name == table.partition else one for one in found.columns)
    source = replace(source, is_sensitive=bool(sensitive_landing_columns(found)))
    return replace(found, columns=columns, rules=(*type_rules(columns, source.paths), *found.rules), source=source)


def _gold_contract(document: Document, table: Table) -> GoldContract:
    said = table.custom.values
    reach = said.get("reach", {})
    moment = None if is_timeless(table) else said["eventTime"]["column"]
    found = GoldContract(
        **published_parts(document, table, ()), partitioning=Partitioning(Grain.MONTH if moment else Grain.NONE, column=table.partition),
        event_column=moment, lookback_days=reach.get("lookbackDays", 0), lookahead_days=reach.get("lookaheadDays", 0),
        consumers=tuple(Consumer(one["name"], one["contact"], tuple(one.get("columns", ()))) for one in said.get("consumers", ())),
    )  # fmt: skip
    return replace(found, rules=(*finite_rules(found.columns), *found.rules))


def _source(document: Document, table: Table) -> LandingSource:
    item, place = objects(document, FILE)[0]
    server, where = next((one, here) for one, here in document.entries(("servers",)) if one["type"] == SERVER)
    custom, columns = read_custom(document, where), [column for column, _ in column_items(document, place)]
    roots, by_name = roots_of(table.landing or (), [column["name"] for column in columns]), {column["name"]: column for column in columns}
    columns += [{"name": path, "required": by_name[root].get("required"), "description": f"From {root}."} for path, root in roots.items()]
    return LandingSource(
        path=server["path"], format=server["format"], encoding=server.get("encoding", "UTF-8"),
        columns=tuple(column["name"] for column in columns),
        null_values=tuple(custom.values.get("nullValues", ("",) if server["format"] in TEXTUAL else ())),
        description=item.get("description", ""), column_descriptions=tuple(column.get("description", "") for column in columns),
        optional=tuple(column["name"] for column in columns if column.get("required") is False),
        classifications=tuple(column.get("classification", "") for column in columns),
        most_bytes=custom.values.get("maxBytes", MOST_BYTES), dialect=read_dialect(custom.values.get("dialect", {})),
        paths=tuple(roots), explode=custom.values.get("explode"),
    )  # fmt: skip


def _partitioning(custom: Custom, name: str, column: str | None) -> Partitioning:
    said = custom.values.get(name)
    return (
        Partitioning(Grain(said["grain"]), read_date(said["start"]), read_date(said.get("end")), column)
        if said
        else Partitioning(Grain.NONE)
    )


def _event_time(custom: Custom) -> EventTime | None:
    said = custom.values["eventTime"]
    if isinstance(said, str):
        return None
    zone = said["timeZone"]
    return EventTime(said["expression"], strptime_format(said["format"]), said.get("sourceTimeZone", zone), zone)
