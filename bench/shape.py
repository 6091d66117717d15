"""The shape of a backfill: the assets of the product and the runs that Assay made of them, without what they do.

Written as JSON before the measured span begins, because the empty side must not pay for loading our definitions. Both commands work in the
environment of an instance: `python bench/shape.py write SHAPE` takes the newest backfill there, `... check SHAPE` counts what it holds.
"""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg

BACKFILL = "assay/backfill"
COUNTED = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


class EventsDiffer(Exception):
    """The empty side recorded other events than ours, so it is no floor of it."""


def shape_of(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dict[str, Any]:
    """External assets, steps, the runs of the newest backfill in their order, and how many events of each asset they recorded."""
    records = sorted(instance.get_run_records(), key=lambda record: record.storage_id)
    runs = [record.dagster_run for record in records]
    runs = [run for run in runs if run.tags[BACKFILL] == runs[-1].tags[BACKFILL]]
    return {
        "external": [spec.key.path for spec in definitions.assets or [] if isinstance(spec, dg.AssetSpec)],
        "steps": [_step(asset) for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition)],
        "runs": [_run(run) for run in runs],
        "events": count_events(instance, [run.run_id for run in runs]),
    }


def count_events(instance: dg.DagsterInstance, run_ids: list[str]) -> dict[str, int]:
    """The materializations and check evaluations of some runs, by type and asset."""
    entries = [entry for run_id in run_ids for entry in instance.all_logs(run_id, of_type=COUNTED)]
    events = [event for entry in entries if (event := entry.dagster_event)]
    return Counter(f"{event.event_type_value} of {event.asset_key.to_user_string()}" for event in events if event.asset_key)


def _step(asset: dg.AssetsDefinition) -> dict[str, Any]:
    checked = {spec.asset_key for spec in asset.check_specs}
    return {
        "name": asset.node_def.name,
        "pool": next(iter(asset.op.pools), None),
        "assets": [
            {
                "key": spec.key.path,
                "partitions": _partitions(spec.partitions_def),
                "deps": [{"key": dep.asset_key.path, "mapping": _mapping(dep.partition_mapping)} for dep in spec.deps],
                "checked": spec.key in checked,
            }
            for spec in asset.specs
        ],
    }


def _partitions(found: dg.PartitionsDefinition | None) -> dict[str, Any] | None:
    if found is None:
        return None
    if not isinstance(found, dg.TimeWindowPartitionsDefinition):
        raise TypeError(f"The empty side knows partitions by time only, and found {found}.")
    start, end = (moment.strftime(found.fmt) if moment else None for moment in (found.start, found.end))
    return {"start": start, "end": end, "cron_schedule": found.cron_schedule, "fmt": found.fmt, "timezone": found.timezone}


def _mapping(found: dg.PartitionMapping | None) -> dict[str, int] | None:
    if found is None:
        return None
    if not isinstance(found, dg.TimeWindowPartitionMapping):
        raise TypeError(f"The empty side knows mappings by time only, and found {found}.")
    return {"start_offset": found.start_offset, "end_offset": found.end_offset}


def _run(run: dg.DagsterRun) -> dict[str, Any]:
    tags = {name: value for name, value in run.tags.items() if name in RANGE}
    return {"assets": [key.path for key in run.asset_selection or ()], "tags": tags}


def main(command: str, shape: Path) -> None:
    """Write the shape, or raise EventsDiffer when the newest runs of the instance recorded other events than the shape says."""
    with dg.DagsterInstance.get() as instance:
        if command == "write":
            from flights.definitions import defs

            shape.write_text(json.dumps(shape_of(defs(), instance)))
            return
        wanted = json.loads(shape.read_text())
        newest = instance.get_runs(limit=len(wanted["runs"]))
        found = count_events(instance, [run.run_id for run in newest])
    if wrong := sorted(name for name in wanted["events"].keys() | found.keys() if wanted["events"].get(name) != found.get(name)):
        raise EventsDiffer(
            "; ".join(f"{name}: {wanted['events'].get(name, 0)} of ours, {found.get(name, 0)} of the empty side" for name in wrong)
        )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
