"""Arrow types: what the logical and physical types of a contract are to every engine, and which type holds all values of another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.language.names import suggest
from assay.contracts.model.contract import Contract
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model.contract import Column, Published

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
MOST_DIGITS = 38
DECIMAL = re.compile(r"DECIMAL\((\d+), *(\d+)\)")
DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}  # that integers of so many bits may have
EXACT_BITS = {32: 24, 64: 53}  # of a float's significand


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of a column: its physical type, or the widest of its logical type. Raises ContractInvalid for neither."""
    return type_of(column.name, column.logical_type, column.physical_type)


def type_of(name: str, logical_type: str, physical_type: str) -> pa.DataType:
    """The Arrow type that a column's logical and physical type spell. Raises ContractInvalid if they spell none."""
    spelled = physical_type.upper() or BY_LOGICAL_TYPE.get(logical_type, "")
    if decimal := DECIMAL.fullmatch(spelled):
        precision, scale = int(decimal.group(1)), int(decimal.group(2))
        if 0 < precision <= MOST_DIGITS and scale <= precision:
            return pa.decimal128(precision, scale)
    if spelled not in TYPES:
        said = physical_type or logical_type
        raise ContractInvalid(f"The column {name!r} has the type {said!r}.", hint=suggest(said, (*TYPES, "DECIMAL(p, s)")))
    return TYPES[spelled]


def is_floating(column: Column) -> bool:
    """Whether a column is a FLOAT or DOUBLE, which can hold what is no number."""
    return bool(pa.types.is_floating(arrow_type(column)))


def said_type(item: Mapping[str, Any]) -> pa.DataType | None:
    """The Arrow type of a property as a document says it; None if it spells none, which is a finding of its own."""
    try:
        return type_of(str(item.get("name")), str(item.get("logicalType", "")), str(item.get("physicalType", "")))
    except ContractInvalid:
        return None


def published_schema(contract: Published) -> pa.Schema:
    """The published table's columns in the contract's order; required ones are NOT NULL."""
    return pa.schema([pa.field(column.name, arrow_type(column), nullable=not column.required) for column in contract.columns])


def types_of(contract: Published) -> dict[str, pa.DataType]:
    """The Arrow types by name of all that a rule may look at: the published columns, and those that landed, which are text."""
    landed = contract.source.columns if isinstance(contract, Contract) else ()
    return dict.fromkeys(landed, pa.string()) | {column.name: arrow_type(column) for column in contract.columns}


def holds(wide: pa.DataType, narrow: pa.DataType) -> bool:
    """Whether `wide` holds every value of `narrow` exactly. Avro also promotes int64 to floats, which loses digits; this does not."""
    if pa.types.is_integer(narrow):
        if pa.types.is_integer(wide):
            return bool(wide.bit_width > narrow.bit_width)
        if pa.types.is_floating(wide):
            return bool(EXACT_BITS[wide.bit_width] >= narrow.bit_width)
        return pa.types.is_decimal(wide) and bool(wide.precision - wide.scale >= DIGITS[narrow.bit_width])
    if pa.types.is_floating(narrow):
        return pa.types.is_floating(wide) and bool(wide.bit_width > narrow.bit_width)
    if pa.types.is_decimal(narrow) and pa.types.is_decimal(wide):
        return bool(wide.scale >= narrow.scale and wide.precision - wide.scale >= narrow.precision - narrow.scale)
    return False
