"""Pools: nobody waits for ever for a slot. What is held by nobody is freed, what is held by somebody is named.

A claim is nobody's when its run has ended or was deleted, and when the process that executed its run is gone (`run_locks`). Each process
that waits looks for such claims itself, so it depends on no daemon; the arrival sensor looks for runs that nobody waits for.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from assay.orchestration.background import beside
from assay.orchestration.run_locks import BACKFILL_TAG, RunLocks, run_lock_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

UNFINISHED = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.CANCELING]
GONE = "The process that executed this run is gone ({}). What it published stays; run it again."
LOOK_SECONDS, SAY_SECONDS = 1, 60
SHOWN = 8  # characters of a run's id, as the UI shows them


@dataclass(frozen=True, slots=True)
class Wait:
    """A step that waits for a pool, and the runs that have its slots or are called before it."""

    step: str
    pool: str
    holders: tuple[str, ...]


def free_the_dead(instance: dg.DagsterInstance) -> list[str]:
    """End the runs whose process is gone, and free each claim that nobody holds. Returns the ids of the runs that were ended."""
    run_locks = RunLocks.of(instance)
    left = run_locks.left()
    gone = [run for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) if _is_gone(run, run_locks)]
    # asked again, now that their processes can record nothing more: one may have ended well since
    ended = [run for run in gone if (now := instance.get_run_by_id(run.run_id)) and not now.is_finished]
    for run in ended:
        known = run_locks.holder(run_lock_of(run))
        _end(run, instance, GONE.format(known or "it has left no run lock"))
    _free_claims(instance)
    for name in left:  # last: whatever could not be recorded until here, the next who looks finds as it was
        run_locks.remove(name)
    return [run.run_id for run in ended]


def settle(backfill: str, instance: dg.DagsterInstance, why: str, *, stopped: bool = False) -> None:
    """Record the runs of a backfill that ends now as ended, whatever it is that ends it, and free their claims."""
    for run in instance.get_runs(dg.RunsFilter(tags={BACKFILL_TAG: backfill})):
        if run_lock_of(run) == backfill:
            if run.status in UNFINISHED:
                _end(run, instance, why, stopped=stopped)
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def _end(run: dg.DagsterRun, instance: dg.DagsterInstance, why: str, *, stopped: bool = False) -> None:
    """Record that a run has ended. One that somebody wants to be cancelled is: as failed, the daemon would start it again."""
    wanted = stopped or run.status is dg.DagsterRunStatus.CANCELING
    (instance.report_run_canceled if wanted else instance.report_run_failed)(run, why)


def _is_gone(run: dg.DagsterRun, run_locks: RunLocks) -> bool:
    """Whether a run that is not recorded as ended has lost its process. One of a backfill never is without a run lock while that lives."""
    name = run_lock_of(run)
    return (run_locks.is_there(name) or name != run.run_id) and not run_locks.is_held(name)


def _free_claims(instance: dg.DagsterInstance) -> None:
    """Of runs that have ended or were deleted; then let those in the queue have what is free."""
    storage: Any = instance.event_log_storage  # its base class does not declare all that each storage can do
    infos = storage.get_concurrency_infos(sorted(storage.get_concurrency_keys())).values()
    for run_id in {claim.run_id for info in infos for claim in (*info.claimed_slots, *info.pending_steps)}:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            storage.free_concurrency_slots_for_run(run_id)
    for info in infos:
        # who was killed between giving its slot back and calling the next, or gave it back while another queued, leaves nobody called
        now = storage.get_concurrency_info(info.concurrency_key)
        if now.pending_step_count and now.assigned_step_count < now.slot_count:
            storage.assign_pending_steps([info.concurrency_key])


def waits(instance: dg.DagsterInstance, run_id: str) -> list[Wait]:
    """The steps of a run that wait for a pool."""
    storage, found = instance.event_log_storage, []
    for info in storage.get_concurrency_infos(sorted(storage.get_concurrency_keys())).values():
        claimed = {(claim.run_id, claim.step_key) for claim in info.claimed_slots}
        holders = tuple(sorted(({one for one, _ in claimed} | info.assigned_run_ids) - {run_id}))
        waiting = [step.step_key for step in info.pending_steps if step.run_id == run_id and (run_id, step.step_key) not in claimed]
        found += [Wait(step, info.concurrency_key, holders) for step in waiting]
    return found


def told(wait: Wait, instance: dg.DagsterInstance) -> str:
    """What waits for whom, as sentences that say what to do."""
    return f"{wait.step} waits for the pool {wait.pool}. " + " ".join(_holding(run_id, wait.pool, instance) for run_id in wait.holders)


def _holding(run_id: str, pool: str, instance: dg.DagsterInstance) -> str:
    run = instance.get_run_by_id(run_id)
    holder = RunLocks.of(instance).holder(run_lock_of(run)) if run else None
    if holder:
        return f"Run {run_id[:SHOWN]} has it: {holder}. This goes on when that run ends; one that hangs is ended by ending its process."
    where = f"UI, Deployment, Concurrency, {pool}, Free slots"
    return f"Run {run_id[:SHOWN]} has it; which process that is, is not known here. If there is none any more, free the pool: {where}."


@contextmanager
def watching(instance: dg.DagsterInstance, run_id: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, a run that waits for a pool frees what nobody holds. For whom it waits is told, and in its log, at first and now and then."""
    with beside("pools", partial(_watch, instance, run_id, tell)):
        yield


def _watch(instance: dg.DagsterInstance, run_id: str, tell: Callable[[str], None], over: threading.Event) -> None:
    said: dict[Wait, float] = {}
    while not over.wait(LOOK_SECONDS):
        try:
            if waits(instance, run_id):
                free_the_dead(instance)
            for wait in waits(instance, run_id):
                if wait.holders and time.monotonic() - said.get(wait, -SAY_SECONDS) >= SAY_SECONDS:
                    said[wait] = time.monotonic()
                    _say(told(wait, instance), run_id, instance, tell)
        except (SQLAlchemyError, OSError):
            continue  # a storage that cannot be asked now is asked again; the run itself says so when it cannot go on


def _say(words: str, run_id: str, instance: dg.DagsterInstance, tell: Callable[[str], None]) -> None:
    tell(words)
    if run := instance.get_run_by_id(run_id):
        instance.report_engine_event(words, run)
