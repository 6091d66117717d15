"""Conditions said to Polars."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from assay.contracts.conditions.condition import WHOLE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl
    import pyarrow as pa

    from assay.contracts.conditions.condition import Node


def to_polars(node: Node) -> pl.Expr:
    """The expression of a tree: true, false or null for each row."""
    import polars as pl

    if node.does == "column":
        return column_as(node.value, node.kind)
    if node.does == "value":
        return pl.lit(int(node.value) if node.kind == WHOLE else node.value, dtype=polars_type(node.kind))
    if node.does == "in":
        values = pl.Series([one.value for one in node.value], dtype=polars_type(node.parts[0].kind))
        return to_polars(node.parts[0]).is_in(pl.lit(values).implode())
    parts = [to_polars(part) for part in node.parts]
    if node.does == "cast":
        return parts[0].cast(polars_type(node.kind))
    if node.does in {"not", "absent"}:
        return ~parts[0] if node.does == "not" else parts[0].is_null()
    joined: pl.Expr = JOINED[node.does](*parts)
    return joined


def column_as(name: str, kind: pa.DataType | None) -> pl.Expr:
    """A column as the type that is published: a transform may have left a wider one, of which other values would be judged."""
    import polars as pl

    return pl.col(name) if kind is None else pl.col(name).cast(polars_type(kind), strict=False)


def _quotient(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """By zero: null, as in SQL."""
    import polars as pl

    return pl.when(right != 0).then(left / right)


JOINED: Mapping[str, Callable[[Any, Any], Any]] = {
    "and": operator.and_, "or": operator.or_, "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt,
    ">=": operator.ge, "is": lambda left, right: left.eq_missing(right), "+": operator.add, "-": operator.sub, "*": operator.mul,
    "/": _quotient,
}  # fmt: skip


def polars_type(kind: pa.DataType) -> pl.DataType:
    """The type of Polars that a column of an Arrow type has; whole numbers are computed with 128 bits."""
    import polars as pl
    import pyarrow as pa

    return pl.Int128() if kind == WHOLE else pl.Schema(pa.schema([pa.field("_", kind)]))["_"]
