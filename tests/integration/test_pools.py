"""Whatever way the last process ended, the next one that needs its pool goes on; whoever waits for a living one says for whom."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
import uuid
from contextlib import closing
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from pool_writers import BACKFILL, POOL, fill, hang_as_backfill, hang_as_launched, hanging, sink_job, waits_for_a_lock

from assay.orchestration import pools
from assay.orchestration.instance import instance_of
from assay.orchestration.pools import free_the_dead
from assay.orchestration.run_locks import RunLocks
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Ending = Callable[[dg.DagsterInstance, dg.DagsterRun], None]

WAYS = [hang_as_backfill, hang_as_launched]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an instance, with the file that every home gets: to make its databases takes seconds."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "dagster.yaml").write_bytes(files("assay.orchestration").joinpath("dagster.yaml").read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder))
        with instance_of(folder) as instance:
            goes_on(instance)
            instance.delete_run(the_run(instance).run_id)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(made, tmp_path / "dagster")


@pytest.fixture
def instance(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    monkeypatch.setattr(pools, "LOOK_SECONDS", 0.1)
    with instance_of(folder) as opened:
        yield opened


def the_run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    (run,) = instance.get_runs()
    return run


def goes_on(instance: dg.DagsterInstance) -> list[str]:
    """The next run gets the pool; what it said while it waited."""
    said: list[str] = []
    assert fill(instance, str(uuid.uuid4()), said.append).success
    assert not instance.event_log_storage.get_concurrency_info(POOL).claimed_slots
    return said


def killed(_: dg.DagsterInstance, __: dg.DagsterRun) -> None:
    """Nothing else happened."""


def deleted(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.delete_run(run.run_id)


def cancelled(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_run_canceled(run, "Marked as cancelled in the UI.")


def failed_by_another(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_run_failed(run, "The code server found that its process had ended.")


def asked_to_end(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    instance.report_run_canceling(run)


@pytest.mark.parametrize("way", WAYS)
def test_a_pool_of_a_dead_run_goes_to_the_next(way: Any, folder: Path, instance: dg.DagsterInstance) -> None:
    for how in (killed, deleted, cancelled) if way is hang_as_backfill else (asked_to_end, failed_by_another):
        hanging(way, folder).kill()
        dead = the_run(instance)
        how(instance, dead)
        goes_on(instance)
        free_the_dead(instance)
        after = instance.get_run_by_id(dead.run_id)
        assert after is None if how is deleted else after is not None and after.is_finished
        if how is asked_to_end:
            assert after is not None
            assert after.status is dg.DagsterRunStatus.CANCELED  # as failed the daemon would start it again
        assert not RunLocks.of(instance).left()
        for run in instance.get_runs():
            instance.delete_run(run.run_id)


def test_a_backfill_whose_lifeline_was_unlinked_before_its_run_was_recorded_frees_its_pool(
    folder: Path, instance: dg.DagsterInstance
) -> None:
    """As versions before left it, when the disk was full on the way out."""
    hanging(hang_as_backfill, folder).kill()
    RunLocks.of(instance).remove(BACKFILL)
    goes_on(instance)


@pytest.mark.parametrize("way", WAYS)
def test_a_living_holder_is_waited_for_and_named(
    way: Any, folder: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "SAY_SECONDS", 0.5)
    holder, said = hanging(way, folder), list[str]()
    run, waiter = the_run(instance), str(uuid.uuid4())

    def hear(words: str) -> None:
        said.append(words)
        if len(said) == 3:
            holder.kill()

    assert fill(instance, waiter, hear).success
    assert f"sink waits for the pool {POOL}. Run {run.run_id[:8]} has it: " in said[0]
    assert f"process {holder.pid} on " in said[0]
    assert len(said) == 3
    messages = [entry.message for entry in instance.all_logs(waiter)]
    assert messages.count(said[0]) == 3
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE


def test_a_living_run_is_left_alone(folder: Path, instance: dg.DagsterInstance) -> None:
    for way in WAYS:
        holder = hanging(way, folder)
        assert free_the_dead(instance) == []
        assert instance.event_log_storage.get_concurrency_info(POOL).claimed_slots
        holder.kill()
        assert len(free_the_dead(instance)) == 1
        assert free_the_dead(instance) == []


def test_a_run_that_nobody_knows_is_waited_for_by_name(instance: dg.DagsterInstance) -> None:
    stranger = instance.create_run_for_job(sink_job(), status=dg.DagsterRunStatus.STARTED)
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    instance.event_log_storage.claim_concurrency_slot(POOL, stranger.run_id, "elsewhere")
    said: list[str] = []

    def hear(words: str) -> None:
        said.append(words)
        instance.delete_run(stranger.run_id)

    assert fill(instance, str(uuid.uuid4()), hear).success
    assert f"UI, Deployment, Concurrency, {POOL}, Free slots." in said[0]


def test_a_queue_that_nobody_calls_is_called(instance: dg.DagsterInstance) -> None:
    """Dagster calls the next when a slot is given back: whoever is killed between the two, or queues between them, leaves nobody called."""
    storage: Any = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(POOL)
    waiter = str(uuid.uuid4())
    storage.add_pending_step(POOL, waiter, "sink", should_assign=False)
    assert fill(instance, waiter, lambda _: None).success
    assert not storage.get_concurrency_info(POOL).pending_steps


def test_a_launched_run_says_whose_lock_on_a_database_it_waits_for(folder: Path, tmp_path: Path, instance: dg.DagsterInstance) -> None:
    at_work, goes, said = (tmp_path / name for name in ("at-work", "goes", "said"))
    child = Child.start(waits_for_a_lock, str(at_work), str(goes), str(said))
    until(at_work.exists, child)
    with closing(sqlite3.connect(folder / "history/runs/index.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        goes.touch()
        until(lambda: "is locked" in said.read_text(), child)
    child.rest()
    assert f"assay: {folder}/history/runs/index.db is locked: process {os.getpid()} (" in said.read_text()
    assert child.code == 0
    assert the_run(instance).is_success


def until(found: Callable[[], bool], child: Child) -> None:
    while not found():
        assert child.code is None
        time.sleep(0.02)
