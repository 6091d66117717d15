"""Conditions: the SQL of a contract that every engine reads alike, as a tree in which each comparison has one type.

Comparisons, logic, lists, presence and the arithmetic of whole and floating numbers have one meaning here (docs/meaning.md). Everything
else, such as a function, is `OneEnginesOwn`: only the engine of the layer is asked. `to_polars.py` and `to_sql.py` say a tree
to the engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.language.literals import NoValue, bound_of, spelled, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

TRUTH, DOUBLE, WHOLE = pa.bool_(), pa.float64(), pa.decimal256(39, 0)  # no column is WHOLE
MOST_DIGITS = 38
MOST = 10**MOST_DIGITS  # whole numbers are computed exactly below it
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>", "is": "is"}
AT_MOST, AT_LEAST = {"<": "<=", "<=": "<="}, {">": ">=", ">=": ">="}


class OneEnginesOwn(Exception):  # no error: another engine is asked in its own words, or not at all
    """SQL that has no one meaning in all engines."""


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a condition: what it does to its `parts`, and the type of what it gives.

    `column` and `value` have a `value` (a name; a value of the type), `in` has the list of values there. `is` is equality that takes
    null for a value, `cast` gives its part as the type of the node.
    """

    does: str
    kind: pa.DataType
    parts: tuple[Node, ...] = ()
    value: Any = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it is written, which has no type until it is compared: Decimal, str, bool, or None for NULL."""

    said: Any

    def __str__(self) -> str:
        if isinstance(self.said, str):
            return repr(self.said)
        return "NULL" if self.said is None else str(self.said).lower()


Operand = Node | Literal


def condition_of(found: Operand) -> Node:
    """What stands where a condition must. Raises NoValue for what is neither true nor false."""
    if isinstance(found, Literal):
        raise OneEnginesOwn
    if found.kind != TRUTH:
        raise NoValue(f"{_words(found)}, which is neither true nor false", "Compare it with something.")
    return found


def compared(sign: str, left: Operand, right: Operand) -> Node:
    """A comparison in which both sides have one type. Raises NoValue for a value that the other side cannot have."""
    if isinstance(left, Literal):
        if isinstance(right, Literal):
            raise OneEnginesOwn
        return compared(TURNED[sign], right, left)
    if isinstance(right, Literal):
        return _with_literal(sign, left, right)
    return Node(sign, TRUTH, _alike(left, right))


def listed(node: Operand, values: Sequence[Operand]) -> Node:
    """Whether a value is one of a list; a NULL in the list would make it never false."""
    if isinstance(node, Literal) or not all(isinstance(one, Literal) and one.said is not None for one in values):
        raise OneEnginesOwn
    return Node("in", TRUTH, (node,), tuple(_value(node, one) for one in values if isinstance(one, Literal)))


def computed(sign: str, left: Operand, right: Operand) -> Node:
    """Arithmetic: of whole numbers exact, else of DOUBLE; a division is one of DOUBLE, and by zero gives null."""
    if isinstance(left, Literal) and isinstance(right, Literal):
        raise OneEnginesOwn
    kinds = [one.kind for one in (left, right) if isinstance(one, Node)]
    if not all(_is_number(kind) for kind in kinds):
        wrong = next(one for one in (left, right) if isinstance(one, Node) and not _is_number(one.kind))
        raise NoValue(f"{_words(wrong)}, and no number", "Arithmetic is for numbers.")
    whole = all(_is_whole(one) for one in (left, right))
    if not whole and any(pa.types.is_decimal(kind) and kind != WHOLE for kind in kinds):
        raise OneEnginesOwn  # engines differ in the digits that they keep
    if not whole and not any(pa.types.is_floating(kind) for kind in kinds):
        raise OneEnginesOwn  # a whole number and a decimal fraction
    kind = WHOLE if whole and sign != "/" else DOUBLE
    made = Node(sign, kind, tuple(_as(one, kind) for one in (left, right)))
    if whole and sign != "/" and _largest(made) >= MOST:
        raise OneEnginesOwn
    return made


def _with_literal(sign: str, node: Node, literal: Literal) -> Node:
    if literal.said is None:
        raise NoValue(f"{_words(node)}, and is compared with NULL, which is never true", "Say IS NULL or IS NOT NULL.")
    if sign in AT_MOST or sign in AT_LEAST:
        bound = _value(node, literal, lowest=sign in AT_LEAST)
        sign = sign if _is_value(node.kind, literal) else {**AT_MOST, **AT_LEAST}[sign]
        return Node(sign, TRUTH, (node, bound))
    return Node(sign, TRUTH, (node, _value(node, literal)))


def _value(node: Node, literal: Literal, *, lowest: bool | None = None) -> Node:
    try:
        found = value_of(node.kind, literal.said) if lowest is None else bound_of(node.kind, literal.said, lowest=lowest)
    except NoValue as error:
        raise NoValue(f"{_words(node)}, and {literal} is {error}", error.hint) from None
    return Node("value", node.kind, value=found)


def _is_value(kind: pa.DataType, literal: Literal) -> bool:
    try:
        value_of(kind, literal.said)
    except NoValue:
        return False
    return True


def _alike(left: Node, right: Node) -> tuple[Node, Node]:
    """Two sides as one type that holds every value of both."""
    one, other = left.kind, right.kind
    if one == other:
        return left, right
    if not (_is_number(one) and _is_number(other)):
        if {one, other} <= {pa.date32(), pa.timestamp("us", tz="UTC")}:
            raise OneEnginesOwn
        raise NoValue(f"{_words(left)}, and is compared with {_words(right)}")
    if _is_whole(left) and _is_whole(right):
        return (left, right) if WHOLE not in {one, other} else (_as(left, WHOLE), _as(right, WHOLE))
    floating = [pa.types.is_floating(kind) for kind in (one, other)]
    if any(floating):
        if any(pa.types.is_decimal(kind) for kind in (one, other)):
            raise OneEnginesOwn  # engines round a decimal to a float in different ways
        return _as(left, DOUBLE), _as(right, DOUBLE)
    (digits, scale), (others, its) = _digits(one), _digits(other)
    decimals = max(scale, its)
    if max(digits - scale, others - its) + decimals > MOST_DIGITS:
        raise OneEnginesOwn
    kind = pa.decimal128(MOST_DIGITS, decimals)
    return _as(left, kind), _as(right, kind)


def _digits(kind: pa.DataType) -> tuple[int, int]:
    return (kind.precision, kind.scale) if pa.types.is_decimal(kind) else ({16: 5, 32: 10}.get(kind.bit_width, 19), 0)


def _as(operand: Operand, kind: pa.DataType) -> Node:
    if isinstance(operand, Literal):
        return Node("value", kind, value=value_of(kind, operand.said))
    return operand if operand.kind == kind else Node("cast", kind, (operand,))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind))


def _is_whole(operand: Operand) -> bool:
    if isinstance(operand, Literal):
        return isinstance(operand.said, Decimal) and operand.said == operand.said.to_integral_value()
    return bool(pa.types.is_integer(operand.kind)) or operand.kind == WHOLE


def _largest(node: Node) -> int:
    """The largest distance from zero that a whole number can have."""
    if node.does == "value":
        return abs(int(node.value))
    if node.does == "column":
        return int(2 ** (node.kind.bit_width - 1))
    sizes = [_largest(part) for part in node.parts]
    return sizes[0] * sizes[1] if node.does == "*" else sum(sizes)


def _words(node: Node) -> str:
    what = node.value if node.does == "column" else "what is computed" if node.kind != TRUTH else "a condition"
    kind = "a number" if node.kind == WHOLE and node.does != "column" else spelled(node.kind)
    return f"{what} is {kind}"
