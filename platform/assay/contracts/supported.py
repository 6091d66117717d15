"""What Assay supports of the standard: a promise that it would not check is refused, because nobody would notice that it is broken.

Each function looks at one element of a contract, before it is read, and raises ContractInvalid with file and line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.contracts.custom import RELATIONSHIP, read_custom
from assay.contracts.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.document import Document, Place

METRIC = "rowCount"
OPERATORS = ("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo")
UNSUPPORTED_OPERATORS = ("mustBeBetween", "mustNotBeBetween")
TIMES = ("format", "timezone", "defaultTimezone", "minimum", "maximum")
OPTIONS = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "boolean": (),
    "date": TIMES,
    "timestamp": TIMES,
}
UTC = ("UTC", "Etc/UTC")


def refuse_unchecked_property(document: Document, item: Mapping[str, Any], place: Place) -> None:
    """Refuse what a published column may not say: a type that cannot be stored, options and constraints that are not checked."""
    options, kind = item.get("logicalTypeOptions", {}), item.get("logicalType")
    if kind not in OPTIONS:
        raise document.fault(
            f"the logical type {kind!r} is not supported", (*place, "logicalType"), hint=f"Supported: {', '.join(OPTIONS)}."
        )
    if unknown := [name for name in options if name not in OPTIONS[kind]]:
        hint = f"Checked for {kind}: {', '.join(OPTIONS[kind]) or 'nothing'}. Say anything else as a quality rule."
        raise document.fault(f"the option {unknown[0]!r} is not checked", (*place, "logicalTypeOptions", unknown[0]), hint=hint)
    if options.get("defaultTimezone", UTC[0]) not in UTC:
        hint = "Published times are UTC: read local clocks in a transform."
        raise document.fault("a default time zone other than UTC", (*place, "logicalTypeOptions", "defaultTimezone"), hint=hint)
    if item.get("unique"):
        hint = "Make it the primary key: the last arrival of a key wins."
        raise document.fault("`unique` is not checked", (*place, "unique"), hint=hint)
    for number, rule in enumerate(item.get("quality", [])):
        _refuse_unchecked_rule(document, rule, (*place, "quality", number), metrics=False)
    for number, relationship in enumerate(item.get("relationships", [])):
        _refuse_unchecked_relationship(document, relationship, (*place, "relationships", number))


def refuse_unchecked_table(document: Document, table: Mapping[str, Any], place: Place) -> None:
    """Refuse what a published table may not say: relationships of several columns, rules of other engines and metrics."""
    if "relationships" in table:
        hint = "Give each relationship to its property."
        raise document.fault("relationships of a whole table are not checked", (*place, "relationships"), hint=hint)
    for number, rule in enumerate(table.get("quality", [])):
        _refuse_unchecked_rule(document, rule, (*place, "quality", number), metrics=True)


def _refuse_unchecked_relationship(document: Document, relationship: Mapping[str, Any], place: Place) -> None:
    custom = read_custom(document, relationship, place, RELATIONSHIP)
    _refuse_unknown_severity(document, custom.values.get("severity", "error"), custom.places.get("severity", place))
    if not isinstance(relationship["to"], str):
        raise document.fault("a relationship with several columns is not checked", (*place, "to"), hint="Name one: dataset.column.")


def _refuse_unknown_severity(document: Document, value: object, place: Place) -> None:
    if value not in set(Severity):
        raise document.fault(f"unknown severity {value!r}", place, hint=f"Known: {', '.join(Severity)}.")


def _refuse_unchecked_rule(document: Document, rule: Mapping[str, Any], place: Place, *, metrics: bool) -> None:
    kind = rule.get("type", "library")
    if kind == "text":
        return
    _refuse_unknown_severity(document, rule.get("severity", "error"), (*place, "severity"))
    if missing := [field for field in ("name", "description") if not rule.get(field)]:
        raise document.fault(f"a rule needs a {missing[0]}", place)
    if kind == "custom":
        _refuse_other_engine(document, rule, place)
    elif kind == "library" and metrics:
        _refuse_other_metric(document, rule, place)
    else:
        hint = "Say it as `type: custom, engine: assay`, an SQL condition over one row."
        raise document.fault(f"rules of the type {kind!r} are not checked here", (*place, "type"), hint=hint)


def _refuse_other_engine(document: Document, rule: Mapping[str, Any], place: Place) -> None:
    if rule.get("engine") != "assay":
        raise document.fault(f"rules of the engine {rule.get('engine')!r} are not checked", (*place, "engine"), hint="Known: assay.")
    if not isinstance(rule.get("implementation"), str):
        raise document.fault("the implementation is no SQL condition", (*place, "implementation"))


def _refuse_other_metric(document: Document, rule: Mapping[str, Any], place: Place) -> None:
    if rule.get("metric") != METRIC:
        raise document.fault(f"the metric {rule.get('metric')!r} is not checked", (*place, "metric"), hint=f"Known: {METRIC}.")
    said = [name for name in (*OPERATORS, *UNSUPPORTED_OPERATORS) if name in rule]
    if len(said) != 1 or said[0] not in OPERATORS:
        raise document.fault("a metric needs one comparison", place, hint=f"Known: {', '.join(OPERATORS)}.")
    if rule.get("unit", "rows") != "rows":
        raise document.fault(f"the unit {rule['unit']!r} of a row count", (*place, "unit"), hint="Known: rows.")
