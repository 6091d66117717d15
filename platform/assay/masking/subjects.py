"""Subjects: the columns by which a contract names people, and how a person's value is found in rows as they landed.

A value is compared as the contract reads it: without the texts that mean absent, through its expression, whole numbers by their digits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compiling.expressions import sql_expression
from assay.masking.tokens import tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import polars as pl

    from assay.contracts.model.contract import Column, Contract
    from assay.masking.keyring import Key


def subjects_of(contract: Contract) -> dict[str, list[Column]]:
    """The columns that name people, by kind of person."""
    found: dict[str, list[Column]] = {}
    for column in contract.columns:
        if column.subject:
            found.setdefault(column.subject, []).append(column)
    return found


def erasure_token(key: Key, kind: str, value: str) -> str:
    """What stands for a person who was erased. Not the token of silver: nobody may find by it what copies of silver still hold."""
    return tokenizer(key, f"erased:{kind}")(value)


def rows_of(frame: pl.DataFrame, contract: Contract, kind: str, is_meant: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """Which rows, with landing columns as text, name a person of a kind. `is_meant` says of distinct texts whether it is them."""
    import polars as pl

    found = pl.Series("_meant", [False]).new_from_index(0, frame.height) if frame.height else pl.Series("_meant", [], dtype=pl.Boolean)
    for column in subjects_of(contract).get(kind, []):
        texts = frame.lazy().with_columns(_present(contract)).select(_text(column, contract).alias("text")).collect()["text"]
        distinct = texts.drop_nulls().unique()
        found |= texts.is_in(distinct.filter(is_meant(distinct)).implode()).fill_null(value=False)
    return found


def spelled(contract: Contract, kind: str, value: str) -> set[str]:
    """A value as the columns of a contract would read it."""
    return {_digits(value) if column.logical_type == "integer" else value for column in subjects_of(contract).get(kind, [])}


def _present(contract: Contract) -> Iterable[pl.Expr]:
    import polars as pl

    absent = list(contract.source.null_values)
    return [pl.when(~pl.col(name).is_in(absent)).then(pl.col(name)).alias(name) for name in contract.source.columns]


def _text(column: Column, contract: Contract) -> pl.Expr:
    import polars as pl

    said = sql_expression(column.expression, contract.source.columns) if column.expression else pl.col(str(column.source))
    text = said.cast(pl.String)
    return pl.coalesce(text.cast(pl.Int64, strict=False).cast(pl.String), text) if column.logical_type == "integer" else text


def _digits(value: str) -> str:
    try:
        return str(int(value))
    except ValueError:
        return value
