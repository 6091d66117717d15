"""Read ODCS YAML into a Contract: the standard's JSON Schema first, then what Assay needs of it.

Standard fields are used wherever the standard has one; `customProperties` say the rest (docs/contracts.md lists them). Every error names
the file and the line.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from assay.contracts.dates import strptime_format
from assay.contracts.document import Document
from assay.contracts.model import Column, Contract, DatasetRule, EventTime, Grain, LandingSource, Partitioning, Severity
from assay.contracts.rules import column_rules, expression_rules, type_rules
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OPERATORS = ("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo")
CUSTOM = ("eventTime", "partitioning", "arrival", "transform", "rejectedShare")


def load_contracts(folder: Path) -> dict[str, Contract]:
    """Read every `*.odcs.yaml` in a folder, by dataset. Raises ContractInvalid for the first that is wrong, or if rules name no dataset."""
    contracts = {contract.dataset: contract for path in sorted(folder.glob("*.odcs.yaml")) for contract in [read_contract(path)]}
    for contract in contracts.values():
        for rule in contract.references:
            dataset, column = rule.argument
            if dataset not in contracts or column not in {found.name for found in contracts[dataset].columns}:
                raise ContractInvalid(
                    f"{contract.path}: the rule {rule.name!r} refers to {dataset}.{column}, which no contract in {folder} defines.",
                    hint=f"Datasets here: {', '.join(contracts)}.",
                )
    return contracts


def read_contract(path: Path) -> Contract:
    """Read one contract. Raises ContractInvalid, with file and line, if it breaks the standard or lacks what Assay needs."""
    document = Document.load(path)
    body = document.body
    _validate(document)
    landing, published = _objects(document)
    custom = {item["property"]: item["value"] for item in published.get("customProperties", [])}
    if unknown := sorted(custom.keys() - set(CUSTOM)):
        raise ContractInvalid(document.at(f"unknown custom property {unknown[0]!r}", unknown[0]), hint=f"Known: {', '.join(CUSTOM)}.")
    source = _source(document, landing)
    columns = tuple(_column(item, source) for item in published["properties"])
    keyed = sorted((item for item in published["properties"] if item.get("primaryKey")), key=lambda item: item.get("primaryKeyPosition", 0))
    rules = [rule for column, item in zip(columns, published["properties"], strict=True) for rule in column_rules(column, item)]
    return Contract(
        dataset=published["name"], version=body["version"], status=body["status"], domain=body.get("domain", ""),
        description=published.get("description", ""), granularity=published.get("dataGranularityDescription", ""), owner=_owner(document),
        source=source, columns=columns, key=tuple(item["name"] for item in keyed),
        rules=(*type_rules(columns), *rules, *expression_rules(published.get("quality", []))),
        dataset_rules=_dataset_rules(published), partitioning=_partitioning(document, custom.get("partitioning"), published),
        arrival=_partitioning(document, custom.get("arrival"), None), lateness=int((custom.get("arrival") or {}).get("lateness", 0)),
        event_time=_event_time(document, custom.get("eventTime")), transform=custom.get("transform"),
        rejected_share_below=(custom.get("rejectedShare") or {}).get("mustBeLessThan"), schedule=_schedule(body), path=path.name,
        digest=hashlib.blake2b(json.dumps(body, sort_keys=True, default=str).encode(), digest_size=8).hexdigest(),
    )  # fmt: skip


@cache
def _validator() -> Any:  # noqa: ANN401  # jsonschema is imported where it is used
    from importlib.resources import files

    import jsonschema

    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def _validate(document: Document) -> None:
    """Check against the standard's own JSON Schema: the pydantic model of the standard accepts misspelt fields, the schema does not."""
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(json.loads(json.dumps(document.body, default=str))))
    if error is not None:
        raise ContractInvalid(document.at_path(error.message, list(error.absolute_path)))


def _objects(document: Document) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The object that lands (physicalType: file) and the one that is published (physicalType: table)."""
    found = {item.get("physicalType"): item for item in document.body.get("schema", [])}
    if not {"file", "table"} <= found.keys():
        raise ContractInvalid(
            document.at("a contract needs one schema object of physicalType file and one of physicalType table", "schema")
        )
    return found["file"], found["table"]


def _source(document: Document, landing: Mapping[str, Any]) -> LandingSource:
    server = next((item for item in document.body.get("servers", []) if item["type"] == "local"), None)
    if server is None:
        raise ContractInvalid(document.at("a contract needs a server of type local, which says where files land", "servers"))
    custom = {item["property"]: item["value"] for item in server.get("customProperties", [])}
    return LandingSource(
        path=server["path"], format=server["format"], encoding=server.get("encoding", "UTF-8"),
        columns=tuple(item["name"] for item in landing["properties"]), null_values=tuple(custom.get("nullValues", ("",))),
    )  # fmt: skip


def _column(item: Mapping[str, Any], source: LandingSource) -> Column:
    custom = {found["property"]: found["value"] for found in item.get("customProperties", [])}
    text_format = item.get("logicalTypeOptions", {}).get("format")
    return Column(
        name=item["name"], logical_type=item["logicalType"], physical_type=item.get("physicalType", ""),
        required=bool(item.get("required", False)), description=item.get("description", ""),
        classification=item.get("classification", ""), unit=custom.get("unit"),
        source=_cast_from(item, source), expression=item.get("transformLogic"),
        format=strptime_format(text_format) if text_format and item["logicalType"] in {"date", "timestamp"} else None,
    )  # fmt: skip


def _cast_from(item: Mapping[str, Any], source: LandingSource) -> str | None:
    """The landing column that a property is cast from. What a transformDescription describes is filled by the transform instead."""
    named = item.get("transformSourceObjects", [item["name"]])
    if len(named) != 1 or named[0] not in source.columns or "transformDescription" in item:
        return None
    return str(named[0])


def _owner(document: Document) -> str:
    team = document.body.get("team", {})
    members = team.get("members", []) if isinstance(team, dict) else team
    owner = next((member["username"] for member in members if member.get("role") == "owner"), None)
    if owner is None:
        raise ContractInvalid(document.at("a contract needs a team member with the role owner", "team"))
    return str(owner)


def _dataset_rules(published: Mapping[str, Any]) -> tuple[DatasetRule, ...]:
    return tuple(
        DatasetRule(
            item["name"], item["metric"], operator, item[operator], Severity(item.get("severity", "error")), item.get("description", "")
        )
        for item in published.get("quality", [])
        if item.get("type", "library") == "library"
        for operator in OPERATORS
        if operator in item
    )


def _partitioning(document: Document, value: Mapping[str, Any] | None, published: Mapping[str, Any] | None) -> Partitioning:
    if not value:
        return Partitioning(Grain.NONE)
    if value.get("grain") not in set(Grain):
        raise ContractInvalid(document.at(f"unknown grain {value.get('grain')!r}", "grain"), hint=f"Known: {', '.join(Grain)}.")
    column = None
    if published is not None:
        column = next((item["name"] for item in published["properties"] if item.get("partitioned")), None)
        if column is None:
            raise ContractInvalid(document.at("a partitioned table needs one property with `partitioned: true`", "partitioning"))
    end = value.get("end")
    return Partitioning(Grain(value["grain"]), _date(value["start"]), _date(end) if end else None, column)


def _date(value: date | str) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def _event_time(document: Document, value: Mapping[str, Any] | str | None) -> EventTime | None:
    if value is None:
        raise ContractInvalid(document.at("a contract needs the custom property eventTime, or `value: none` with a description", "schema"))
    if isinstance(value, str):
        return None
    zone = value["timeZone"]
    return EventTime(value["expression"], strptime_format(value["format"]), value.get("sourceTimeZone", zone), zone)


def _schedule(body: Mapping[str, Any]) -> str | None:
    return next(
        (item["schedule"] for item in body.get("slaProperties", []) if item["property"] == "frequency" and item.get("schedule")), None
    )
