"""Arrow schemas as the lake keeps them: one spelling per type, and what may change between two of them.

Frames of different engines spell the same type differently (large strings, string views, dictionaries, unsigned lengths). Here they get
the one spelling that Delta stores; whether a difference is a drift is decided here and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import SchemaDrift

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.lake.slices import Slice, TableSpec
    from assay.lake.snapshots import Snapshot

TYPE_IT = "Cast it to the type that it will have, such as a list of integers."
NAME_IT = "Give each column a name of its own, that differs from the others by more than capitals."
NEW_FORM = "Publish the new form as a new table, or restore the old one."
OTHER_PARTITION_COLUMN = (
    "The partition column of a table stays for good: give it its old name back in the contract, or give the dataset a new name."
    " Then the old table stays as it is beside the new one, until you delete its folder."
)
EQUAL = {
    pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.date64(): pa.date32(), pa.null(): pa.string(),
}  # fmt: skip
STORED = {pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string(), pa.binary(), pa.date32()}


def lake_type(found: pa.DataType) -> pa.DataType:
    """Spell a type as Delta stores it: plain strings and binaries, signed integers, microseconds.

    Raises SchemaDrift for a type that has no equal, as unsigned 64-bit integers and times of day.
    """
    if pa.types.is_dictionary(found) or pa.types.is_run_end_encoded(found):
        return lake_type(found.value_type)
    if pa.types.is_large_string(found) or pa.types.is_string_view(found):
        return pa.string()
    if pa.types.is_large_binary(found) or pa.types.is_binary_view(found) or pa.types.is_fixed_size_binary(found):
        return pa.binary()
    if pa.types.is_timestamp(found):
        return pa.timestamp("us", tz=None if found.tz is None else "UTC")
    if _is_list(found):
        return pa.list_(lake_type(found.value_type))
    if pa.types.is_struct(found):
        return pa.struct([pa.field(inner.name, lake_type(inner.type), inner.nullable) for inner in found])
    if pa.types.is_map(found):
        return pa.map_(lake_type(found.key_type), lake_type(found.item_type))
    if pa.types.is_decimal32(found) or pa.types.is_decimal64(found) or pa.types.is_decimal128(found):
        return pa.decimal128(found.precision, found.scale)
    equal = EQUAL.get(found, found)
    if equal not in STORED:
        raise SchemaDrift(f"Tried to store a column of type {found}, which Delta does not have.", hint="Cast it first.")
    return equal


def _is_list(kind: pa.DataType) -> bool:
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_list_view, pa.types.is_large_list_view)
    return any(is_one(kind) for is_one in kinds)


def lacks_type(kind: pa.DataType) -> bool:
    """Whether nothing tells what a column holds: it is of nulls only, or of lists, maps or structs of them."""
    return pa.types.is_null(kind) or any(lacks_type(kind.field(index).type) for index in range(kind.num_fields))


def lake_schema(schema: pa.Schema) -> pa.Schema:
    """Spell every type of `schema` as Delta stores it; nullability stays, metadata of other tools goes."""
    return pa.schema([pa.field(field.name, lake_type(field.type), field.nullable) for field in schema])


def missing_columns(spec: TableSpec, found: pa.Schema) -> pa.Schema:
    """The columns of `found` that `spec` may add to its table. Raises SchemaDrift on any other difference.

    A missing nullable column is no drift, nor is one of nothing but nulls without a type. The order of columns does not matter.
    """
    refuse_names(found.names, spec.name)
    wanted, known = {field.name: field for field in spec.schema}, lake_schema(found)
    added = [field for field in known if field.name not in wanted]
    problems = [f"unknown column {field.name!r} ({field.type})" for field in added if not spec.may_add(field.name)]
    problems += [
        f"column {field.name!r} is {field.type}, not {wanted[field.name].type}"
        for field, raw in zip(known, found, strict=True)
        if field.name in wanted and not _fits(lake_type(_filled(raw.type, wanted[field.name].type)), wanted[field.name].type)
    ]
    present = set(found.names)
    problems += [f"required column {name!r} is missing" for name, field in wanted.items() if not field.nullable and name not in present]
    problems += [f"partition column {name!r} is missing" for name in spec.partition_by if name not in present]
    if problems:
        raise SchemaDrift(f"Tried to store a frame in {spec.name}; found {'; '.join(dict.fromkeys(problems))}.")
    return pa.schema([pa.field(field.name, field.type, nullable=True) for field in added if not lacks_type(found.field(field.name).type)])


def refuse_names(names: Sequence[str], table: str) -> None:
    """Raise SchemaDrift for an empty name, and for two that Delta takes for one, as `ID` and `id`."""
    seen: dict[str, str] = {}
    for name in names:
        if not name:
            raise SchemaDrift(f"Tried to store a frame in {table}; a column of it has no name.", hint=NAME_IT)
        if (other := seen.setdefault(name.lower(), name)) != name or names.count(name) > 1:
            raise SchemaDrift(f"Tried to store a frame in {table}; {other!r} and {name!r} would be one column.", hint=NAME_IT)


def _filled(found: pa.DataType, wanted: pa.DataType) -> pa.DataType:
    """`found`, with the types of `wanted` wherever it has none."""
    if pa.types.is_null(found):
        return wanted
    if not lacks_type(found):
        return found
    if _is_list(found) and _is_list(wanted):
        return pa.list_(_filled(found.value_type, wanted.value_type))
    if pa.types.is_map(found) and pa.types.is_map(wanted):
        return pa.map_(_filled(found.key_type, wanted.key_type), _filled(found.item_type, wanted.item_type))
    if pa.types.is_struct(found) and pa.types.is_struct(wanted):
        inside = {inner.name: inner.type for inner in wanted}
        return pa.struct([pa.field(one.name, _filled(one.type, inside.get(one.name, one.type)), one.nullable) for one in found])
    return found


def _fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Equal, or a decimal whose every value the wanted one holds: pandas keeps no more digits than its values have."""
    if pa.types.is_decimal(found) and pa.types.is_decimal(wanted):
        return bool(found.scale <= wanted.scale and found.precision - found.scale <= wanted.precision - wanted.scale)
    return bool(found == wanted)


def conform(table: pa.Table, schema: pa.Schema, skip: Sequence[str] = ()) -> pa.Table:
    """Bring a table to the columns, order and types of `schema`, without those in `skip`; absent columns become nulls.

    Only spellings change (`lake_type`): a value that would not survive it, such as a nanosecond, raises SchemaDrift. So does one that
    `schema` has no column for, as an empty list of nothing.
    """
    columns, fields = [], []
    for name in set(table.column_names) - set(schema.names):
        if table.column(name).null_count < table.num_rows:
            kind = table.schema.field(name).type
            raise SchemaDrift(f"Tried to store {name!r}, a {kind}; nothing tells what it holds.", hint=TYPE_IT)
    for field in schema:
        if field.name in skip:
            continue
        fields.append(field)
        if field.name in table.column_names:
            columns.append(_spelled(table.column(field.name), field))
        else:
            columns.append(pa.nulls(table.num_rows, field.type))
    return pa.Table.from_arrays(columns, schema=pa.schema(fields))


def _spelled(column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    try:
        return column.cast(field.type)
    except pa.ArrowInvalid as lost:
        raise SchemaDrift(f"Tried to store {field.name!r} as {field.type}; {lost}.", hint="Round or cast it first.") from lost


def union(first: pa.Schema, second: pa.Schema) -> pa.Schema:
    """The columns of both. Raises SchemaDrift when one column has two types."""
    types = {field.name: field.type for field in first}
    if clashes := [field for field in second if types.get(field.name, field.type) != field.type]:
        raise SchemaDrift(f"Column {clashes[0].name!r} is {types[clashes[0].name]} in one frame and {clashes[0].type} in another.")
    return pa.schema([*first, *(field for field in second if field.name not in types)])


def differs(table: pa.Schema, wanted: pa.Schema) -> bool:
    """Whether a table has other columns than wanted, of other types, or other ones that must be there. Their order does not matter."""
    return {field.name: (field.type, field.nullable) for field in table} != {field.name: (field.type, field.nullable) for field in wanted}


def refuse_mismatch(spec: TableSpec, wanted: pa.Schema, table: pa.Schema, partition_by: Sequence[str]) -> None:
    """Raise SchemaDrift unless files with the columns `wanted` can join a table as it is now.

    Delta checks nothing of this at a commit: other types or partition columns would make the whole table unreadable.
    """
    columns = {field.name: field for field in table}
    problems = [
        f"column {field.name!r} is {columns[field.name].type} there, not {field.type}"
        for field in wanted
        if field.name in columns and columns[field.name].type != field.type
    ]
    required = {field.name for field in wanted if not field.nullable}
    problems += [f"column {field.name!r} is required there" for field in table if not field.nullable and field.name not in required]
    hint = "Publish all partitions that there are at once." if spec.may_change_columns else NEW_FORM
    if tuple(partition_by) != spec.partition_by:
        problems.append(f"it is partitioned by {_named(partition_by)}, not by {_named(spec.partition_by)}")
        hint = OTHER_PARTITION_COLUMN
    if problems:
        raise SchemaDrift(
            f"Tried to publish to the existing table {spec.name}; {'; '.join(problems)}.", hint=f"{hint} Nothing was changed."
        )


def _named(columns: Sequence[str]) -> str:
    return ", ".join(map(repr, columns)) or "nothing"


def changes_columns(table: Snapshot, slice_: Slice, wanted: pa.Schema, *, whole: bool) -> bool:
    """Whether a publication gives the table other columns: it may, if no partition is left that has the old ones."""
    spec = slice_.spec
    return (
        (spec.may_change_columns or whole)
        and differs(table.schema, wanted)
        and table.partition_by == spec.partition_by
        and (whole or all(slice_.owner(file.values) is not None for file in table.files))
    )
