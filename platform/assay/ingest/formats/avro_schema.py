"""Avro schemas: rewritten so that fastavro gives each value as its one spelling (`text_values`), whatever branch of a union it comes from.

Every primitive gets a logical type of ours, and fastavro calls our reader for it. A schema by which a few bytes could stand for endless
values (recursion, values without bytes) is refused before anything is decoded. The container of records is the business of `avro_files`.
"""

from __future__ import annotations

import base64
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa

from assay.ingest.formats.file_faults import named
from assay.ingest.formats.json_text import Number
from assay.ingest.formats.legacy_calendar import FIRST_DAY, FIRST_SECOND, OldCalendar
from assay.ingest.formats.text_values import PER_SECOND, interval_text, iso_date, iso_time, iso_timestamp, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[Any, Mapping[str, Any], Any], object]

DEEPEST = 64
PREFIX, OLD = "assay-", "old-"
FLOATS = {"float": "single", "double": "as-it-is"}  # of a column: spelled later, all at once
UNITS = {"millis": "ms", "micros": "us", "nanos": "ns"}


class SchemaRefused(Exception):
    """An Avro schema that cannot be read, or by which a file could grow without end."""


class Single(float):
    """A float of 32 bits: it has fewer digits than one of 64."""

    __slots__ = ()


def column_names(schema: object) -> list[str]:
    """The fields of a file's records. Raises SchemaRefused for records that are none."""
    if not isinstance(schema, dict) or schema.get("type") not in {"record", "error"} or not isinstance(schema.get("fields"), list):
        raise SchemaRefused("its schema is no record")
    return [str(field.get("name")) for field in schema["fields"] if isinstance(field, dict)]


def spelling_schema(schema: Mapping[str, Any], *, is_legacy: bool = False) -> dict[str, Any]:
    """The schema of records, rewritten: strings, numbers (`Number`), floats of a column as floats, the rest as their text.

    By one that is legacy, dates and times are refused if they are old (`legacy_calendar`). Raises SchemaRefused.
    """
    return _Rewriting(is_legacy=is_legacy).record(schema, "", 0)


class _Rewriting:
    """One walk through a schema. `open` are the full names of the records that surround the place."""

    def __init__(self, *, is_legacy: bool) -> None:
        self.open: list[str] = []
        self.is_legacy = is_legacy

    def rewrite(self, schema: Any, namespace: str, depth: int) -> Any:  # noqa: ANN401  # a string, a list or a mapping
        if depth > DEEPEST:
            raise SchemaRefused(f"its schema is nested more than {DEEPEST} deep")
        if isinstance(schema, str):
            return self._named(schema, namespace, depth)
        if isinstance(schema, list):
            return self._union(schema, namespace, depth)
        if not isinstance(schema, dict) or "type" not in schema:
            raise SchemaRefused("its schema has an entry without type")
        kind = schema["type"]
        if kind in ("record", "error"):
            return self.record(schema, namespace, depth)
        if kind in ("array", "map"):
            inner = "items" if kind == "array" else "values"
            return {"type": kind, inner: self.rewrite(schema.get(inner), namespace, depth + 1)}
        if kind == "enum":
            return schema
        return self._primitive(kind, schema, namespace, depth) if isinstance(kind, str) else self.rewrite(kind, namespace, depth + 1)

    def _union(self, branches: list[Any], namespace: str, depth: int) -> list[Any]:
        if any(isinstance(branch, list) for branch in branches):
            raise SchemaRefused("its schema has a union inside a union")
        return [branch if branch in ("null", {"type": "null"}) else self.rewrite(branch, namespace, depth) for branch in branches]

    def record(self, schema: Mapping[str, Any], namespace: str, depth: int) -> dict[str, Any]:
        name, inside = _full_name(schema, namespace)
        fields = schema.get("fields")
        if not isinstance(fields, list) or not all(isinstance(field, dict) and "type" in field for field in fields):
            raise SchemaRefused("its schema has a record without fields")
        if depth and not fields:
            raise SchemaRefused("its schema has a record without fields inside another: values without bytes")
        self.open.append(name)
        found = [{"name": field.get("name"), "type": self.rewrite(field["type"], inside, depth + 1)} for field in fields]
        self.open.pop()
        return {key: schema[key] for key in ("type", "name", "namespace") if key in schema} | {"fields": found}

    def _named(self, name: str, namespace: str, depth: int) -> Any:  # noqa: ANN401
        if name in READERS or name in {"string", "null"}:
            return self._primitive(name, {"type": name}, namespace, depth)
        if {name, f"{namespace}.{name}"} & set(self.open):
            raise SchemaRefused(f"its schema refers to {named([name])} inside itself: values without end")
        return name

    def _primitive(self, kind: str, schema: Mapping[str, Any], namespace: str, depth: int) -> Any:  # noqa: ANN401
        if (kind == "null" and depth > 1) or (kind == "fixed" and schema.get("size") == 0):
            raise SchemaRefused("its schema has values without bytes")
        if kind not in READERS:
            return {"type": "string"} if kind == "string" else "null" if kind == "null" else self._named(kind, namespace, depth)
        told, said = _logical(kind, schema), {key: value for key, value in schema.items() if key in {"name", "namespace", "size"}}
        if depth == 1 and kind in FLOATS:
            return {"type": kind, "logicalType": PREFIX + FLOATS[kind]}
        told = OLD + told if self.is_legacy and f"{kind}-{PREFIX}{OLD}{told}" in LOGICAL_READERS else told
        return {**said, "type": kind, "logicalType": PREFIX + told, "scale": schema.get("scale", 0)}


def _full_name(schema: Mapping[str, Any], namespace: str) -> tuple[str, str]:
    name, own = str(schema.get("name", "")), schema.get("namespace", namespace)
    full = name if "." in name or not own else f"{own}.{name}"
    return full, full.rpartition(".")[0]


def _logical(kind: str, schema: Mapping[str, Any]) -> str:
    """The logical type, where it is one of its kind; as Avro says, any other is read as what it is made of."""
    told = str(schema.get("logicalType", ""))
    if told == "decimal":
        scale, precision = schema.get("scale", 0), schema.get("precision", 0)
        fine = isinstance(scale, int) and isinstance(precision, int) and 0 <= scale <= precision
        return told if fine and kind in {"bytes", "fixed"} else kind
    sized = {"uuid": 16, "duration": 12}.get(told)
    return told if f"{kind}-{PREFIX}{told}" in LOGICAL_READERS and schema.get("size") == sized else kind


def _float_text(value: float, kind: pa.DataType) -> str:
    """The text of a float inside another value; what JSON has no number for is a string there."""
    if math.isfinite(value):
        return Number(pa.scalar(value, kind).cast(pa.string()).as_py())
    return str(text_of(pa.array([value], kind))[0].as_py())


def _decimal(value: bytes, schema: Mapping[str, Any], _: object) -> Number:
    unscaled = int.from_bytes(value, "big", signed=True)
    digits = tuple(map(int, str(abs(unscaled))))
    return Number(format(Decimal((int(unscaled < 0), digits, -schema["scale"])), "f"))


def _duration(value: bytes, *_: object) -> str:
    return interval_text(value)


def _stamp(unit: str, zone: str) -> Reader:
    return lambda value, *_: iso_timestamp(value, unit) + zone


def _new_date(value: int, *_: object) -> str:
    if value < FIRST_DAY:
        raise OldCalendar
    return iso_date(value)


def _new_stamp(unit: str) -> Reader:
    def spell(value: int, *_: object) -> str:
        if value < FIRST_SECOND * PER_SECOND[unit]:
            raise OldCalendar
        return iso_timestamp(value, unit) + "Z"

    return spell


def _clock(unit: str) -> Reader:
    return lambda value, *_: iso_time(value, unit)


READERS: dict[str, Reader] = {
    "boolean": lambda value, *_: Number("true" if value else "false"),
    "int": lambda value, *_: Number(value),
    "long": lambda value, *_: Number(value),
    "float": lambda value, *_: _float_text(value, pa.float32()),
    "double": lambda value, *_: _float_text(value, pa.float64()),
    "bytes": lambda value, *_: base64.b64encode(value).decode(),
    "fixed": lambda value, *_: base64.b64encode(value).decode(),
}
LOGICAL_READERS: dict[str, Reader] = {
    **{f"{kind}-{PREFIX}{kind}": reader for kind, reader in READERS.items()},
    **{f"long-{PREFIX}timestamp-{word}": _stamp(unit, "Z") for word, unit in UNITS.items()},
    **{f"long-{PREFIX}local-timestamp-{word}": _stamp(unit, "") for word, unit in UNITS.items()},
    f"float-{PREFIX}single": lambda value, *_: Single(value),
    **{f"long-{PREFIX}{OLD}timestamp-{word}": _new_stamp(unit) for word, unit in UNITS.items()},
    f"int-{PREFIX}{OLD}date": _new_date,
    f"int-{PREFIX}date": lambda value, *_: iso_date(value),
    f"int-{PREFIX}time-millis": _clock("ms"),
    f"long-{PREFIX}time-micros": _clock("us"),
    f"bytes-{PREFIX}decimal": _decimal,
    f"fixed-{PREFIX}decimal": _decimal,
    f"fixed-{PREFIX}uuid": lambda value, *_: str(UUID(bytes=value)),
    f"fixed-{PREFIX}duration": _duration,
}
