"""What a published column may say, and what its parts say together: types, options, where values come from, place in key and partition.

Each function looks at one property of a published object and yields what is wrong with it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from assay.contracts.compiling.arrow_types import said_type, type_of
from assay.contracts.documents.custom_properties import read_custom
from assay.contracts.documents.custom_vocabulary import date_format, pattern, zone
from assay.contracts.documents.supported import classification_faults
from assay.contracts.documents.tables import column_items
from assay.contracts.language.date_formats import UTC, says_zone
from assay.contracts.language.literals import NoValue, bound_of, value_of
from assay.contracts.language.names import suggest
from assay.contracts.language.sql import NotReadable, columns_in
from assay.contracts.model.sensitivity import SENSITIVE
from assay.contracts.reading.inherited_sensitivity import copy_faults, inherited_classes
from assay.contracts.reading.masking import masking_faults, subject_faults
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table

TEXT, DATES = "string", ("date", "timestamp")
NESTED = "Publish it as a string, which is its JSON text, or what is in it by paths such as customer.city; `explode` makes rows."
TIMES = ("format", "minimum", "maximum")
OPTIONS: Mapping[str, tuple[str, ...]] = {
    TEXT: ("minLength", "maxLength", "pattern"), "integer": ("minimum", "maximum"), "number": ("minimum", "maximum"), "boolean": (),
    "date": TIMES, "timestamp": (*TIMES, "timezone", "defaultTimezone"),
}  # fmt: skip
SPELLED = {
    TEXT: "VARCHAR|STRING|TEXT", "integer": "SMALLINT|INTEGER|BIGINT", "number": r"SMALLINT|INTEGER|BIGINT|FLOAT|DOUBLE|DECIMAL\(.*",
    "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP",
}  # fmt: skip


def column_faults(document: Document, table: Table) -> Iterator[Finding]:
    """Every fault of the properties of a published object, quality rules and relationships left aside."""
    positions, inherited = dict[int, str](), inherited_classes(document, table)
    yield from copy_faults(document, table)
    for item, place in column_items(document, table.place):
        yield from classification_faults(document, item, place)
        yield from _name_faults(document, item, place)
        yield from _source_faults(document, item, place, table)
        yield from _partition_faults(document, item, place, table)
        position = item.get("primaryKeyPosition", -1)
        if item.get("primaryKey") and position != -1 and positions.setdefault(position, item["name"]) != item["name"]:
            yield document.finding(f"{positions[position]} has the position {position} of the key too", (*place, "primaryKeyPosition"))
        if item.get("logicalType") not in OPTIONS:
            complaint = f"the logical type {item.get('logicalType')!r} is not supported"
            hint = NESTED if item.get("logicalType") in {"object", "array", "map"} else suggest(item.get("logicalType"), OPTIONS)
            yield document.finding(complaint, (*place, "logicalType"), hint)
        else:
            yield from _type_faults(document, item, place)
            yield from _option_faults(document, item, place)
            yield from _bound_faults(document, item, place)
            classification = item.get("classification", inherited.get(item["name"], ""))
            yield from masking_faults(document, item, place, classification)
            yield from subject_faults(document, item, place)


def _name_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    name = item["name"]
    if item.get("physicalName", name) != name:
        yield document.finding(f"the column is published as {name}, not as {item['physicalName']}", (*place, "physicalName"))
    if "encryptedName" in item:
        hint = "Give the custom property masking with the method encrypt."
        yield document.finding("a second, encrypted column is not published", (*place, "encryptedName"), hint)
    if item.get("primaryKey") and not item.get("required"):
        hint = "Rows without a key would be taken for duplicates of each other."
        yield document.finding(f"the key column {name!r} is not required", place, hint)
    if not item.get("primaryKey") and item.get("primaryKeyPosition", -1) != -1:
        yield document.finding(
            "a position in the key of a column that is not in it", (*place, "primaryKeyPosition"), "Give primaryKey: true."
        )


def _type_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    kind, spelled = item["logicalType"], item.get("physicalType", "")
    try:
        type_of(item["name"], kind, spelled)
    except ContractInvalid as error:
        yield document.finding(error.message.rstrip("."), (*place, "physicalType"), error.hint)
    else:
        if spelled and not re.fullmatch(SPELLED[kind], spelled.upper()):
            yield document.finding(
                f"a {kind} cannot be stored as {spelled}", (*place, "physicalType"), suggest(spelled, SPELLED[kind].split("|"))
            )


def _option_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    kind, options, here = item["logicalType"], item.get("logicalTypeOptions", {}), (*place, "logicalTypeOptions")
    for name in options:
        if name not in OPTIONS[kind]:
            hint = f"Checked for {kind}: {', '.join(OPTIONS[kind]) or 'nothing'}. Say anything else as a quality rule."
            yield document.finding(f"the option {name!r} is not checked", (*here, name), hint)
    if kind == "timestamp":
        yield from _clock_faults(document, options, here)
    if "pattern" in options and kind == TEXT and (found := pattern(options["pattern"])):
        yield document.finding(found[0], (*here, "pattern"), found[1])
    if "format" in options and kind in DATES:
        if found := date_format(options["format"]):
            yield document.finding(found[0], (*here, "format"), found[1])
        if item.get("partitioned") or ("transformDescription" in item and "transformLogic" not in item):
            yield document.finding("the format is not used: the values are not read from text", (*here, "format"))


def _clock_faults(document: Document, options: Mapping[str, Any], here: Place) -> Iterator[Finding]:
    """Published times are instants in UTC; the zone that may be named is the one whose clocks a text without zone tells."""
    clock = options.get("defaultTimezone", UTC[0])
    if clock not in UTC and (found := zone(clock)):
        yield document.finding(found[0], (*here, "defaultTimezone"), found[1])
    elif clock not in UTC and says_zone(str(options.get("format", "Z"))):
        hint = "It is for texts that are read and say no zone; leave it out."
        yield document.finding("a default time zone where no text lacks one", (*here, "defaultTimezone"), hint)
    if options.get("timezone") is False:
        yield document.finding("published times have the time zone UTC", (*here, "timezone"), "Leave it out, or say true.")


def _bound_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """Bounds and values of an enumeration that the column's type cannot have, and bounds that nothing lies between."""
    options, here = item.get("logicalTypeOptions", {}), (*place, "logicalTypeOptions")
    kind, bounds = said_type(item), dict[str, Any]()
    for name in ("minimum", "maximum"):
        if name in options and name in OPTIONS[item["logicalType"]] and kind is not None:
            try:
                bounds[name] = bound_of(kind, options[name], lowest=name == "minimum")
            except NoValue as error:
                yield document.finding(f"{options[name]!r} is {error}", (*here, name), error.hint)
    if len(bounds) == 2 and bounds["minimum"] > bounds["maximum"]:
        yield document.finding("the minimum is above the maximum", (*here, "minimum"))
    if isinstance(low := options.get("minLength"), int) and isinstance(high := options.get("maxLength"), int) and low > high:
        yield document.finding("the minLength is above the maxLength", (*here, "minLength"))
    for number, entry in enumerate(item.get("enum", [])):
        yield from value_faults(document, item, entry["value"], (*place, "enum", number, "value"))


def value_faults(document: Document, item: Mapping[str, Any], value: object, place: Place) -> Iterator[Finding]:
    """What is wrong with a value that is compared with those of a property: one that no column of its type can have."""
    kind = said_type(item)
    if kind is not None:
        try:
            value_of(kind, value)
        except NoValue as error:
            yield document.finding(f"{value!r} is {error}", place, error.hint)


def _source_faults(document: Document, item: Mapping[str, Any], place: Place, table: Table) -> Iterator[Finding]:
    """Where the values come from: landing columns that exist, an expression over them, or something else that fills the column."""
    name, named, landing = item["name"], item.get("transformSourceObjects", []), table.landing
    if landing is not None:
        for number, source in enumerate(named):
            if source not in landing:
                yield document.finding(
                    f"{source!r} is no column of what lands", (*place, "transformSourceObjects", number), suggest(source, landing)
                )
        yield from expression_faults(document, item.get("transformLogic"), (*place, "transformLogic"), landing)
    is_read = (len(named) == 1 or (not named and name in (landing or ()))) and "transformDescription" not in item
    is_partition = item.get("partitioned") or (
        "partitioning" in table.said and table.partition is None and item.get("logicalType") == "date"
    )
    if landing is not None and not (is_read or "transformLogic" in item or is_partition or table.has_transform):
        hint = "Name one landing column in transformSourceObjects, or give transformLogic or a transform."
        yield document.finding(f"nothing fills the column {name!r}", place, hint)
    if (
        item.get("logicalType") == "timestamp"
        and (is_read or "transformLogic" in item)
        and "format" not in item.get("logicalTypeOptions", {})
    ):
        hint = "Such as yyyy-MM-dd'T'HH:mm:ssXXX."
        yield document.finding("a timestamp that is read from text needs logicalTypeOptions.format", place, hint)
    is_sensitive = item.get("classification") in SENSITIVE or "masking" in read_custom(document, place).values
    if landing is not None and is_sensitive and not (is_partition or is_read or "transformLogic" in item or named):
        hint = "Name the landing columns in transformSourceObjects: they are as sensitive as what is made from them."
        yield document.finding(f"nothing says what the sensitive column {name!r} is made from", place, hint)


def expression_faults(document: Document, sql: object, place: Place, known: tuple[str, ...] | Mapping[str, Any]) -> Iterator[Finding]:
    """The faults of an SQL expression that no engine is needed for: what cannot be read, and columns that do not exist."""
    if not isinstance(sql, str):
        return
    try:
        unknown = [name for name in columns_in(sql, known) if name not in known]
    except NotReadable as error:
        yield document.finding(f"the expression {sql!r} cannot be read: {error}", place)
        return
    for name in unknown:
        yield document.finding(f"the expression names the unknown column {name!r}", place, suggest(name, known))


def _partition_faults(document: Document, item: Mapping[str, Any], place: Place, table: Table) -> Iterator[Finding]:
    if not item.get("partitioned"):
        return
    if item["name"] != table.partition:
        yield document.finding(f"{table.partition} is the partition column already", (*place, "partitioned"))
    if "partitioning" not in table.said and not table.is_gold:
        hint = "It says how long a partition is, and where the first begins."
        yield document.finding("a partition column needs the custom property partitioning", (*place, "partitioned"), hint)
    if item.get("logicalType") != "date":
        yield document.finding("the partition column is a date", (*place, "logicalType"), "It is the first day of the partition.")
    if "transformLogic" in item and not table.is_gold:
        yield document.finding("the partition column is filled from the event time", (*place, "transformLogic"))
