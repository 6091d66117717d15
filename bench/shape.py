"""The shape of a backfill: the assets of the product and the runs that Assay made of them, without what they do.

Written as JSON before the measured span begins, because the empty side must not pay for loading our definitions:
`python bench/shape.py SHAPE` in the environment of a home in which a backfill ran. Its runs since the last shape are taken.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from flights.definitions import defs

COUNTED = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION}
RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def shape_of(definitions: dg.Definitions, instance: dg.DagsterInstance, runs_before: int) -> dict[str, Any]:
    """Steps, runs (in the order in which they were made, the first `runs_before` left out) and the number of asset events of those runs."""
    runs = sorted(instance.get_run_records(), key=lambda record: record.storage_id)[runs_before:]
    return {
        "steps": [step for asset in definitions.assets or [] if isinstance(asset, dg.AssetsDefinition) for step in _step(asset)],
        "external": [spec.key.path for spec in definitions.assets or [] if isinstance(spec, dg.AssetSpec)],
        "runs": [_run(record.dagster_run) for record in runs],
        "events": sum(count_events(instance, record.dagster_run.run_id).total() for record in runs),
    }


def count_events(instance: dg.DagsterInstance, run_id: str) -> Counter[str]:
    """The materializations and check evaluations of a run, by type and asset."""
    events = [entry.get_dagster_event() for entry in instance.all_logs(run_id, of_type=COUNTED)]
    return Counter(f"{event.event_type_value} {event.asset_key}" for event in events)


def _step(asset: dg.AssetsDefinition) -> Iterator[dict[str, Any]]:
    checked = {spec.asset_key for spec in asset.check_specs}
    yield {
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
    assert isinstance(found, dg.TimeWindowPartitionsDefinition), found
    window = {"start": found.start.replace(tzinfo=None), "end": found.end.replace(tzinfo=None) if found.end else None}
    text = {name: moment.strftime(found.fmt) if moment else None for name, moment in window.items()}
    return text | {"cron_schedule": found.cron_schedule, "fmt": found.fmt, "timezone": found.timezone}


def _mapping(found: dg.PartitionMapping | None) -> dict[str, int] | None:
    if found is None:
        return None
    assert isinstance(found, dg.TimeWindowPartitionMapping), found
    return {"start_offset": found.start_offset, "end_offset": found.end_offset}


def _run(run: dg.DagsterRun) -> dict[str, Any]:
    return {
        "assets": [key.path for key in run.asset_selection or ()],
        "tags": {name: value for name, value in run.tags.items() if name in RANGE},
    }


def main(target: Path) -> None:
    """Write the shape of the runs that the instance has and the file does not."""
    with dg.DagsterInstance.get() as instance:
        target.write_text(json.dumps(shape_of(defs(), instance, 0)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
