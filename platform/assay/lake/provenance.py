"""Provenance beyond the log: what commits have said of themselves, kept in a table of its own before their entries are removed.

A log that says who published what for ever grows for ever. So entries that nobody needs to open a version any more are removed, and what
they say is read from here. Which entries, and when, is `maintenance`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.lake.slices import TableSpec
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assay.lake.snapshots import Snapshot

LAYER, COMMITS = "provenance", "provenance/commits"
SCHEMA = pa.schema(
    [
        pa.field("table", pa.string(), nullable=False),
        pa.field("table_id", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("committed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("operation", pa.string(), nullable=False),
        pa.field("said", pa.string(), nullable=False),
        pa.field("month", pa.date32(), nullable=False),
    ]
)
SPEC = TableSpec(COMMITS, SCHEMA, ("month",))


def history_of(table: Snapshot) -> Iterator[dict[str, Any]]:
    """What all commits of a table say of themselves, newest first, also those whose entries are not in its log any more."""
    first = table.version + 1
    for said in table.history():
        yield said
        first = said["version"]
    yield from _kept(table, first) if first > 0 else ()


def table_id(table: Snapshot) -> str:
    """What tells a table from one that began anew at its place: its versions begin anew as well."""
    return str(table.table.metadata().id)


def row_of(table: Snapshot, said: dict[str, Any]) -> tuple[Any, ...]:
    """What one of its commits says, as it is kept (SCHEMA)."""
    at = datetime.fromtimestamp(said["timestamp"] / 1000, UTC)
    told = json.dumps({name: value for name, value in said.items() if name != "version"}, sort_keys=True)
    return (table.name, table_id(table), said["version"], at, str(said["operation"]), told, at.date().replace(day=1))


def root_of(table: Snapshot) -> Path:
    """The root of the tables that a table lies among."""
    return table.folder.parents[table.name.count("/")]


def _kept(table: Snapshot, before: int) -> Iterator[dict[str, Any]]:
    """What is kept of the commits before a version, newest first."""
    import polars as pl

    there = newest(root_of(table), COMMITS)
    if there is None:
        return
    mine = (pl.col("table") == table.name) & (pl.col("table_id") == table_id(table)) & (pl.col("version") < before)
    rows = there.scan(columns=["table", "table_id", "version", "said"]).filter(mine).collect()
    for version, said in rows.sort("version", descending=True).select("version", "said").rows():
        yield {**json.loads(said), "version": version}
