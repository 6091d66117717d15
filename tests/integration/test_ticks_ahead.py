"""What has ticked by a clock that was ahead ticks again by one that is right: by Dagster's own loops over a sensor and a schedule."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.grpc_server_registry import GrpcServerRegistry
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._grpc.server import GrpcServerCommand
from dagster._scheduler.scheduler import launch_scheduled_runs

from assay.orchestration import clock_rollback
from assay.orchestration.clock_rollback import believe, release, set_back
from assay.orchestration.ticks_ahead import newest_ticks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW, AHEAD, AN_HOUR = datetime(2024, 3, 5, 12, 30, tzinfo=UTC), timedelta(days=3), timedelta(hours=1)
RUNNING = {"default_status": dg.DefaultSensorStatus.RUNNING}
QUIET = logging.getLogger("quiet")


@dg.sensor(name="looks", minimum_interval_seconds=30, **RUNNING)
def looks(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """It counts its ticks in its cursor."""
    context.update_cursor(str(int(context.cursor or 0) + 1))
    return dg.SkipReason("seen")


@dg.job
def nothing() -> None:
    """What the schedule would start."""


@dg.schedule(cron_schedule="0 * * * *", job=nothing, default_status=dg.DefaultScheduleStatus.RUNNING, execution_timezone="UTC")
def hourly() -> dg.SkipReason:
    return dg.SkipReason("seen")


defs = dg.Definitions(sensors=[looks], schedules=[hourly], jobs=[nothing])


@dataclass
class Daemon:
    """Dagster's loops over a persistent instance, by whatever clock."""

    instance: dg.DagsterInstance
    workspace: Any
    iterations: dict[str, Any] = field(default_factory=dict)  # what a daemon remembers of its schedules

    def ticks(self, at: datetime) -> dict[str, int]:
        """How many ticks of each there are after one round at this time."""
        with freeze_time(at):
            errors = [
                *launch_scheduled_runs(self.workspace, QUIET, at, self.iterations),
                *execute_sensor_iteration(self.workspace, QUIET, None, None),
            ]
        assert not [one for one in errors if one]
        states = self.instance.all_instigator_state()
        return {one.instigator_name: len(self.instance.get_ticks(one.instigator_origin_id, one.selector_id)) for one in states}


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="test_ticks_ahead", attribute="defs"), location_name="clocks")
    servers = GrpcServerRegistry(
        None, GrpcServerCommand.API_GRPC, heartbeat_ttl=30, startup_timeout=30, wait_for_processes_on_shutdown=False
    )
    with (
        dg.DagsterInstance.local_temp() as instance,
        WorkspaceProcessContext(instance, InProcessWorkspaceLoadTarget(origin), grpc_server_registry=servers) as workspace,
    ):
        yield Daemon(instance, workspace)


@pytest.fixture
def was_ahead(daemon: Daemon) -> Daemon:
    """Both have ticked by a clock that was three days ahead."""
    daemon.ticks(NOW + AHEAD - AN_HOUR)
    assert daemon.ticks(NOW + AHEAD) == {"looks": 2, "hourly": 1}
    return daemon


def shows(monkeypatch: pytest.MonkeyPatch, at: datetime) -> None:
    monkeypatch.setattr(clock_rollback, "wall_clock", lambda: at)


def test_a_sensor_ticks_at_once_when_it_is_released_and_that_the_clock_was_ahead_stays_known(
    was_ahead: Daemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shows(monkeypatch, NOW)
    assert was_ahead.ticks(NOW) == {"looks": 2, "hourly": 1}, "Dagster waits"
    assert release(was_ahead.instance) == ["looks"]
    assert was_ahead.ticks(NOW) == {"looks": 2, "hourly": 1}, "its interval is not over"
    shows(monkeypatch, NOW + timedelta(minutes=1))
    assert was_ahead.ticks(NOW + timedelta(minutes=1)) == {"looks": 3, "hourly": 1}
    assert release(was_ahead.instance) == []
    (state,) = (one for one in was_ahead.instance.all_instigator_state() if one.instigator_name == "looks")
    assert state.instigator_data.cursor == "3"
    said = set_back(tmp_path, was_ahead.instance)
    assert said is not None
    assert "ticked at 2024-03-08 12:30:00 UTC" in said


def test_schedules_too_go_on_when_somebody_says_that_the_clock_is_right(
    was_ahead: Daemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shows(monkeypatch, NOW)
    believe(tmp_path, was_ahead.instance)
    assert set_back(tmp_path, was_ahead.instance) is None
    assert max(at for _, at in newest_ticks(was_ahead.instance)) == NOW
    assert was_ahead.ticks(NOW + AN_HOUR) == {"looks": 3, "hourly": 1}, "the daemon that runs remembers how long the schedule waits"
    was_ahead.iterations = {}
    assert was_ahead.ticks(NOW + AN_HOUR) == {"looks": 3, "hourly": 2}


def test_a_clock_that_is_corrected_by_seconds_releases_nothing(was_ahead: Daemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shows(monkeypatch, NOW + AHEAD - timedelta(seconds=5))
    assert release(was_ahead.instance) == []
    assert set_back(tmp_path, was_ahead.instance) is None
