"""Data versions: by them Dagster tells whether an asset is Unsynced, that is made from other data than there are now, or by other code.

The version of a partition is the number for its files that the table's log keeps: it changes when its rows do. In a run over a range
Dagster has one version for all partitions, so each carries its own in its metadata, and our event log puts it into its tag. Under Dagster's
own the partitions of a run share a version.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import dagster as dg

from assay.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

VERSION = "assay/data_version"  # metadata of a materialization: what its tag says
TAG, CODE_TAG, INPUT_TAG, POINTER_TAG = (
    f"dagster/{name}" for name in ("data_version", "code_version", "input_data_version", "input_event_pointer")
)
NEVER_SEEN, NO_EVENT = "INITIAL", "NULL"  # as Dagster writes of an input that it knows nothing of


def versions_of(lake: Path, key: dg.AssetKey, partitions: Iterable[str]) -> dict[str, str]:
    """The versions of some partitions of a table, as they are published now; none of a table that cannot be read."""
    from assay.lake.foreign import FILES  # here, because every process that opens the instance imports this module
    from assay.lake.migrations import partition_token
    from assay.lake.snapshots import newest

    found: dict[str, str] = {}
    with suppress(AssayError):
        table = newest(lake, "/".join(key.path))
        for part in partitions:
            number = table.token(FILES + part) if table else None
            number = partition_token(table, part) if number is None else number
            if number is not None:
                found[part] = str(number)
    return found


def common(versions: Collection[str]) -> dg.DataVersion | None:
    """One version for all partitions of a run: that of the only one, or a digest of all."""
    if not versions:
        return None
    said = ",".join(versions)
    return dg.DataVersion(said if len(versions) == 1 else hashlib.sha256(said.encode()).hexdigest())


def tags_of(context: dg.AssetExecutionContext, key: dg.AssetKey, version: str | None) -> Mapping[str, str]:
    """What Dagster would tag a materialization with that it made itself of a step's output: for one that is logged."""
    spec = context.assets_def.specs_by_key[key]
    inputs = [dep.asset_key for dep in spec.deps]
    records = {one.asset_entry.asset_key: one.asset_entry.last_materialization_record for one in context.instance.get_asset_records(inputs)}
    tags = {CODE_TAG: spec.code_version or context.run_id} | ({TAG: version} if version else {})
    for one in inputs:
        made = (record := records.get(one)) and record.asset_materialization
        name = one.to_user_string()
        tags[f"{INPUT_TAG}/{name}"] = ((made.tags or {}).get(TAG) if made else None) or NEVER_SEEN
        tags[f"{POINTER_TAG}/{name}"] = str(record.storage_id) if record else NO_EVENT
    return tags


def with_its_version(entry: dg.EventLogEntry) -> dg.EventLogEntry:
    """The same event; the tag of a materialization says the version of its own partition from now on."""
    event = entry.dagster_event
    made = event.step_materialization_data.materialization if event is not None and event.is_step_materialization else None
    said = made.metadata.get(VERSION) if made is not None else None
    if made is not None and said is not None and made.tags and TAG in made.tags:
        cast("dict[str, str]", made.tags)[TAG] = str(said.value)
    return entry
