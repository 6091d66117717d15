"""Conditions said in SQL: DuckDB's for gold, and the words that Spark and DataFusion share for constraints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts.conditions.condition import OneEnginesOwn

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from assay.contracts.conditions.condition import Node

ARITHMETIC = frozenset("+-*/")


@dataclass(frozen=True, slots=True)
class Spelling:
    """How an engine spells names, values and types; None where it cannot. `computes`: its arithmetic is that of the meaning."""

    name: Callable[[str], str | None]
    value: Callable[[pa.DataType, Any], str | None]
    type: Callable[[pa.DataType], str]
    computes: bool


def to_sql(node: Node, spelling: Spelling) -> str:
    """The SQL of a tree. Raises OneEnginesOwn for what cannot be said."""
    if node.does == "column":
        return _said(spelling.name(node.value))
    if node.does == "value":
        return _said(spelling.value(node.kind, node.value))
    parts = [to_sql(part, spelling) for part in node.parts]
    match node.does:
        case "in":
            return f"({parts[0]} IN ({', '.join(to_sql(one, spelling) for one in node.value)}))"
        case "cast":
            return f"CAST({parts[0]} AS {spelling.type(node.kind)})"
        case "not":
            return f"(NOT {parts[0]})"
        case "absent":
            return f"({parts[0]} IS NULL)"
        case "is":
            return f"({parts[0]} IS NOT DISTINCT FROM {parts[1]})"
        case "/":
            parts[1] = f"nullif({parts[1]}, 0)"
    if node.does in ARITHMETIC and not spelling.computes:
        raise OneEnginesOwn
    return f"({parts[0]} {node.does.upper()} {parts[1]})"


def _said(text: str | None) -> str:
    if text is None:
        raise OneEnginesOwn
    return text
