"""Writers that take turns in a pool, in processes of their own, and a real instance in which they claim it."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from assay.orchestration import sqlite_patience
from assay.orchestration.executor import guarded_executor
from assay.orchestration.instance import instance_of
from assay.orchestration.pools import watching
from assay.orchestration.run_locks import BACKFILL_TAG, RunLocks
from nursery import Child

POOL, WAITS_TAG, GOES_TAG, BACKFILL = "sink", "test/waits", "test/goes", "b1b2b3b4"


@dg.asset(pool=POOL)
def sink(context: dg.AssetExecutionContext) -> None:
    """Says that it is at work, and stays so as long as the run's tag asks for it."""
    if place := context.run.tags.get(WAITS_TAG):
        Path(place).touch()
        time.sleep(600)


def sink_job() -> dg.JobDefinition:
    return dg.Definitions(assets=[sink], jobs=[dg.define_asset_job("fill")], executor=guarded_executor).resolve_job_def("fill")


def fill(instance: dg.DagsterInstance, run_id: str, tell: Callable[[str], None], **tags: str) -> dg.ExecuteInProcessResult:
    """A run in this process, as a backfill executes it."""
    with watching(instance, run_id, tell):
        return sink_job().execute_in_process(instance=instance, run_id=run_id, tags=tags, raise_on_error=False)


def hang_as_backfill(folder: str, at_work: str) -> None:
    """In a child: the run of a backfill that never ends."""
    with instance_of(Path(folder)) as instance, RunLocks.of(instance).hold(BACKFILL, "assay backfill"):
        sink_job().execute_in_process(instance=instance, tags={BACKFILL_TAG: BACKFILL, WAITS_TAG: at_work})


def hang_as_launched(folder: str, at_work: str) -> None:
    """In a child: a run as the daemon's launcher executes it, by the executor of the code location."""
    with instance_of(Path(folder)) as instance:
        dg.execute_job(dg.reconstructable(sink_job), instance, tags={WAITS_TAG: at_work})


@dg.asset
def late(context: dg.AssetExecutionContext) -> None:
    """Says that it is at work, and ends when it is told to."""
    Path(context.run.tags[WAITS_TAG]).touch()
    while not Path(context.run.tags[GOES_TAG]).exists():
        time.sleep(0.02)


def late_job() -> dg.JobDefinition:
    return dg.Definitions(assets=[late], jobs=[dg.define_asset_job("wait")], executor=guarded_executor).resolve_job_def("wait")


def waits_for_a_lock(at_work: str, goes: str, said: str) -> None:
    """In a child: a run as the daemon's launcher executes it, whose standard error is a file."""
    sqlite_patience.SAY_SECONDS = 0.2
    sys.stderr = Path(said).open("w", encoding="utf-8")  # noqa: SIM115  # to the end of the process
    with dg.DagsterInstance.get() as instance:
        dg.execute_job(dg.reconstructable(late_job), instance, tags={WAITS_TAG: at_work, GOES_TAG: goes}, raise_on_error=True)


def hanging(work: Callable[[str, str], None], folder: Path) -> Child:
    """A child whose run holds the pool."""
    at_work = folder / "at-work"
    at_work.unlink(missing_ok=True)
    child = Child.start(work, str(folder), str(at_work))
    while not at_work.exists():
        assert child.code is None
        time.sleep(0.02)
    return child
