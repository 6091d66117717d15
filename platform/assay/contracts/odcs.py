"""Read ODCS YAML into Contracts. A document is read only when it has no fault at all (`faults.py`), so nothing here looks for one.

Standard fields are used wherever the standard has one; `customProperties` say the rest (docs/contracts.md lists both).
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from assay.contracts.about import About, Channel, Deprecation, Member
from assay.contracts.custom import read_custom
from assay.contracts.dates import strptime_format
from assay.contracts.document import Document, Finding
from assay.contracts.elements import FILE, column_items, objects, tables
from assay.contracts.faults import faults_of, repeated_rules
from assay.contracts.inherited import inherited_classes
from assay.contracts.masking import read_masking
from assay.contracts.model import MOST_BYTES, Column, Contract, EventTime, Grain, LandingSource, Partitioning
from assay.contracts.quality import dataset_rules
from assay.contracts.relations import catalogue_of, lookup_faults, table_references
from assay.contracts.rules import column_rules, expression_rules, type_rules
from assay.contracts.sla import read_levels
from assay.contracts.supported import OWNER, SERVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.custom import Custom
    from assay.contracts.document import Place
    from assay.contracts.elements import Table

PATTERN = "*.odcs.yaml"
TEMPORAL = {"date", "timestamp"}
TEXTUAL = {"csv", "jsonl"}  # formats in which an empty text often means that a value is absent; the others have a null of their own


def load_contracts(folder: Path) -> dict[str, Contract]:
    """Read every `*.odcs.yaml` in a folder, by dataset. Raises ContractInvalid, with file and line, for the first fault."""
    contracts, findings = read_documents([Document.load(path) for path in sorted(folder.glob(PATTERN))])
    if findings:
        raise findings[0].error(more=len(findings) - 1)
    return {contract.dataset: contract for contract in contracts.values()}


def read_contract(path: Path) -> Contract:
    """Read one contract by itself. Raises ContractInvalid, with file and line, if it breaks the standard or lacks what Assay needs."""
    document = Document.load(path)
    contract, findings = _read(document, faults_of(document))
    if contract is None or findings:
        raise findings[0].error(more=len(findings) - 1)
    return contract


def read_documents(documents: Sequence[Document]) -> tuple[dict[Path, Contract], list[Finding]]:
    """Read contracts that stand beside each other: those without faults by file, and all faults of all, in the order of files and lines."""
    contracts: dict[Path, Contract] = {}
    findings: list[Finding] = []
    owners: dict[str, Path] = {}
    catalogue = catalogue_of(documents)
    for document in documents:
        contract, found = _read(document, faults_of(document, catalogue))
        for table in tables(document):
            other = owners.setdefault(table.name, document.path)
            if other != document.path:
                found.append(document.finding(f"{other.name} defines the dataset {table.name!r} too", ()))
        findings += found
        if contract is not None and not found:
            contracts[document.path] = contract
    by_name = {contract.dataset: contract for contract in contracts.values()}
    findings += [one for document in documents if (own := contracts.get(document.path)) for one in lookup_faults(document, own, by_name)]
    return {path: one for path, one in contracts.items() if not any(finding.file == path for finding in findings)}, findings


def _read(document: Document, found: list[Finding]) -> tuple[Contract | None, list[Finding]]:
    if found:
        return None, found
    contract = _contract(document, tables(document)[0])
    return contract, list(repeated_rules(document, contract))


def _contract(document: Document, table: Table) -> Contract:
    body, custom, levels, source = document.body, table.custom, read_levels(document), _source(document)
    classes = inherited_classes(document, table)
    found = [
        (item, place, _column(document, item, place, source, classes.get(item["name"], "")))
        for item, place in column_items(document, table.place)
    ]
    columns = tuple(column for *_, column in found)
    keyed = sorted((item for item, *_ in found if item.get("primaryKey")), key=lambda item: item.get("primaryKeyPosition", 0))
    rules = [rule for item, place, column in found for rule in column_rules(document, column, item, place)]
    about = _about(document)
    return Contract(
        dataset=table.name, version=body["version"], status=body["status"], domain=body.get("domain", ""),
        description=table.body.get("description", ""), granularity=table.body.get("dataGranularityDescription", ""),
        owner=next(member.username for member in about.members if member.role == OWNER), source=source,
        columns=columns, key=tuple(item["name"] for item in keyed),
        rules=(*type_rules(columns), *rules, *expression_rules(table.body.get("quality", [])), *table_references(document, table)),
        dataset_rules=dataset_rules(document, table), partitioning=_partitioning(custom, "partitioning", table.partition),
        arrival=_partitioning(custom, "arrival", None), lateness=custom.values.get("arrival", {}).get("lateness", 0),
        event_time=_event_time(custom), transform=custom.values.get("transform"),
        rejected_share_below=custom.values.get("rejectedShare", {}).get("mustBeLessThan"),
        path=document.path.name, digest=hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest(),
        schedule=levels.schedule, freshness=levels.freshness, freshness_column=levels.freshness_column, retention=levels.retention,
        lifecycle=levels.lifecycle, deprecated=_deprecated(custom), about=about,
    )  # fmt: skip


def _source(document: Document) -> LandingSource:
    item, place = objects(document, FILE)[0]
    server, where = next((one, here) for one, here in document.entries(("servers",)) if one["type"] == SERVER)
    custom, columns = read_custom(document, where), [column for column, _ in column_items(document, place)]
    return LandingSource(
        path=server["path"], format=server["format"], encoding=server.get("encoding", "UTF-8"),
        columns=tuple(column["name"] for column in columns), null_values=tuple(custom.values.get("nullValues", ("",) if server["format"] in TEXTUAL else ())),
        description=item.get("description", ""), column_descriptions=tuple(column.get("description", "") for column in columns),
        optional=tuple(column["name"] for column in columns if column.get("required") is False),
        classifications=tuple(column.get("classification", "") for column in columns),
        most_bytes=custom.values.get("maxBytes", MOST_BYTES),
    )  # fmt: skip


def _column(document: Document, item: Mapping[str, Any], place: Place, source: LandingSource, inherited: str) -> Column:
    classification = item.get("classification", inherited)
    custom, named = read_custom(document, place), tuple(item.get("transformSourceObjects", ()))
    single = named or (item["name"],)
    text_format = item.get("logicalTypeOptions", {}).get("format")
    return Column(
        name=item["name"], logical_type=item["logicalType"], physical_type=item.get("physicalType", ""),
        required=bool(item.get("required", False)), description=item.get("description", ""),
        classification=classification, unit=custom.values.get("unit"),
        # what a transformDescription describes is filled by the transform, whatever it reads
        source=single[0] if len(single) == 1 and single[0] in source.columns and "transformDescription" not in item else None,
        expression=item.get("transformLogic"),
        format=strptime_format(text_format) if text_format and item["logicalType"] in TEMPORAL else None,
        masking=read_masking(custom, item, classification), subject=custom.values.get("subject"),
        deprecated=_deprecated(custom), sources=named,
    )  # fmt: skip


def _deprecated(custom: Custom) -> Deprecation | None:
    said = custom.values.get("deprecated")
    return Deprecation(said["since"], _date(said.get("until")), said.get("useInstead")) if said else None


def _partitioning(custom: Custom, name: str, column: str | None) -> Partitioning:
    said = custom.values.get(name)
    return Partitioning(Grain(said["grain"]), _date(said["start"]), _date(said.get("end")), column) if said else Partitioning(Grain.NONE)


def _date(value: object) -> date | None:
    return None if value is None else date.fromisoformat(str(value))


def _event_time(custom: Custom) -> EventTime | None:
    said = custom.values["eventTime"]
    if isinstance(said, str):
        return None
    zone = said["timeZone"]
    return EventTime(said["expression"], strptime_format(said["format"]), said.get("sourceTimeZone", zone), zone)


def _about(document: Document) -> About:
    body = document.body
    said, team = body.get("description", {}), body["team"]
    members = team.get("members", []) if isinstance(team, dict) else team
    return About(
        purpose=said.get("purpose", ""), usage=said.get("usage", ""), limitations=said.get("limitations", ""),
        tags=tuple(body.get("tags", ())), team=team.get("name", "") if isinstance(team, dict) else "",
        members=tuple(
            Member(one["username"], *(one.get(key, "") for key in ("role", "name", "description", "dateIn", "dateOut"))) for one in members
        ),
        support=tuple(
            Channel(one["channel"], *(one.get(key, "") for key in ("url", "tool", "scope", "description")))
            for one in body.get("support", ())
        ),
    )  # fmt: skip
