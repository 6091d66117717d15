"""The floor of Dagster: a code location of the same shape whose assets do nothing, run as often, reporting the same events.

`python bench/empty.py SHAPE` in the environment of an instance. Imports nothing of Assay: what recording costs without any platform.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

CHECK = "contract"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def empty_step(step: dict[str, Any]) -> dg.AssetsDefinition:
    """A step that only reports: a check evaluation for each checked asset and partition, and a materialization of each asset."""
    specs = [_spec(asset) for asset in step["assets"]]
    checked = {spec.key for spec, asset in zip(specs, step["assets"], strict=True) if asset["checked"]}
    checks = [
        dg.AssetCheckSpec(CHECK, asset=spec.key, blocking=True, partitions_def=spec.partitions_def) for spec in specs if spec.key in checked
    ]

    @dg.multi_asset(
        name=step["name"],
        specs=specs,
        check_specs=checks,
        can_subset=True,
        pool=step["pool"],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def empty(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        partitioned = context.has_partition_key_range or context.has_partition_key
        for key in sorted(context.selected_asset_keys):
            for partition in (context.partition_keys if partitioned else [None]) if key in checked else []:
                context.log_event(dg.AssetCheckEvaluation(asset_key=key, check_name=CHECK, passed=True, partition=partition))
            yield dg.MaterializeResult(asset_key=key)

    return empty


def _spec(asset: dict[str, Any]) -> dg.AssetSpec:
    deps = [dg.AssetDep(dep["key"], partition_mapping=_mapping(dep["mapping"])) for dep in asset["deps"]]
    return dg.AssetSpec(asset["key"], deps=deps, partitions_def=_partitions(asset["partitions"]))


def _partitions(found: dict[str, Any] | None) -> dg.PartitionsDefinition | None:
    return dg.TimeWindowPartitionsDefinition(**found) if found else None


def _mapping(found: dict[str, int] | None) -> dg.PartitionMapping | None:
    return dg.TimeWindowPartitionMapping(**found, allow_nonexistent_upstream_partitions=True) if found else None


def main(shape: Path) -> None:
    """Make the code location, then each run of the shape, one after the other, in this process, as our backfill does."""
    warnings.simplefilter("ignore")
    found = json.loads(shape.read_text())
    assets = [dg.AssetSpec(key) for key in found["external"]] + [empty_step(step) for step in found["steps"]]
    job = dg.Definitions(assets=assets, executor=dg.in_process_executor).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.get() as instance:
        for run in found["runs"]:
            selection = [dg.AssetKey(path) for path in run["assets"]]
            job.execute_in_process(run_config=QUIET, instance=instance, asset_selection=selection, tags=run["tags"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
