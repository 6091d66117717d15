"""Tables: made, opened and given columns, each change durable before it is used.

delta-rs syncs nothing to disk, so an acknowledged commit could vanish in a power cut: whoever changes a log here syncs it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import TableMissing
from assay.lake.constraints import create_constrained
from assay.lake.damage import MARK
from assay.lake.durable import create_file, sync_folder
from assay.lake.snapshots import Snapshot, open_handle

if TYPE_CHECKING:
    from pathlib import Path

    from deltalake import DeltaTable

    from assay.lake.slices import TableSpec

MARKED = b"The log of this table lies in _delta_log. Without it the files here say nothing: see `assay check-lake`.\n"


def sync_log(root: Path, version: int) -> None:
    """Make one commit of the table at `root` durable."""
    with (root / "_delta_log" / f"{version:020d}.json").open("rb") as entry:
        os.fsync(entry.fileno())
    sync_folder(root / "_delta_log")


def open_or_create(root: Path, spec: TableSpec, wanted: pa.Schema) -> DeltaTable:
    """Open the table of a spec, made with the columns `wanted` if it is new."""
    from deltalake import CommitProperties, DeltaTable
    from deltalake.exceptions import DeltaError

    with suppress(TableMissing):
        return _marked(open_handle(root, spec.name))
    folder, columns = root / spec.name, list(spec.partition_by)
    folder.mkdir(parents=True, exist_ok=True)
    once = CommitProperties(max_commit_retries=0)  # the loser of a race would create it again, on top of what is in it by then
    if spec.constraints:
        create_constrained(folder, wanted, columns, dict(spec.constraints))
        for parent in (folder, folder.parent, root):
            sync_folder(parent)
        return _marked(open_handle(root, spec.name))
    try:
        table = DeltaTable.create(str(folder), schema=wanted, mode="error", partition_by=columns, commit_properties=once)
    except (DeltaError, OSError):
        return _marked(open_handle(root, spec.name))  # another writer was first
    sync_log(folder, 0)
    for parent in (folder, folder.parent, root):
        sync_folder(parent)
    return _marked(table)


def _marked(table: DeltaTable) -> DeltaTable:
    """Once there is a log a mark beside it says so: without one, a log that is gone would look like a table that never was."""
    mark = Snapshot("", table).folder / MARK
    if not mark.exists():
        create_file(mark, MARKED)
    return table


def has_columns(table: DeltaTable, wanted: pa.Schema) -> bool:
    """Add the columns that the table lacks, as nulls for its old rows; False when another writer was first at that."""
    from deltalake import Schema
    from deltalake.exceptions import CommitFailedError

    known = {column.name for column in table.schema().fields}
    new = pa.schema([column.with_nullable(True) for column in wanted if column.name not in known])  # noqa: FBT003  # pyarrow's way
    if not len(new):
        return True
    try:
        table.alter.add_columns(Schema.from_arrow(new).fields)
    except CommitFailedError:
        return False
    sync_log(Snapshot("", table).folder, table.version())
    return True
