"""Compile a contract: Arrow schemas and Polars expressions that say, row by row, which promises are broken.

The only place where a contract meets an engine. A rule's expression is true for a row that BREAKS it; a null value breaks only `required`,
so that every fault is named once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.contracts.model import Column, Contract, Kind, Rule
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

TYPES = {
    "VARCHAR": pa.string(), "STRING": pa.string(), "TEXT": pa.string(), "SMALLINT": pa.int16(), "INTEGER": pa.int32(), "BIGINT": pa.int64(),
    "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}  # fmt: skip
BY_LOGICAL_TYPE = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
DECIMAL = re.compile(r"DECIMAL\((\d+), *(\d+)\)")


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a column: its physical type, or the widest of its logical type. Raises ContractInvalid for neither."""
    spelled = column.physical_type.upper() or BY_LOGICAL_TYPE.get(column.logical_type, "")
    if decimal := DECIMAL.fullmatch(spelled):
        return pa.decimal128(int(decimal.group(1)), int(decimal.group(2)))
    if spelled not in TYPES:
        raise ContractInvalid(
            f"The column {column.name!r} has the type {spelled or column.logical_type!r}.", hint=f"Known: {', '.join(TYPES)}."
        )
    return TYPES[spelled]


def published_schema(contract: Contract) -> pa.Schema:
    """The published table's columns in the contract's order; required ones are NOT NULL."""
    return pa.schema([pa.field(column.name, arrow_type(column), nullable=not column.required) for column in contract.columns])


def violation(rule: Rule, references: Mapping[tuple[str, str], pl.Series]) -> pl.Expr:
    """A Polars expression that is true for a row that breaks the rule. `references` holds the values that reference rules look for.

    Type rules look at the column `flag_of(rule)`, which `refine.conform` leaves behind: afterwards the text is gone.
    """
    import polars as pl

    value = pl.col(rule.column) if rule.column else pl.lit(None)
    match rule.kind:
        case Kind.TYPE:
            return pl.col(flag_of(rule))
        case Kind.REQUIRED:
            return value.is_null()
        case Kind.MINIMUM:
            return value.lt(rule.argument)
        case Kind.MAXIMUM:
            return value.gt(rule.argument)
        case Kind.LENGTH:
            low, high = rule.argument
            length = value.str.len_chars()
            return length.lt(low) | length.gt(high) if high is not None else length.lt(low)
        case Kind.PATTERN:
            return ~value.str.contains(rule.argument)
        case Kind.ENUM:
            return ~value.is_in(list(rule.argument))
        case Kind.REFERENCE:
            return ~value.is_in(references[rule.argument].implode())
        case Kind.EXPRESSION:
            holds = sql_expression(rule.argument)
            return ~pl.when(holds).then(pl.lit(value=True)).otherwise(holds.is_null())  # refuses what is no condition


def sql_expression(text: str) -> pl.Expr:
    """Read an SQL expression over one row. Raises ContractInvalid if it cannot be read."""
    import polars as pl

    try:
        return pl.sql_expr(text)
    except (pl.exceptions.SQLInterfaceError, pl.exceptions.SQLSyntaxError) as error:
        raise ContractInvalid(f"Tried to read the SQL expression {text!r}; {error}.") from error


def flag_of(rule: Rule) -> str:
    """The name of the column that says whether a value could not be read as its type."""
    return f"_unreadable_{rule.column}"
