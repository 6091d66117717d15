"""Tables: made, opened and given columns, each change durable before it is used."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import TableMissing
from assay.lake.constraints import constrained, constraints_of, create_constrained
from assay.lake.damage import MARK
from assay.lake.durable import create_file
from assay.lake.layers import folders_in
from assay.lake.log import beginning, commit, folder_of, info, metadata_of, protocol_of
from assay.lake.snapshots import open_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from deltalake import DeltaTable

    from assay.lake.log import Action
    from assay.lake.slices import TableSpec

MARKED = b"The log of this table lies in _delta_log. Without it the files here say nothing: see `assay check-lake`.\n"
VERSIONS, FEATURES = ("minReaderVersion", "minWriterVersion"), ("readerFeatures", "writerFeatures")  # of a protocol


def open_or_create(root: Path, spec: TableSpec, wanted: pa.Schema) -> DeltaTable:
    """Open the table of a spec, made with the columns `wanted` if it is new."""
    with suppress(TableMissing):
        return _marked(open_snapshot(root, spec.name).table)
    folder = root / spec.name
    folder.mkdir(parents=True, exist_ok=True)
    create_constrained(folder, wanted, list(spec.partition_by), dict(spec.constraints or ()))
    return _marked(open_snapshot(root, spec.name).table)  # ours, or that of another writer who was first


def _marked(table: DeltaTable) -> DeltaTable:
    """Once there is a log a mark beside it says so: without one, a log that is gone would look like a table that never was."""
    mark = folder_of(table) / MARK
    if not mark.exists():
        create_file(mark, MARKED)
    return table


def has_columns(table: DeltaTable, wanted: pa.Schema) -> bool:
    """Whether a table has some columns.

    Those that it lacks are added, as nulls for its old rows, by a commit of its own: False, for the table is another then, and has to be
    looked at again.
    """
    known = {column.name for column in table.schema().fields}
    new = pa.schema([column.with_nullable(True) for column in wanted if column.name not in known])  # noqa: FBT003  # pyarrow's way
    if not len(new):
        return True
    wider = pa.schema([*pa.schema(table.schema()), *new])
    commit(table, [info("ADD COLUMN", fields=", ".join(new.names)), *with_columns(table, wider)])
    return False


def with_columns(table: DeltaTable, columns: pa.Schema) -> list[Action]:
    """What gives a table other columns: metadata that have them, and a protocol that asks for more if they need more."""
    first = {name: said for action in beginning(columns, []) for name, said in action.items()}
    now, needed = protocol_of(table)["protocol"], first["protocol"]
    wider = {name: max(now[name], needed[name]) for name in VERSIONS}
    wider |= {name: sorted({*now.get(name, ()), *needed.get(name, ())}) for name in FEATURES if name in now or name in needed}
    changed = {"metaData": metadata_of(table)["metaData"] | {"schemaString": first["metaData"]["schemaString"]}}
    if wider == now:
        return [changed]
    kept = constraints_of(table)
    return [constrained({"protocol": wider}, kept) if kept else {"protocol": wider}, changed]


def table_folders(root: Path) -> list[str]:
    """The folders in which tables lie, or will: what is staged for a table is there before it is. A closed layer as `layers` names it."""
    folders, closed = folders_in(root)
    return sorted([*folders, *closed])
