"""Row rules: every promise about a single row, from wherever in ODCS it is said.

A property's constraints, its `quality`, its `relationships` and the object's expressions all become the same `Rule`, so that auditing,
counting and documenting them is one piece of code.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from assay.contracts.model import Column, Kind, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TEXT = "string"


def type_rules(columns: Sequence[Column]) -> tuple[Rule, ...]:
    """A value that arrived and cannot be read as its type breaks a rule; it never becomes a silent null."""
    return tuple(
        Rule(f"{column.name}_type", Kind.TYPE, Severity.ERROR, f"{column.name} can be read as {column.logical_type}.", column.name)
        for column in columns
        if (column.source or column.expression) and column.logical_type != TEXT
    )


def column_rules(column: Column, item: Mapping[str, Any]) -> Iterable[Rule]:
    """The rules of one property: required, bounds, length, pattern, enumeration, then its quality entries and relationships.

    Raises ValueError for a bound of a date or timestamp that is not in ISO form.
    """
    options, name = item.get("logicalTypeOptions", {}), column.name
    if column.required:
        yield Rule(f"{name}_required", Kind.REQUIRED, Severity.ERROR, f"{name} is present.", name)
    for bound, kind, words in (("minimum", Kind.MINIMUM, "at least"), ("maximum", Kind.MAXIMUM, "at most")):
        if bound in options:
            yield Rule(
                f"{name}_{bound}", kind, Severity.ERROR, f"{name} is {words} {options[bound]}.", name, _bound(column, options[bound])
            )
    if {"minLength", "maxLength"} & options.keys():
        bounds = (options.get("minLength", 0), options.get("maxLength"))
        yield Rule(f"{name}_length", Kind.LENGTH, Severity.ERROR, f"{name} has {_span(*bounds)} characters.", name, bounds)
    if "pattern" in options:
        yield Rule(f"{name}_pattern", Kind.PATTERN, Severity.ERROR, f"{name} matches {options['pattern']}.", name, options["pattern"])
    if "enum" in item:
        values = tuple(_bound(column, entry["value"]) for entry in item["enum"])
        yield Rule(f"{name}_enum", Kind.ENUM, Severity.ERROR, f"{name} is one of {', '.join(map(str, values))}.", name, values)
    yield from expression_rules(item.get("quality", []), name)
    yield from (_reference(column, relationship) for relationship in item.get("relationships", []))


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


def _bound(column: Column, value: Any) -> Any:  # noqa: ANN401  # a number, a date or an instant
    if column.logical_type == "date":
        return date.fromisoformat(str(value))
    if column.logical_type == "timestamp":
        moment = datetime.fromisoformat(str(value))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


def _span(low: int, high: int | None) -> str:
    if high is None:
        return f"at least {low}"
    return str(low) if low == high else f"{low} to {high}"


def _reference(column: Column, relationship: Mapping[str, Any]) -> Rule:
    custom = {found["property"]: found["value"] for found in relationship.get("customProperties", [])}
    dataset, _, target = relationship["to"].rpartition(".")
    return Rule(
        custom.get("name", f"{column.name}_in_{dataset}"), Kind.REFERENCE, Severity(custom.get("severity", "error")),
        custom.get("description", f"{column.name} is in {dataset}."), column.name, (dataset, target),
    )  # fmt: skip
