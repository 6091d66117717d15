"""The CHECK constraints of a published table, compiled from its contract: what any writer is held to, Spark and delta-rs alike.

Only what both engines read in one way is said, and never more than the rule: a row that the rule lets pass must pass here. A constraint
that is null counts as broken, so each says what becomes of null. Warnings are no constraints; a masked column is not what its rules are
about.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.conditions.condition import OneEnginesOwn
from assay.contracts.conditions.delta_sql import FIRST_INSTANT, LAST_INSTANT, name_sql, text_sql, value_sql, values_sql
from assay.contracts.conditions.parser import parse
from assay.contracts.conditions.to_sql import Spelling, to_sql
from assay.contracts.language.literals import FINITE, spelled
from assay.contracts.model.contract import Kind, Rule, Severity
from assay.contracts.patterns.printer import SHARED, said_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model.contract import Column, Contract

COMPARED = {Kind.MINIMUM: ">=", Kind.MAXIMUM: "<="}
NOT_OF_A_NAME = re.compile(r"[^a-z0-9_]")
SPELLING = Spelling(name_sql, value_sql, spelled, computes=False)


def check_constraints(contract: Contract) -> dict[str, str]:
    """Constraints by name, which is that of the rule as far as Delta's names go."""
    return {name: said for name, (_, said) in _named(contract).items()}


def constrained_rules(contract: Contract) -> dict[str, Rule]:
    """The rules that the constraints are made of, by the constraint's name."""
    return {name: rule for name, (rule, _) in _named(contract).items()}


def _named(contract: Contract) -> dict[str, tuple[Rule, str]]:
    columns = {column.name: column for column in contract.columns if _can_be_judged(column, contract)}
    found = dict[str, tuple[Rule, str]]()
    for one in contract.rules:
        rule = replace(one, argument=FINITE) if one.kind is Kind.TYPE else one  # of what is published no text is left
        said = _constraint(rule, columns) if rule.severity is Severity.ERROR else None
        if said is not None:
            name = NOT_OF_A_NAME.sub("_", rule.name.lower())
            found[name if name not in found else f"{name}_{len(found)}"] = rule, said
    return found


def _can_be_judged(column: Column, contract: Contract) -> bool:
    """Whether the engines can look at the column. To compare an instant DataFusion turns it into one of 1678 to 2261, or fails.

    So it must be promised that no other comes: otherwise a row that keeps the contract could not be written.
    """
    if column.masking is not None or name_sql(column.name) is None:
        return False
    if not pa.types.is_timestamp(arrow_type(column)):
        return True
    said = [rule for rule in contract.rules if rule.column == column.name and rule.severity is Severity.ERROR]
    lowest = [rule.argument for rule in said if rule.kind is Kind.MINIMUM]
    highest = [rule.argument for rule in said if rule.kind is Kind.MAXIMUM]
    return bool(lowest and highest) and max(lowest) >= FIRST_INSTANT and min(highest) <= LAST_INSTANT


def _constraint(rule: Rule, columns: Mapping[str, Column]) -> str | None:
    """The SQL of a rule; None for one that the engines would not read alike. Other types and presence are in the table's schema."""
    if rule.kind is Kind.EXPRESSION:
        condition = _expression(rule.argument, {name: arrow_type(column) for name, column in columns.items()})
        return f"coalesce({condition}, true)" if condition else None
    column = columns.get(rule.column or "")
    condition = _condition(rule, column) if column else None
    return f"`{rule.column}` IS NULL OR {condition}" if condition else None


def _condition(rule: Rule, column: Column) -> str | None:
    name, kind = name_sql(column.name), arrow_type(column)
    match rule.kind:
        case Kind.TYPE if pa.types.is_floating(kind):
            return f"({name} > CAST('-Infinity' AS {spelled(kind)}) AND {name} < CAST('Infinity' AS {spelled(kind)}))"
        case Kind.MINIMUM | Kind.MAXIMUM:
            bound = value_sql(kind, rule.argument)
            return f"{name} {COMPARED[rule.kind]} {bound}" if bound else None
        case Kind.LENGTH:
            low, high = rule.argument
            bounds = [f"length({name}) >= {low}", *([f"length({name}) <= {high}"] if high is not None else [])]
            return f"({' AND '.join(bounds)})"
        case Kind.ENUM:
            values = values_sql(kind, rule.argument)
            return f"{name} IN ({values})" if values else None
        case Kind.PATTERN:
            pattern = said_to(SHARED, rule.argument)
            text = None if pattern is None else text_sql(pattern)
            return f"regexp_like({name}, {text})" if text else None
    return None


def _expression(sql: str, types: Mapping[str, pa.DataType]) -> str | None:
    """A condition of published columns, comparisons and logic. Not arithmetic: engines differ in division, overflow and widths."""
    try:
        return to_sql(parse(sql, types), SPELLING)
    except OneEnginesOwn:
        return None
