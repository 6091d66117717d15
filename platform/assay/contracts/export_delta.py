"""The CHECK constraints of a published table, compiled from its contract: what any writer is held to, Spark and delta-rs alike.

Only what both engines read in one way is said, and never more than the rule: a row that the rule lets pass must pass here. A constraint
that is null counts as broken, so each says what becomes of null. Warnings are no constraints; a masked column is not what its rules are
about.
"""

from __future__ import annotations

import math
import re
from ctypes import c_float
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.compile import arrow_type
from assay.contracts.export_json_schema import NOT_PORTABLE
from assay.contracts.model import Kind, Rule, Severity
from assay.contracts.sql import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model import Column, Contract
    from assay.contracts.sql import Token

COMPARED = {Kind.MINIMUM: ">=", Kind.MAXIMUM: "<="}
NOT_PLAIN = re.compile(r"['\"\\\x00-\x1f]")  # Spark and DataFusion read quotes and backslashes within a text in different ways
NOT_OF_A_NAME = re.compile(r"[^a-z0-9_]")
WORDS = frozenset({"and", "or", "not", "is", "null", "in", "between", "true", "false"})
SIGNS = frozenset("()=<>!,")
SPLIT = re.compile(r"([<>!]) ([=>])")  # `< =` is one sign
NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def check_constraints(contract: Contract) -> dict[str, str]:
    """Constraints by name, which is that of the rule as far as Delta's names go."""
    return {name: said for name, (_, said) in _named(contract).items()}


def constrained_rules(contract: Contract) -> dict[str, Rule]:
    """The rules that the constraints are made of, by the constraint's name."""
    return {name: rule for name, (rule, _) in _named(contract).items()}


def _named(contract: Contract) -> dict[str, tuple[Rule, str]]:
    columns = {column.name: column for column in contract.columns if column.masking is None and "`" not in column.name}
    found = dict[str, tuple[Rule, str]]()
    for rule in contract.rules:
        said = _constraint(rule, columns) if rule.severity is Severity.ERROR else None
        if said is not None:
            name = NOT_OF_A_NAME.sub("_", rule.name.lower())
            found[name if name not in found else f"{name}_{len(found)}"] = rule, said
    return found


def _constraint(rule: Rule, columns: Mapping[str, Column]) -> str | None:
    """The SQL of a rule; None for one that the engines would not read alike. Types and presence are in the table's schema."""
    if rule.kind is Kind.EXPRESSION:
        condition = _expression(rule.argument, columns)
        return f"coalesce(({condition}), true)" if condition else None
    column = columns.get(rule.column or "")
    condition = _condition(rule, column) if column else None
    return f"`{rule.column}` IS NULL OR {condition}" if condition else None


def _condition(rule: Rule, column: Column) -> str | None:
    name = f"`{column.name}`"
    match rule.kind:
        case Kind.MINIMUM | Kind.MAXIMUM:
            bound = _literal(rule.argument, column)
            return f"{name} {COMPARED[rule.kind]} {bound}" if bound else None
        case Kind.LENGTH:
            low, high = rule.argument
            bounds = [f"length({name}) >= {low}", *([f"length({name}) <= {high}"] if high is not None else [])]
            return f"({' AND '.join(bounds)})"
        case Kind.ENUM:
            values = [_literal(value, column) for value in rule.argument]
            return f"{name} IN ({', '.join(filter(None, values))})" if all(values) else None
        case Kind.PATTERN if not NOT_PORTABLE.search(rule.argument) and not NOT_PLAIN.search(rule.argument):
            return f"regexp_like({name}, '{rule.argument}')"
    return None


def _literal(value: Any, column: Column) -> str | None:  # noqa: ANN401  # a bound or a value of an enumeration
    """A value as both engines spell it; of a narrow float exactly the value that the column would hold."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.astimezone(UTC).isoformat(' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return None if NOT_PLAIN.search(value) else f"'{value}'"
    kind = arrow_type(column)
    exact = float(value) if pa.types.is_floating(kind) else value
    if kind == pa.float32():
        exact = c_float(exact).value  # not by Arrow, which imports pandas for a single value
    return None if "e" in str(exact) or math.isinf(exact) else str(exact)


def _expression(sql: str, columns: Mapping[str, Column]) -> str | None:
    """A condition of published columns, comparisons and logic. Not arithmetic: engines differ in division, overflow and widths."""
    found = tokens(sql)
    pieces = [_piece(found, number, columns) for number in range(len(found))]
    kept = [piece for piece in pieces if piece is not None]
    return SPLIT.sub(r"\1\2", " ".join(kept)) if len(kept) == len(pieces) else None


def _piece(found: list[Token], number: int, columns: Mapping[str, Column]) -> str | None:
    token = found[number]
    if token.kind in ("word", "quoted"):
        if token.name in columns:
            return f"`{token.name}`"
        return token.text.upper() if token.kind == "word" and token.text.lower() in WORDS else None
    if token.kind == "number":
        return token.text if NUMBER.fullmatch(token.text) else None
    if token.kind == "text":
        return None if NOT_PLAIN.search(token.text[1:-1]) else token.text
    if token.text == "-":
        before = found[number - 1].text if number else "("
        return "-" if before in SIGNS - {")"} and found[number + 1].kind == "number" else None
    return token.text if token.text in SIGNS else None
