"""Types that a Parquet file says of its columns and that Arrow does not know: ENUM, INTERVAL and VARIANT.

Arrow gives their bytes. An enumeration is text; an interval has the ISO form that it has in Avro; a variant is refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from assay.ingest.formats.file_faults import named
from assay.ingest.formats.text_values import interval_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow.parquet as pq

ENUM, INTERVAL = "ENUM", "INTERVAL"


def fault_of_types(leaves: Sequence[pq.ColumnSchema], variants: Sequence[str]) -> str | None:
    """Which columns have a type whose values have no text; None if none has."""
    if variants:
        return f"the column {named(variants)} has the type VARIANT, which is not read"
    inside = [leaf.path for leaf in leaves if leaf.converted_type == INTERVAL and leaf.path != leaf.name]
    return f"the column {named(inside)} holds values of the type INTERVAL inside others, which are not read" if inside else None


def told(columns: dict[str, pa.Array], leaves: Sequence[pq.ColumnSchema]) -> dict[str, pa.Array]:
    """The columns with what their types mean in place of bytes."""
    found = dict(columns)
    for name, values in columns.items():
        kinds = [leaf.converted_type for leaf in leaves if leaf.path == name or leaf.path.startswith(f"{name}.")]
        if INTERVAL in kinds:
            found[name] = pa.array([None if one is None else interval_text(one) for one in values.to_pylist()], pa.string())
        elif ENUM in kinds:
            found[name] = _enumerated(values, iter(kinds))
    return found


def _enumerated(values: pa.Array, kinds: Iterator[str]) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        return pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(pa.string()))
    return values.cast(_type(values.type, kinds))


def _type(kind: pa.DataType, kinds: Iterator[str]) -> pa.DataType:
    """The type with text where the file has an enumeration. Its leaves are in the order of the file's."""
    known = pa.types
    if known.is_struct(kind):
        return pa.struct([field.with_type(_type(field.type, kinds)) for field in kind])
    if known.is_map(kind):
        return pa.map_(_type(kind.key_type, kinds), _type(kind.item_type, kinds))
    if known.is_nested(kind):
        return pa.list_(kind.value_field.with_type(_type(kind.value_type, kinds)))
    return pa.string() if next(kinds) == ENUM else kind
