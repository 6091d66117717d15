"""Read ODCS YAML into a Contract: the standard's JSON Schema first, then what Assay needs of it.

Standard fields are used wherever the standard has one; `customProperties` say the rest (docs/contracts.md lists them). Every error names
the file and the line. Nothing that a contract says is ignored: what Assay does not support is refused (`supported.py`).
"""

from __future__ import annotations

import codecs
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from assay.contracts.contradictions import refuse_contradictions, refuse_unknown_references
from assay.contracts.custom import COLUMN, SERVER, TABLE, read_custom
from assay.contracts.dates import ARRIVAL_PLACE, strptime_format
from assay.contracts.document import Document
from assay.contracts.model import Column, Contract, DatasetRule, EventTime, Grain, LandingSource, Partitioning, Severity
from assay.contracts.rules import column_rules, expression_rules, type_rules
from assay.contracts.supported import OPERATORS, refuse_unchecked_property, refuse_unchecked_table
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from assay.contracts.custom import Custom
    from assay.contracts.document import Place
    from assay.contracts.model import Rule

TEMPORAL = {"date", "timestamp"}


def load_contracts(folder: Path) -> dict[str, Contract]:
    """Read every `*.odcs.yaml` in a folder, by dataset. Raises ContractInvalid for the first that is wrong, or if rules name no dataset."""
    documents = [Document.load(path) for path in sorted(folder.glob("*.odcs.yaml"))]
    contracts = dict[str, Contract]()
    for document in documents:
        contract = _read(document)
        if contract.dataset in contracts:
            raise ContractInvalid(f"{document.path}:1: {contracts[contract.dataset].path} defines the dataset {contract.dataset!r} too.")
        contracts[contract.dataset] = contract
    for document, contract in zip(documents, contracts.values(), strict=True):
        refuse_unknown_references(document, contract, contracts)
    return contracts


def read_contract(path: Path) -> Contract:
    """Read one contract. Raises ContractInvalid, with file and line, if it breaks the standard or lacks what Assay needs."""
    return _read(Document.load(path))


def _read(document: Document) -> Contract:
    _validate(document)
    body = document.body
    landing, published = _object(document, "file"), _object(document, "table")
    refuse_unchecked_table(document, published.body, published.place)
    custom = read_custom(document, published.body, published.place, TABLE)
    source = _source(document, landing)
    properties = published.body["properties"]
    columns = tuple(_column(document, item, (*published.place, "properties", number), source) for number, item in enumerate(properties))
    keyed = sorted((item for item in properties if item.get("primaryKey")), key=lambda item: item.get("primaryKeyPosition", 0))
    rules = [rule for number, column in enumerate(columns) for rule in _rules(document, column, (*published.place, "properties", number))]
    contract = Contract(
        dataset=published.body["name"], version=body["version"], status=body["status"], domain=body.get("domain", ""),
        description=published.body.get("description", ""), granularity=published.body.get("dataGranularityDescription", ""),
        owner=_owner(document), source=source, columns=columns, key=tuple(item["name"] for item in keyed),
        rules=(*type_rules(columns), *rules, *expression_rules(published.body.get("quality", []))),
        dataset_rules=_dataset_rules(published.body), partitioning=_partitioning(document, custom, "partitioning", published),
        arrival=_partitioning(document, custom, "arrival", None), lateness=int(custom.values.get("arrival", {}).get("lateness", 0)),
        event_time=_event_time(document, custom, published.place), transform=custom.values.get("transform"),
        rejected_share_below=custom.values.get("rejectedShare", {}).get("mustBeLessThan"), schedule=_schedule(body),
        path=document.path.name,
        digest=hashlib.blake2b(json.dumps(body, sort_keys=True).encode(), digest_size=8).hexdigest(),
    )  # fmt: skip
    refuse_contradictions(document, contract, published.place)
    return contract


@dataclass(frozen=True, slots=True)
class _Object:
    """One schema object of a document and where it stands."""

    body: Mapping[str, Any]
    place: Place


@cache
def _validator() -> Any:  # noqa: ANN401  # jsonschema is imported where it is used
    from importlib.resources import files

    import jsonschema

    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    return jsonschema.validators.validator_for(schema)(schema)


def _validate(document: Document) -> None:
    """Check against the standard's own JSON Schema: the pydantic model of the standard accepts misspelt fields, the schema does not."""
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(document.body))
    if error is None:
        return
    misspelt = [key for key in error.instance if repr(key) in error.message] if str(error.validator).endswith("Properties") else []
    raise document.fault(error.message.rstrip("."), (*error.absolute_path, *misspelt[:1]))


def _object(document: Document, kind: str) -> _Object:
    """The object that lands (physicalType: file) or the one that is published (physicalType: table)."""
    found = [
        _Object(item, ("schema", number))
        for number, item in enumerate(document.body.get("schema", []))
        if item.get("physicalType") == kind and item.get("properties")
    ]
    if len(found) != 1:
        hint = "One object of physicalType file says what lands, one of physicalType table what is published."
        raise document.fault(f"expected one schema object of physicalType {kind} with properties, found {len(found)}", ("schema",), hint)
    return found[0]


def _source(document: Document, landing: _Object) -> LandingSource:
    found = [(number, item) for number, item in enumerate(document.body.get("servers", [])) if item["type"] == "local"]
    if len(found) != 1:
        raise document.fault(f"expected one server of type local, which says where files land, found {len(found)}", ("servers",))
    place, server = ("servers", found[0][0]), found[0][1]
    custom = read_custom(document, server, place, SERVER)
    arrival, encoding = ARRIVAL_PLACE.search(server["path"]), server.get("encoding", "UTF-8")
    if arrival is None:
        hint = "Such as flights/flights_{arrival:yyyy-MM-dd}.csv*."
        raise document.fault(f"the path {server['path']!r} has no {{arrival:FORMAT}}", (*place, "path"), hint)
    _format(document, arrival.group(1), (*place, "path"))
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise document.fault(f"unknown encoding {encoding!r}", (*place, "encoding")) from error
    return LandingSource(
        path=server["path"], format=server["format"], encoding=encoding,
        columns=tuple(item["name"] for item in landing.body["properties"]), null_values=tuple(custom.values.get("nullValues", ("",))),
        description=landing.body.get("description", ""),
        column_descriptions=tuple(item.get("description", "") for item in landing.body["properties"]),
    )  # fmt: skip


def _column(document: Document, item: Mapping[str, Any], place: Place, source: LandingSource) -> Column:
    refuse_unchecked_property(document, item, place)
    named = item.get("transformSourceObjects", [item["name"]])
    unknown = [name for name in item.get("transformSourceObjects", []) if name not in source.columns]
    if unknown:
        raise document.fault(f"{unknown[0]!r} is no column of what lands", (*place, "transformSourceObjects"))
    custom = read_custom(document, item, place, COLUMN)
    text_format = item.get("logicalTypeOptions", {}).get("format")
    return Column(
        name=item["name"], logical_type=item["logicalType"], physical_type=item.get("physicalType", ""),
        required=bool(item.get("required", False)), description=item.get("description", ""),
        classification=item.get("classification", ""), unit=custom.values.get("unit"),
        # what a transformDescription describes is filled by the transform, whatever it reads
        source=named[0] if len(named) == 1 and named[0] in source.columns and "transformDescription" not in item else None,
        expression=item.get("transformLogic"),
        format=_format(document, text_format, (*place, "logicalTypeOptions", "format"))
        if text_format and item["logicalType"] in TEMPORAL else None,
    )  # fmt: skip


def _rules(document: Document, column: Column, place: Place) -> list[Rule]:
    table, number = int(place[1]), int(place[3])
    try:
        return list(column_rules(column, document.body["schema"][table]["properties"][number]))
    except ValueError as error:
        raise document.fault(f"{error}", (*place, "logicalTypeOptions"), hint="Such as 2013-01-01.") from error


def _format(document: Document, pattern: str, place: Place) -> str:
    try:
        return strptime_format(pattern)
    except ContractInvalid as error:
        raise document.fault(error.message.rstrip("."), place, error.hint) from error


def _owner(document: Document) -> str:
    team = document.body.get("team", {})
    members = team.get("members", []) if isinstance(team, dict) else team
    owner = next((member["username"] for member in members if member.get("role") == "owner"), None)
    if owner is None:
        raise document.fault("a contract needs a team member with the role owner", ("team",))
    return str(owner)


def _dataset_rules(published: Mapping[str, Any]) -> tuple[DatasetRule, ...]:
    return tuple(
        DatasetRule(item["name"], item["metric"], operator, item[operator], Severity(item.get("severity", "error")), item["description"])
        for item in published.get("quality", [])
        if item.get("type", "library") == "library"
        for operator in OPERATORS
        if operator in item
    )


def _partitioning(document: Document, custom: Custom, name: str, published: _Object | None) -> Partitioning:
    if name not in custom.values:
        return Partitioning(Grain.NONE)
    value, place = custom.values[name], custom.places[name]
    if value["grain"] not in set(Grain):
        raise document.fault(f"unknown grain {value['grain']!r}", (*place, "grain"), hint=f"Known: {', '.join(Grain)}.")
    column = None
    if published is not None:
        column = next((item["name"] for item in published.body["properties"] if item.get("partitioned")), None)
        if column is None:
            raise document.fault("a partitioned table needs one property with `partitioned: true`", place)
    start, end = (_date(document, value.get(key), (*place, key)) for key in ("start", "end"))
    return Partitioning(Grain(value["grain"]), start, end, column)


def _date(document: Document, value: object, place: Place) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise document.fault(f"{value!r} is no date", place, hint="Such as 2013-01-01.") from error


def _event_time(document: Document, custom: Custom, table: Place) -> EventTime | None:
    if "eventTime" not in custom.values:
        raise document.fault("a contract needs the custom property eventTime, or `value: none` with a description", table)
    value, place = custom.values["eventTime"], custom.places["eventTime"]
    if isinstance(value, str):
        return None
    for key in ("timeZone", "sourceTimeZone"):
        try:
            ZoneInfo(value.get(key, "UTC"))
        except (ValueError, OSError, LookupError) as error:
            raise document.fault(f"unknown time zone {value[key]!r}", (*place, key), hint="Such as America/New_York.") from error
    zone, text_format = value["timeZone"], _format(document, value["format"], (*place, "format"))
    return EventTime(value["expression"], text_format, value.get("sourceTimeZone", zone), zone)


def _schedule(body: Mapping[str, Any]) -> str | None:
    return next(
        (item["schedule"] for item in body.get("slaProperties", []) if item["property"] == "frequency" and item.get("schedule")), None
    )
