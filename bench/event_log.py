"""What recording costs: an empty year of three assets with a partitioned check each, through our event log and through the stock one.

Prints the median ratio of CPU seconds over interleaved rounds. Nothing is computed or stored but events, so the rest is Dagster's own work.
"""

import logging
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dagster as dg

ROUNDS = 3
DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")
OURS = "event_log_storage: {module: assay.orchestration.event_log, class: OpenSqliteEventLogStorage}\n"


class Cost(NamedTuple):
    """CPU and wall seconds of a run, and the number of its events."""

    cpu: float
    wall: float
    events: int


def empty_asset(name: str, upstream: list[str]) -> dg.AssetsDefinition:
    """An asset that does nothing but report."""
    check = dg.AssetCheckSpec("contract", asset=name, partitions_def=DAYS, blocking=True)

    @dg.asset(name=name, deps=upstream, partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), check_specs=[check])
    def empty(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        for day in context.partition_keys:
            context.log_event(dg.AssetCheckEvaluation(asset_key=context.asset_key, check_name="contract", passed=True, partition=day))
        yield dg.MaterializeResult()
        yield dg.AssetCheckResult(passed=True)

    return empty


def backfill(assets: list[dg.AssetsDefinition], config: str) -> Cost:
    """Run all days of `assets` in one run, in an instance of its own."""
    days = DAYS.get_partition_keys()
    tags = {"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[-1]}
    with tempfile.TemporaryDirectory() as home:
        os.environ["DAGSTER_HOME"] = home
        Path(home, "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\n{config}")
        with dg.DagsterInstance.get() as instance:
            cpu, wall = time.process_time(), time.perf_counter()
            run = dg.materialize(assets, instance=instance, tags=tags)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            return Cost(cpu, wall, len(instance.all_logs(run.run_id)))


def main() -> None:
    """Print one line: the ratio, then both costs."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # else the terminal is measured too
    os.environ["DAGSTER_EVENT_BATCH_SIZE"] = "1000"
    assets = [empty_asset("bronze", []), empty_asset("silver", ["bronze"]), empty_asset("gold", ["silver"])]
    rounds = [(backfill(assets, OURS), backfill(assets, "")) for _ in range(ROUNDS)]
    ratio = statistics.median(ours.cpu / stock.cpu for ours, stock in rounds)
    ours, stock = (sorted(costs)[ROUNDS // 2] for costs in zip(*rounds, strict=True))
    said = [
        f"{name} {cost.cpu:.2f} CPU s, {cost.wall:.2f} wall s, {1e3 * cost.cpu / cost.events:.2f} ms per event"
        for name, cost in (("ours", ours), ("stock", stock))
    ]
    print(f"event_log: {ratio:.2f} x of stock ({'; '.join(said)}; {ours.events} events)")


if __name__ == "__main__":
    main()
