"""The types that a file declares for its columns, as ODCS says them; None for what a contract keeps as text, such as nested values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.contracts.inference.guesses import Declared

if TYPE_CHECKING:
    import pyarrow as pa

AVRO_TIMES = ("timestamp-millis", "timestamp-micros", "timestamp-nanos")
AVRO_LOGICAL = {"date": "date", "uuid": "string"} | {f"{where}{name}": "timestamp" for where in ("", "local-") for name in AVRO_TIMES}
AVRO = {
    "int": ("integer", "INTEGER"), "long": ("integer", "BIGINT"), "float": ("number", "FLOAT"), "double": ("number", "DOUBLE"),
    "boolean": ("boolean", "BOOLEAN"), "string": ("string", ""), "enum": ("string", ""),
}  # fmt: skip


def declared_by_arrow(kind: pa.DataType) -> Declared | None:
    """The ODCS type of an Arrow type; None for nested values and others that a contract keeps as text."""
    import pyarrow as pa

    known = pa.types
    if known.is_dictionary(kind):
        return declared_by_arrow(kind.value_type)
    if known.is_integer(kind):
        wide = kind.bit_width + (0 if known.is_signed_integer(kind) else 1)
        return Declared("integer", "SMALLINT" if wide <= 16 else "INTEGER" if wide <= 32 else "BIGINT")
    if known.is_decimal(kind) and 0 <= kind.scale <= kind.precision <= 38:
        return Declared("number", f"DECIMAL({kind.precision}, {kind.scale})")
    if known.is_floating(kind):
        return Declared("number", "DOUBLE" if kind.bit_width == 64 else "FLOAT")
    for holds, logical in ((known.is_boolean, "boolean"), (known.is_date, "date"), (known.is_timestamp, "timestamp")):
        if holds(kind):
            return Declared(logical, logical.upper())
    is_text = known.is_string(kind) or known.is_large_string(kind) or known.is_string_view(kind)
    return Declared("string") if is_text else None


def declared_by_avro(kind: Any) -> Declared | None:  # noqa: ANN401  # a piece of a schema
    """The ODCS type of an Avro type, or of what may be null beside it; None for nested values and others that a contract keeps as text."""
    if isinstance(kind, list):
        others = [one for one in kind if one != "null"]
        return declared_by_avro(others[0]) if len(others) == 1 else None
    spelled = kind if isinstance(kind, dict) else {"type": kind}
    if spelled.get("logicalType") == "decimal":
        return Declared("number", f"DECIMAL({spelled['precision']}, {spelled.get('scale', 0)})")
    if (found := AVRO_LOGICAL.get(spelled.get("logicalType", ""))) is not None:
        return Declared(found, "" if found == "string" else found.upper())
    return Declared(*AVRO[spelled["type"]]) if spelled["type"] in AVRO else None
