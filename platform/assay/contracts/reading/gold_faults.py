"""What is wrong with the contract of a gold model: everything in which it differs from one of a dataset that lands.

Columns, quality rules and relationships are judged as everywhere (`columns.py`, `quality.py`, `relationships.py`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assay.contracts.documents.custom_properties import GOLD, read_custom
from assay.contracts.documents.custom_vocabulary import NONE
from assay.contracts.documents.tables import TABLE, column_items, is_gold_document, objects
from assay.contracts.language.names import suggest
from assay.contracts.model.contract import MaskingMethod

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table

WORD = re.compile(r"\w+")
JINJA = re.compile(r"\{[{%#]")
COMPUTED = ("transformLogic", "transformSourceObjects", "transformDescription")
WITHOUT_A_KEY = (MaskingMethod.NULLIFY, MaskingMethod.TRUNCATE, MaskingMethod.GENERALIZE)
OF_TESTS = {"broken_rules", "month_of_event", "rows_of_one_key"}
RULE_SQL = ("implementation", "query")


def gold_faults(document: Document, table: Table | None) -> Iterator[Finding]:
    """Faults of the document, and of the model if it is clear which that is."""
    assert is_gold_document(document)  # noqa: S101  # whoever calls looked
    if document.at(("servers",)):
        yield document.finding("nothing lands for a gold model", ("servers",), "Leave it out: dbt computes the model from other tables.")
    found = objects(document, TABLE)
    if len(found) != 1 or len(document.body.get("schema", ())) != 1:
        hint = f"One object of physicalType {TABLE}, whose eventTime names a column, says what is published."
        yield document.finding(f"a gold contract has one schema object, and this has {len(document.body['schema'])}", ("schema",), hint)
    for item, place in document.entries(("slaProperties",)):
        if str(item["property"]).lower() in {"frequency", "fy"}:
            yield document.finding("a gold model has no arrival, so it has no schedule", (*place, "property"))
    if table is not None:
        yield from _table_faults(document, table)
        yield from _time_faults(document, table)
        yield from _consumer_faults(document, table)
        yield from _rule_faults(document, table)
        for item, place in column_items(document, table.place):
            yield from _column_faults(document, item, place)


def _table_faults(document: Document, table: Table) -> Iterator[Finding]:
    wanted, said = f"{GOLD}{table.name}", table.body.get("physicalName", table.name)
    if said not in (table.name, wanted):
        yield document.finding(f"the model is published as {wanted}, not as {said}", (*table.place, "physicalName"), f"Say {table.name}.")
    for field, why in (("description", "what it holds"), ("dataGranularityDescription", "what a row is")):
        if not table.body.get(field):
            yield document.finding(f"a gold model says {why}", table.place, f"Give it a {field}.")
    if not any(item.get("primaryKey") for item in table.columns.values()):
        yield document.finding("a gold model has a key, by which its rows differ", table.place, "Say primaryKey: true of its columns.")


def _time_faults(document: Document, table: Table) -> Iterator[Finding]:
    """Faults of the event time, and of the partition: the month of it."""
    if "eventTime" not in table.said:
        hint = "Such as {property: eventTime, value: {column: flight_date}}."
        yield document.finding("a gold contract needs the custom property eventTime, whose month is the partition", table.place, hint)
    elif is_timeless(table):
        yield from _timeless_faults(document, table)
        return
    elif "eventTime" in table.custom.values:
        name, place = table.custom.values["eventTime"]["column"], (*table.custom.places["eventTime"], "column")
        column = table.columns.get(name)
        if column is None:
            yield document.finding(f"{name!r} is no column", place, suggest(name, table.columns))
        elif column.get("logicalType") not in ("date", "timestamp") or not column.get("required"):
            yield document.finding(f"{name} does not tell a row's month", place, "Name a required date or timestamp.")
    partition = table.partition
    if partition is None:
        hint = "Say it of the required column of type date that holds the first day of the month."
        yield document.finding("a gold model needs one property with `partitioned: true`", table.place, hint)
    elif not table.columns[partition].get("required"):
        yield document.finding(f"the partition column {partition} is not required", table.place)


def is_timeless(table: Table) -> bool:
    """Whether a model says of its event time that no column has it: then its table has no partitions."""
    said = table.custom.values.get("eventTime")
    return isinstance(said, dict) and said.get("column") == NONE and NONE not in table.columns


def _timeless_faults(document: Document, table: Table) -> Iterator[Finding]:
    """A table without partitions says why, and nothing of time."""
    here = table.custom.places["eventTime"][:-1]
    item = document.at(here)
    if not (isinstance(item, dict) and item.get("description")):
        yield document.finding(
            "no column has the event time, and no description says why", here, "Give the custom property a `description`."
        )
    for item, place in column_items(document, table.place):
        if item.get("partitioned"):
            hint = "Name the column whose month it is as eventTime, or leave `partitioned` out."
            yield document.finding("a model without an event time has no partitions", (*place, "partitioned"), hint)
    if "reach" in table.said:
        yield document.finding("a model without partitions is built whole: it has no reach", table.custom.places.get("reach", table.place))


def _consumer_faults(document: Document, table: Table) -> Iterator[Finding]:
    seen = set[str]()
    for number, consumer in enumerate(table.custom.values.get("consumers", ())):
        place: Place = (*table.custom.places["consumers"], number)
        if consumer["name"] in seen:
            yield document.finding(f"the consumer {consumer['name']!r} is there twice", (*place, "name"))
        seen.add(consumer["name"])
        for rank, name in enumerate(consumer.get("columns", ())):
            if name not in table.columns:
                yield document.finding(f"{name!r} is no column", (*place, "columns", rank), suggest(name, table.columns))


def _rule_faults(document: Document, table: Table) -> Iterator[Finding]:
    """Names and SQL of rules go through dbt, which reads Jinja in them."""
    for holder in (table.place, *(place for _, place in column_items(document, table.place))):
        for entry, place in document.entries((*holder, "quality")):
            if not WORD.fullmatch(str(entry.get("name", "_"))):
                yield document.finding(f"{entry['name']!r} is no name of a rule in gold", (*place, "name"), "Letters, digits and _.")
            for field in RULE_SQL:
                if found := JINJA.search(str(entry.get(field, ""))):
                    yield document.finding(f"dbt would take {found.group()} for Jinja", (*place, field))
        for _, place in document.entries((*holder, "relationships")):
            name = read_custom(document, place).values.get("name", "_")
            if not WORD.fullmatch(name):
                yield document.finding(f"{name!r} is no name of a rule in gold", place, "Letters, digits and _.")


def _column_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    if item["name"].lower() in OF_TESTS:
        yield document.finding(f"{item['name']!r} is a column that the tests of gold models add", (*place, "name"), "Give it another name.")
    if not WORD.fullmatch(item["name"]):
        yield document.finding(f"{item['name']!r} is no name of a column in gold", (*place, "name"), "Letters, digits and _.")
    if not item.get("description"):
        yield document.finding(f"the column {item['name']!r} has no description", place)
    options = item.get("logicalTypeOptions", {})
    if "format" in options:
        yield document.finding("the format is not used: the values are not read from text", (*place, "logicalTypeOptions", "format"))
    for value in (item.get("transformLogic", ""), options.get("pattern", ""), *(entry.get("value") for entry in item.get("enum", ()))):
        if found := JINJA.search(str(value)):
            yield document.finding(f"dbt would take {found.group()} for Jinja", place)
    masking = read_custom(document, place).values.get("masking")
    if masking and masking.get("method") not in WITHOUT_A_KEY:
        hint = f"A view has no key: mask it in silver, or use {', '.join(WITHOUT_A_KEY)}."
        yield document.finding(f"a gold column cannot be masked by {masking['method']}", place, hint)


def computed_faults(document: Document, table: Table) -> Iterator[Finding]:
    """What only an older major version may say: the columns of the highest one are computed by the model."""
    for _, place in column_items(document, table.place):
        for field in COMPUTED:
            if document.at((*place, field)) is not None:
                hint = "Only an older major version says how its columns come from those of the highest one."
                yield document.finding(f"{field} is not read: the model computes its columns", (*place, field), hint)
