"""Row rules: every promise about a single row, from wherever in ODCS it is said.

A property's constraints, its `quality`, its `relationships` and the object's expressions all become the same `Rule`, so that auditing,
counting and documenting them is one piece of code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.contracts.compiling.arrow_types import arrow_type, is_floating
from assay.contracts.language.literals import FINITE, bound_of, value_of
from assay.contracts.model.contract import Column, Kind, Rule, Severity
from assay.contracts.reading.relationships import column_references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from assay.contracts.documents.document import Document, Place

TEXT = "string"


def type_rules(columns: Sequence[Column], paths: Collection[str] = ()) -> tuple[Rule, ...]:
    """A value that arrived and cannot be read as its type breaks a rule; it never becomes a silent null.

    Nor does one that a path into nested values does not reach.
    """
    is_path = set(paths).__contains__
    read = [
        column for column in columns if column.expression or (column.source and (column.logical_type != TEXT or is_path(column.source)))
    ]
    filled = finite_rules([column for column in columns if column not in read])
    return (*(_type_rule(column, f"can be read as {column.logical_type}", None) for column in read), *filled)


def finite_rules(columns: Sequence[Column]) -> tuple[Rule, ...]:
    """What is computed has its type; but a FLOAT or DOUBLE may still be NaN or infinite, which breaks a rule wherever it comes from."""
    return tuple(_type_rule(column, "is a finite number", FINITE) for column in columns if is_floating(column))


def _type_rule(column: Column, said: str, argument: str | None) -> Rule:
    return Rule(f"{column.name}_type", Kind.TYPE, Severity.ERROR, f"{column.name} {said}.", column.name, argument)


def column_rules(document: Document, column: Column, item: Mapping[str, Any], place: Place) -> Iterable[Rule]:
    """The rules of the property at a place: required, bounds, length, pattern, enumeration, then its quality entries and relationships."""
    options, name, type_ = item.get("logicalTypeOptions", {}), column.name, arrow_type(column)
    if column.required:
        yield Rule(f"{name}_required", Kind.REQUIRED, Severity.ERROR, f"{name} is present.", name)
    for bound, kind, words in (("minimum", Kind.MINIMUM, "at least"), ("maximum", Kind.MAXIMUM, "at most")):
        if bound in options:
            yield Rule(
                f"{name}_{bound}",
                kind,
                Severity.ERROR,
                f"{name} is {words} {options[bound]}.",
                name,
                bound_of(type_, options[bound], lowest=bound == "minimum"),
            )
    if {"minLength", "maxLength"} & options.keys():
        bounds = (options.get("minLength", 0), options.get("maxLength"))
        yield Rule(f"{name}_length", Kind.LENGTH, Severity.ERROR, f"{name} has {_span(*bounds)} characters.", name, bounds)
    if "pattern" in options:
        yield Rule(f"{name}_pattern", Kind.PATTERN, Severity.ERROR, f"{name} matches {options['pattern']}.", name, options["pattern"])
    if "enum" in item:
        said, values = (
            ", ".join(str(entry["value"]) for entry in item["enum"]),
            tuple(value_of(type_, entry["value"]) for entry in item["enum"]),
        )
        yield Rule(f"{name}_enum", Kind.ENUM, Severity.ERROR, f"{name} is one of {said}.", name, values)
    yield from expression_rules(item.get("quality", []), name)
    yield from column_references(document, name, place)


def expression_rules(quality: Sequence[Mapping[str, Any]], column: str | None = None) -> tuple[Rule, ...]:
    """The `type: custom, engine: assay` entries: an SQL condition that is true, or null, for every good row."""
    return tuple(
        Rule(
            entry["name"],
            Kind.EXPRESSION,
            Severity(entry.get("severity", "error")),
            entry.get("description", ""),
            column,
            entry["implementation"],
        )
        for entry in quality
        if entry.get("type") == "custom" and entry.get("engine") == "assay"
    )


def _span(low: int, high: int | None) -> str:
    if high is None:
        return f"at least {low}"
    return str(low) if low == high else f"{low} to {high}"
