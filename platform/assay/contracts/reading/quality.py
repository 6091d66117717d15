"""Quality rules: which of the standard's Assay checks, and the promises about whole partitions that they become.

An entry of `type: custom, engine: assay` is a condition over one row (`rules.py`); library metrics and SQL queries are measured for each
partition (`refine/measures.py`). Everything else would be checked by nobody, and is a finding.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.compiling.arrow_types import said_type
from assay.contracts.conditions.parser import refusal
from assay.contracts.documents.custom_vocabulary import pattern
from assay.contracts.documents.tables import column_items
from assay.contracts.language.literals import value_of
from assay.contracts.language.names import suggest
from assay.contracts.language.operators import OPERATORS
from assay.contracts.language.sql import NotReadable, read_query
from assay.contracts.model.contract import DatasetRule, Severity
from assay.contracts.reading.columns import expression_faults, value_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table

ENGINE = "assay"
UNITS = ("rows", "percent")
SQL = "sql"
# where each metric may stand, and its arguments
OF_COLUMN = {"nullValues": (), "missingValues": ("missingValues",), "invalidValues": ("validValues", "pattern"), "duplicateValues": ()}
OF_TABLE = {"rowCount": (), "duplicateValues": ("properties",)}
ONLY = {
    "unit": ("library",),
    "arguments": ("library",),
    "metric": ("library",),
    "query": (SQL,),
    "engine": ("custom",),
    "implementation": ("custom",),
}
UNUSED = {
    "schedule": "Rules are checked whenever a partition is built.",
    "scheduler": "Rules are checked whenever a partition is built.",
    "rule": "The standard gave it up: say `metric`.",
}


def dataset_rules(document: Document, table: Table) -> tuple[DatasetRule, ...]:
    """The promises about a whole partition, of a document without faults: those of the table, then those of its columns."""
    found = [rule for item, _ in document.entries((*table.place, "quality")) for rule in _dataset_rule(item, table, None)]
    for item, place in column_items(document, table.place):
        name = item["name"]
        if item.get("unique"):
            description = f"No two rows have one {name}."
            found.append(DatasetRule(f"{name}_unique", "duplicateValues", "mustBe", 0, Severity.ERROR, description, name))
        found += [rule for entry, _ in document.entries((*place, "quality")) for rule in _dataset_rule(entry, table, name)]
    return tuple(found)


def _dataset_rule(item: Mapping[str, Any], table: Table, column: str | None) -> Iterator[DatasetRule]:
    kind = _type(item)
    if kind not in ("library", SQL):
        return
    operator = next(name for name in OPERATORS if name in item)
    bound = item[operator]
    arguments, metric = item.get("arguments", {}), item.get("metric", SQL)
    argument: Any = None
    if kind == SQL:
        query = read_query(item["query"], tuple(table.columns), dataset=table.name, column=column)
        argument = (query.aggregate, query.condition)
    elif metric == "duplicateValues":
        argument = tuple(arguments["properties"]) if arguments else None
    elif arguments:
        values = _values(table.columns[str(column)], arguments)
        argument = (values, arguments.get("pattern")) if metric == "invalidValues" else values
    yield DatasetRule(
        item["name"], metric, operator, tuple(bound) if isinstance(bound, list) else bound, Severity(item.get("severity", "error")),
        item["description"], column, argument, item.get("unit", "rows"),
    )  # fmt: skip


def _values(column: Mapping[str, Any], arguments: Mapping[str, Any]) -> tuple[Any, ...] | None:
    said = arguments.get("validValues", arguments.get("missingValues"))
    return tuple(None if one is None else value_of(said_type(column), one) for one in said) if said is not None else None


def quality_faults(document: Document, table: Table) -> Iterator[Finding]:
    """Every fault of the quality rules of a published object and of its properties."""
    for item, place in document.entries((*table.place, "quality")):
        yield from _rule_faults(document, item, place, table, None)
    for column, where in column_items(document, table.place):
        for item, place in document.entries((*where, "quality")):
            yield from _rule_faults(document, item, place, table, column)


def _type(item: Mapping[str, Any]) -> str:
    return str(item.get("type", "library"))


def _rule_faults(
    document: Document, item: Mapping[str, Any], place: Place, table: Table, column: Mapping[str, Any] | None
) -> Iterator[Finding]:
    kind = _type(item)
    if kind == "text":
        if not item.get("description"):
            yield document.finding("a rule of type text needs a description", place)
        return
    if "type" not in item and "metric" not in item:
        yield document.finding("a rule needs a type, or a metric", place)
        return
    for field in ("name", "description"):
        if not item.get(field):
            yield document.finding(f"a rule needs a {field}", (*place, field))
    if item.get("severity", "error") not in set(Severity):
        yield document.finding(f"unknown severity {item['severity']!r}", (*place, "severity"), suggest(item["severity"], Severity))
    yield from (
        document.finding(f"{field} of a rule of type {kind} is not read", (*place, field), UNUSED.get(field, ""))
        for field in item
        if field in UNUSED or kind not in ONLY.get(field, (kind,))
    )
    if kind == "custom":
        yield from _custom_faults(document, item, place, table)
    else:
        yield from _operator_faults(document, item, place)
        yield from (_query_faults if kind == SQL else _metric_faults)(document, item, place, table, column)


def _custom_faults(document: Document, item: Mapping[str, Any], place: Place, table: Table) -> Iterator[Finding]:
    if item.get("engine") != ENGINE:
        complaint = f"rules of the engine {item.get('engine')!r} are not checked"
        yield document.finding(complaint, (*place, "engine"), suggest(item.get("engine"), [ENGINE]))
    elif not isinstance(item.get("implementation"), str):
        yield document.finding("the implementation is no SQL condition", (*place, "implementation"))
    else:
        yield from expression_faults(document, item["implementation"], (*place, "implementation"), table.readable)
        yield from _condition_faults(document, item["implementation"], (*place, "implementation"), table)


def _condition_faults(document: Document, sql: str, place: Place, table: Table) -> Iterator[Finding]:
    """A comparison that can never be meant, such as one of a boolean with 1."""
    said = {name: said_type(item) for name, item in table.columns.items()}
    types = dict.fromkeys(table.landing or (), pa.string()) | {name: kind for name, kind in said.items() if kind is not None}
    if found := refusal(sql, types):
        yield document.finding(f"the condition {sql!r} cannot be meant: {found[0]}", place, found[1])


def _operator_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    said = [name for name in OPERATORS if name in item]
    if len(said) != 1:
        yield document.finding(f"a measured rule needs one comparison, and has {len(said)}", place, f"Known: {', '.join(OPERATORS)}.")
    for name in said:
        bound, here = item[name], (*place, name)
        if not OPERATORS[name].pair:
            if not _is_number(bound):
                yield document.finding(f"{bound!r} is no number", here)
        elif not (isinstance(bound, list) and len(bound) == 2 and all(map(_is_number, bound))):
            yield document.finding(f"{bound!r} are no two numbers", here, "Such as [0, 100]; the bounds themselves are outside.")
        elif bound[0] >= bound[1]:
            yield document.finding(f"nothing is between {bound[0]} and {bound[1]}", here)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -sys.float_info.max <= value <= sys.float_info.max


def _query_faults(
    document: Document, item: Mapping[str, Any], place: Place, table: Table, column: Mapping[str, Any] | None
) -> Iterator[Finding]:
    here, known = (*place, "query"), tuple(table.columns)
    try:
        query = read_query(item.get("query", ""), known, dataset=table.name, column=column["name"] if column else None)
    except NotReadable as error:
        hint = "Such as SELECT AVG(amount) FROM {object} WHERE amount > 0: one value, measured in each partition."
        yield document.finding(f"the query cannot be measured: {error}", here, hint)
        return
    for sql in (query.aggregate, query.condition):
        yield from expression_faults(document, sql, here, known)
    if query.condition:
        yield from _condition_faults(document, query.condition, here, table)


def _metric_faults(
    document: Document, item: Mapping[str, Any], place: Place, table: Table, column: Mapping[str, Any] | None
) -> Iterator[Finding]:
    known: Mapping[str, tuple[str, ...]] = OF_COLUMN if column else OF_TABLE
    metric = str(item.get("metric", ""))
    if metric not in known:
        here, there = ("property", "table") if column else ("table", "property")
        elsewhere = metric in (OF_TABLE if column else OF_COLUMN)
        complaint = f"{metric} is no metric of a {here}" if elsewhere else f"unknown metric {metric!r}"
        yield document.finding(complaint, (*place, "metric"), f"Give it to the {there}." if elsewhere else suggest(metric, known))
        return
    if item.get("unit", UNITS[0]) not in UNITS:
        yield document.finding(f"unknown unit {item['unit']!r}", (*place, "unit"), suggest(item["unit"], UNITS))
    elif item.get("unit") == "percent" and metric == "rowCount":
        yield document.finding("a row count is no percentage", (*place, "unit"), "Known: rows.")
    arguments = item.get("arguments", {})
    for name in arguments:
        if name not in known[metric]:
            hint = suggest(name, known[metric]) if known[metric] else "It takes none."
            yield document.finding(f"{metric} has no argument {name!r}", (*place, "arguments", name), hint)
    if known[metric] and not any(name in arguments for name in known[metric]):
        yield document.finding(f"{metric} needs the argument {' or '.join(known[metric])}", (*place, "arguments"))
    for name in known[metric]:
        if name in arguments:
            yield from _argument_faults(document, name, arguments[name], (*place, "arguments", name), table=table, column=column)


def _argument_faults(
    document: Document, name: str, value: Any, place: Place, *, table: Table, column: Mapping[str, Any] | None  # noqa: ANN401
) -> Iterator[Finding]:  # fmt: skip
    if name == "pattern":
        if (column or {}).get("logicalType") != "string":
            yield document.finding("only strings have a pattern", place)
        elif found := pattern(value):
            yield document.finding(found[0], place, found[1])
    elif not isinstance(value, list) or not value:
        yield document.finding(f"{name} is no list", place)
    elif name == "properties":
        for number, one in enumerate(value):
            if not isinstance(one, str) or one not in table.columns:
                yield document.finding(f"{one!r} is no column", (*place, number), suggest(one, table.columns))
    else:
        for number, one in enumerate(value):
            if not (one is None and name == "missingValues"):
                yield from value_faults(document, column or {}, one, (*place, number))
