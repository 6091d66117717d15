"""What Assay supports of the standard: a promise that it would not keep is a finding, because nobody would notice that it is broken.

The head of a document, its server, its team and what lands. `reading` looks at published columns and at rules about them.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.documents.custom_properties import custom_names, read_custom
from assay.contracts.documents.custom_vocabulary import date_format, encoding
from assay.contracts.documents.tables import FILE, TABLE, column_items, objects
from assay.contracts.language.date_formats import ARRIVAL_PLACE
from assay.contracts.language.dialect import conflicts, read_dialect
from assay.contracts.language.file_names import out_of_landing
from assay.contracts.language.names import nearest, suggest
from assay.contracts.language.paths import read_path
from assay.contracts.model.versions import Version

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table

VERSIONS = ("v3.1.0", "v3.2.0")
STATUSES = ("proposed", "draft", "active", "deprecated", "retired")
CLASSIFICATIONS = ("public", "internal", "personal", "restricted")
OWNER = "owner"
SERVER = "local"
FORMATS = ("csv", "jsonl", "parquet", "avro")  # those that `ingest` has a reader for
# what a landing column may say besides its name; anything else would be a promise about what others send
LANDING_FIELDS = (
    "id", "name", "logicalType", "physicalType", "description", "businessName", "required", "classification", "tags", "synonyms",
    "examples", "criticalDataElement", "authoritativeDefinitions", "customProperties", "deprecated", "semanticType",
)  # fmt: skip


def head_faults(document: Document) -> Iterator[Finding]:
    """Faults of the fundamentals: version of the standard, status, owner."""
    body = document.body
    for field, known in (("apiVersion", VERSIONS), ("status", STATUSES)):
        value = document.at((field,))
        if not any(nearest(key, [field]) for key in body):
            yield document.finding(f"{field} is missing", (), suggest("", known))
        elif value is not None and value not in known:
            yield document.finding(f"the {field} {value!r} is not supported", (field,), suggest(value, known))
    version = document.at(("version",))
    if isinstance(version, str) and Version.read(version) is None:
        hint = "By it readers are told what breaks them: such as 1.0.0, then 1.1.0 for a new column and 2.0.0 for one that is gone."
        yield document.finding(f"{version!r} is no version of the form 1.2.3", ("version",), hint)
    members = [item for place in (("team", "members"), ("team",)) for item, _ in document.entries(place)]
    if not any(item.get("role") == OWNER for item in members):
        meant = next((item["role"] for item in members if nearest(item.get("role", ""), [OWNER])), None)
        hint = f"Write {OWNER!r} for {meant!r}." if meant else ""
        yield document.finding(f"a contract needs a team member with the role {OWNER}", ("team",), hint)


def server_faults(document: Document) -> Iterator[Finding]:
    """Faults of the servers: one says where files land, and nothing reads another."""
    servers = list(document.entries(("servers",)))
    found = [(item, place) for item, place in servers if item.get("type") == SERVER]
    if len(found) != 1:
        complaint = f"expected one server of type {SERVER}, which says where files land, found {len(found)}"
        yield document.finding(complaint, ("servers",))
    for item, place in servers:
        if item.get("type") != SERVER:
            yield document.finding(
                f"nothing is read from a server of type {item.get('type')!r}", (*place, "type"), suggest(item.get("type"), [SERVER])
            )
    for item, place in found:
        yield from _local_faults(document, item, place)


def _local_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    path, here = item["path"], (*place, "path")
    arrival = ARRIVAL_PLACE.search(path)
    if found := out_of_landing(path):
        yield document.finding(found[0], here, found[1])
    if "${" in path:
        yield document.finding("variables are not filled in", here, "The path is relative to the landing folder, which a setting names.")
    elif arrival is None:
        yield document.finding(f"the path {path!r} has no {{arrival:FORMAT}}", here, "Such as flights/flights_{arrival:yyyy-MM-dd}.csv*.")
    elif found := date_format(arrival.group(1)):
        yield document.finding(found[0], here, found[1])
    if item["format"] not in FORMATS:
        yield document.finding(f"files of the format {item['format']!r} are not read", (*place, "format"), suggest(item["format"], FORMATS))
    if found := encoding(item.get("encoding", "UTF-8")):
        yield document.finding(found[0], (*place, "encoding"), found[1])
    yield from _dialect_faults(document, item, place)
    yield from _explode_faults(document, place)


def _explode_faults(document: Document, place: Place) -> Iterator[Finding]:
    """The array whose elements are the rows stands in a landing column."""
    custom = read_custom(document, place)
    name, landing = custom.values.get("explode"), objects(document, FILE)
    columns = [item["name"] for item, _ in column_items(document, landing[0][1])] if landing else []
    if name is not None and columns and name not in columns and read_path(name, columns) is None:
        yield document.finding(f"{name!r} is no landing column, and no path into one", custom.places["explode"], suggest(name, columns))


def _dialect_faults(document: Document, server: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    custom = read_custom(document, place)
    if "dialect" not in custom.values:
        return
    said, here = custom.values["dialect"], custom.places["dialect"]
    if server["format"] != "csv":
        yield document.finding(f"files of the format {server['format']} have no dialect", here, "Only those of the format csv have one.")
    dialect = read_dialect(said)
    for word, fault in conflicts(dialect):
        yield document.finding(fault, (*here, word) if word in said else here, 'Say another character, or "" for none.')
    if not dialect.header:
        columns = [item for _, landing in objects(document, FILE) for item, _ in column_items(document, landing)]
        optional = [item["name"] for item in columns if item.get("required") is False]
        if optional != [item["name"] for item in columns[len(columns) - len(optional) :]]:
            hint = "Columns without names are told by their place: list the optional ones last."
            yield document.finding("an optional landing column stands before others, and there is no header", (*here, "header"), hint)


def object_faults(document: Document) -> Iterator[Finding]:
    """Faults of the schema as a whole: one object lands, one is published, and there is no third."""
    for wanted in (FILE, TABLE):
        found = objects(document, wanted)
        if len(found) != 1:
            hint = f"One object of physicalType {FILE} says what lands, one of physicalType {TABLE} what is published."
            if wanted == FILE and not found:
                hint += " For a gold model nothing lands: its eventTime names a column."
            complaint = f"expected one schema object of physicalType {wanted} with properties, found {len(found)}"
            yield document.finding(complaint, ("schema",), hint)
    for item, place in document.entries(("schema",)):
        kind = item.get("physicalType")
        if kind not in (FILE, TABLE):
            yield document.finding(
                f"an object of physicalType {kind!r} is not read", (*place, "physicalType"), suggest(kind, (FILE, TABLE))
            )
        elif not item.get("properties"):
            yield document.finding("it has no properties", place)


def landing_faults(document: Document) -> Iterator[Finding]:
    """Faults of what lands: bronze keeps texts as received, so a landing column promises no more than to be there."""
    for _, place in objects(document, FILE):
        for field in ("quality", "relationships", "deprecated"):
            if document.at((*place, field)):
                yield document.finding(f"{field} of what lands is not checked", (*place, field), "Give it to what is published.")
        for item, here in column_items(document, place):
            for field in item:
                if field not in LANDING_FIELDS:
                    yield document.finding(
                        f"{field} of a landing column is not checked", (*here, field), "Give it to the published column."
                    )
            if item.get("logicalType", "string") != "string":
                hint = "What lands is kept as text; give the type to the published column."
                yield document.finding("a landing column is a string", (*here, "logicalType"), hint)
            yield from classification_faults(document, item, here)


def classification_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """The fault of a classification that is none of the known ones."""
    said = item.get("classification")
    if said is not None and said not in CLASSIFICATIONS:
        yield document.finding(f"unknown classification {said!r}", (*place, "classification"), suggest(said, CLASSIFICATIONS))


def table_faults(document: Document, table: Table) -> Iterator[Finding]:
    """Faults of the published object itself: its physical name, its event time and its partitions."""
    wanted, said = f"silver.{table.name}", table.body.get("physicalName", table.name)
    if said not in (table.name, wanted):
        complaint = f"the table is published as {wanted}, not as {said}"
        yield document.finding(complaint, (*table.place, "physicalName"), f"Say {table.name}, or leave it out.")
    event_time = table.custom.values.get("eventTime")
    if "eventTime" not in table.said:
        yield document.finding("a contract needs the custom property eventTime, or `value: none` with a description", table.place)
    if "partitioning" in table.said and event_time is not None and not isinstance(event_time, dict):
        yield document.finding("a partitioned table needs an eventTime that is not none", (*table.place, "customProperties"))
    if "partitioning" in table.said and table.partition is None:
        hint = "Say it of the column of type date that tells the partition."
        yield document.finding(
            "a partitioned table needs one property with `partitioned: true`", table.custom.places.get("partitioning", table.place), hint
        )
    if "keyScope" in table.said and not any(item.get("primaryKey") for item in table.columns.values()):
        hint = "Say `primaryKey: true` of the columns that tell the rows apart, or leave it out."
        yield document.finding("keyScope is about the key, and there is none", table.custom.places.get("keyScope", table.place), hint)
    for name in ("partitioning", "arrival"):
        span = table.custom.values.get(name, {})
        if "end" in span and date.fromisoformat(str(span["end"])) <= date.fromisoformat(str(span["start"])):
            yield document.finding(f"{name} ends before it starts", (*table.custom.places[name], "end"))
    if "arrival" not in table.said and any(
        item["property"] == "frequency" and "schedule" in item for item, _ in document.entries(("slaProperties",))
    ):
        yield document.finding("a schedule needs the custom property arrival, which says what is due", table.place)


def deprecation_faults(document: Document, table: Table) -> Iterator[Finding]:
    """What is given up says since when; for columns and for the table alike."""
    for place in [table.place, *(place for _, place in column_items(document, table.place))]:
        flag, said = document.at((*place, "deprecated")), read_custom(document, place)
        if flag is True and "deprecated" not in custom_names(document, place):
            hint = "Such as {property: deprecated, value: {since: 2.0.0, until: 2030-01-01, useInstead: other}}."
            yield document.finding("`deprecated` needs the custom property deprecated, which says since when", (*place, "deprecated"), hint)
        if flag is False and "deprecated" in said.values:
            yield document.finding("deprecated is false, and a custom property says since when it is", (*place, "deprecated"))
        other = said.values.get("deprecated", {}).get("useInstead")
        if len(place) > 2 and other is not None and "." not in other and other not in table.columns:
            yield document.finding(f"{other!r} is no column", (*said.places["deprecated"], "useInstead"), suggest(other, table.columns))
