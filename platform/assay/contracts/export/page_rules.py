"""Rules and spans of time in words, for the page of a contract: short at a column, in full in the tables of rules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.export.page import Badge, Cell, Code, Inline, PageLink, Table
from assay.contracts.language.literals import shown
from assay.contracts.model.contract import Kind, Severity

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.contracts.model.about import Deprecation
    from assay.contracts.model.contract import Column, DatasetRule, Published, Rule

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def promises_of(contract: Published, column: Column) -> Cell:
    """What is promised of a column's values besides type and presence, in a few words each."""
    found: list[Inline] = []
    for rule in contract.rules:
        if rule.column == column.name and rule.kind not in (Kind.TYPE, Kind.REQUIRED):
            found += [
                *([", "] if found else []),
                *_short(rule, arrow_type(column)),
                *((" (warning)",) if rule.severity is Severity.WARNING else ()),
            ]
    return tuple(found)


def _short(rule: Rule, kind: pa.DataType) -> Cell:
    match rule.kind:
        case Kind.MINIMUM:
            return (f"at least {shown(kind, rule.argument)}",)
        case Kind.MAXIMUM:
            return (f"at most {shown(kind, rule.argument)}",)
        case Kind.PATTERN:
            return (Code(rule.argument),)
        case Kind.ENUM:
            return (f"one of {', '.join(shown(kind, one) for one in rule.argument)}",)
        case Kind.LENGTH:
            low, high = rule.argument
            return (
                f"{low} characters" if low == high else f"{low} to {high} characters" if high is not None else f"{low} characters or more",
            )
        case Kind.REFERENCE:
            return ("in ", PageLink(rule.argument[0]))
        case _:
            return (rule.description or rule.name,)


def row_rules(contract: Published) -> Table:
    """Every rule about a row."""
    rows = tuple(((Code(rule.name),), (Badge(rule.severity),), (rule.description,), _condition(rule)) for rule in contract.rules)
    return Table(("Rule", "Severity", "Promise", "Condition"), rows).filled()


def _condition(rule: Rule) -> Cell:
    return (Code(rule.argument),) if rule.kind is Kind.EXPRESSION else ()


def dataset_rules(contract: Published) -> Table:
    """Every rule about a whole partition."""
    rows = tuple(((Code(rule.name),), (Badge(rule.severity),), (rule.description,), _measured(rule)) for rule in contract.dataset_rules)
    return Table(("Rule", "Severity", "Promise", "Measured"), rows)


def _measured(rule: DatasetRule) -> Cell:
    if rule.metric == "sql":
        aggregate, condition = rule.argument
        return (Code(f"{aggregate} WHERE {condition}" if condition else aggregate), f" is {rule.promised}")
    columns = f" of {rule.column}" if rule.column else ""
    return (Code(rule.metric), f"{columns} is {rule.promised}")


def ending(said: Deprecation) -> str:
    """Since when something is deprecated, until when it stays, and what to use instead."""
    until = f" and stays until {said.until}" if said.until else ""
    instead = f" Use {said.use_instead} instead." if said.use_instead else ""
    return f"since version {said.since}{until}.{instead}"


def span(length: timedelta) -> str:
    """A length of time in whole days, else in hours, else in minutes."""
    for unit, name in ((DAY, "day"), (HOUR, "hour")):
        if not length % unit:
            return f"{length // unit} {name}{'' if length == unit else 's'}"
    return f"{length.total_seconds() / 60:g} minutes"
