"""The Avro schema of a dataset, compiled from its contract: one record, with the types that other systems read without a hint.

Avro's names are narrower than a contract's: a name that is none becomes one, and the field says in `column` what it stands for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.model.descriptions import column_words, dataset_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.contracts.model.contract import Column, Published

NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9_]")


def avro_schema(contract: Published) -> dict[str, Any]:
    """The record of a published row, in the contract's order. A column that may be null is a union with null, and null by default."""
    names = avro_names(column.name for column in contract.columns)
    return {
        "type": "record",
        "name": _valid(contract.dataset),
        "namespace": f"assay.{contract.layer}",
        "doc": dataset_words(contract).strip(),
        "dataset": contract.dataset,
        "version": contract.version,
        "fields": [_field(column, names[column.name]) for column in contract.columns],
    }


def avro_names(columns: Iterable[str]) -> dict[str, str]:
    """For each column a valid Avro name that no other has; a name that is valid stays."""
    wanted = list(columns)
    taken = {name for name in wanted if _valid(name) == name}
    found = dict[str, str]()
    for name in wanted:
        valid, number = _valid(name), 2
        while valid != name and valid in taken:
            valid, number = f"{_valid(name)}_{number}", number + 1
        taken.add(valid)
        found[name] = valid
    return found


def _valid(name: str) -> str:
    spelled = NOT_OF_A_NAME.sub("_", name)
    return spelled if spelled and not spelled[0].isdigit() else f"_{spelled}"


def _field(column: Column, name: str) -> dict[str, Any]:
    kind = _type(arrow_type(column))
    field: dict[str, Any] = {"name": name, "doc": column_words(column).strip(), "type": kind}
    if not column.required:
        field |= {"type": ["null", kind], "default": None}
    said = {"column": column.name if column.name != name else "", "classification": column.classification, "unit": column.unit or ""}
    return field | {key: value for key, value in said.items() if value}


def _type(kind: pa.DataType) -> str | dict[str, Any]:
    known = pa.types
    if known.is_decimal(kind):
        return {"type": "bytes", "logicalType": "decimal", "precision": kind.precision, "scale": kind.scale}
    if known.is_date(kind):
        return {"type": "int", "logicalType": "date"}
    if known.is_timestamp(kind):
        return {"type": "long", "logicalType": "timestamp-micros"}
    if known.is_integer(kind):
        return "long" if kind.bit_width == 64 else "int"
    if known.is_floating(kind):
        return "double" if kind.bit_width == 64 else "float"
    return "boolean" if known.is_boolean(kind) else "string"
