"""Lifelines: how a backfill learns that an earlier one was killed.

A run that is executed in its caller's own process has nobody who notices its death: it would stay "started" for ever and keep its pools,
and the next writer of those tables would wait for ever. So each backfill holds a lock on a file, which the kernel lets go when the process
dies, and the next backfill ends the runs of every lifeline that nobody holds.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BACKFILL_TAG = "assay/backfill"
ALIVE = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.CANCELING]


@contextmanager
def lifeline(folder: Path, backfill: str) -> Iterator[None]:
    """Hold the lifeline of a backfill; it is removed when the backfill ends, and left behind, unlocked, when its process is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{backfill}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def end_abandoned_runs(folder: Path, instance: dg.DagsterInstance) -> list[str]:
    """Fail the unfinished runs of killed backfills and free the pools that they hold. Returns their run ids."""
    ended = []
    for path in sorted(folder.glob("*.lock")):
        with path.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # alive
            for run in _unfinished(path.stem, instance):
                instance.report_run_failed(run, "The process of this backfill was killed. What it published stays; run the backfill again.")
                ended.append(run.run_id)
            _free_pools(path.stem, instance)
            path.unlink(missing_ok=True)
    return ended


def cancel_runs(backfill: str, instance: dg.DagsterInstance, by: str) -> None:
    """Cancel the unfinished runs of a backfill whose process ends now, and free the pools that they hold."""
    for run in _unfinished(backfill, instance):
        instance.report_run_canceled(run, f"The backfill was stopped by {by}. What it published stays; run the backfill again.")
    _free_pools(backfill, instance)


def _unfinished(backfill: str, instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    return instance.get_runs(dg.RunsFilter(tags={BACKFILL_TAG: backfill}, statuses=ALIVE))


def _free_pools(backfill: str, instance: dg.DagsterInstance) -> None:
    """Also those of runs that ended by themselves: a process killed right afterwards may still hold one."""
    for run in instance.get_runs(dg.RunsFilter(tags={BACKFILL_TAG: backfill})):
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
