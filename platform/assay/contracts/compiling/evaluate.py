"""SQL of a contract, evaluated over rows: a row for which it fails is named, and costs no other row its value.

An engine stops at the first text that a CAST cannot read. Nothing here knows what becomes of such a row.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from assay.contracts.compiling.expressions import sql_expression
from assay.contracts.language.sql import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from assay.contracts.language.sql import Token


class Evaluated(NamedTuple):
    """The values of an expression, row by row, and the rows for which the engine could not tell one: their value is null."""

    values: pl.Series
    failed: pl.Series


def evaluate(rows: pl.DataFrame, sql: str) -> Evaluated:
    """Evaluate an expression over each row. Raises ContractInvalid for SQL that is none, the engine's error for what fails without rows."""
    import polars as pl

    expression = sql_expression(sql, rows.columns)
    if (values := _tried(rows, expression)) is not None:
        return Evaluated(values, pl.repeat(value=False, n=rows.height, dtype=pl.Boolean, eager=True))
    read = expression.meta.root_names()
    distinct = rows.select(read).unique(maintain_order=True)
    kind = distinct.clear().select(expression.alias("value")).schema["value"]
    suspected = distinct.select(pl.any_horizontal(pl.lit(value=False), *_cast_in_vain(sql, rows.columns)).alias("_")).to_series()
    parts = [(distinct.filter(suspected), True), *_parts(distinct.filter(~suspected), expression)]
    pieces = [
        one.select(*read, pl.lit(None, kind).alias("value"), pl.lit(value=True).alias("failed"))
        if fails
        else one.select(*read, expression.alias("value"), pl.lit(value=False).alias("failed"))
        for one, fails in parts
    ]
    told = rows.select(read).join(pl.concat(pieces), on=read, how="left", nulls_equal=True, maintain_order="left")
    return Evaluated(told["value"], told["failed"])


def _cast_in_vain(sql: str, known: Sequence[str]) -> list[pl.Expr]:
    """For each CAST of an expression, whether it is given something that it cannot read: most of what fails is found so, at once."""
    found: list[pl.Expr] = []
    pieces = tokens(sql)
    for number, token in enumerate(pieces):
        if token.says("cast") and pieces[number + 1 : number + 2] and pieces[number + 1].text == "(":
            inside = _until_closed(pieces[number + 2 :], token.depth)
            split = max((place for place, one in enumerate(inside) if one.depth == token.depth + 1 and one.says("as")), default=0)
            given, kind = (_without_failing(part) for part in (inside[:split], inside[split + 1 :]))
            if given and kind:
                found.append(sql_expression(f"({given}) IS NOT NULL AND TRY_CAST(({given}) AS {kind}) IS NULL", known))
    return found


def _until_closed(pieces: Sequence[Token], depth: int) -> list[Token]:
    return list(takewhile(lambda one: one.text != ")" or one.depth > depth, pieces))


def _without_failing(pieces: Sequence[Token]) -> str:
    return " ".join("TRY_CAST" if one.says("cast") else one.text for one in pieces)


def _tried(rows: pl.DataFrame, expression: pl.Expr) -> pl.Series | None:
    import polars as pl

    try:
        found = rows.select(expression.alias("value")).to_series()
    except pl.exceptions.PolarsError:
        return None
    return found if found.len() == rows.height else pl.repeat(found.first(), rows.height, dtype=found.dtype, eager=True)


def _parts(rows: pl.DataFrame, expression: pl.Expr) -> list[tuple[pl.DataFrame, bool]]:
    """The rows in pieces that the engine can evaluate, and alone those that it cannot: a piece that fails is cut in halves."""
    found, waiting = [], [rows]
    while waiting:
        piece = waiting.pop()
        if _tried(piece, expression) is not None:
            found.append((piece, False))
        elif piece.height == 1:
            found.append((piece, True))
        else:
            half = piece.height // 2
            waiting += [piece[half:], piece[:half]]
    return found
