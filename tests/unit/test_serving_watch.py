"""What is said of a home while it is served: once that it cannot be written to, once that it can again; and when there is an end to it."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from assay.cli.serving_children import ServerEnded
from assay.cli.serving_clock import ClockWatch
from assay.cli.serving_watch import HomeWatch
from assay.lake.latest_commit_time import disbelieve
from assay.orchestration.instance import DATABASES
from assay.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def watch(tmp_path: Path) -> HomeWatch:
    """A home whose instance was looked at once."""
    watch = HomeWatch(Settings(tmp_path / "home", tmp_path / "dbt"))
    for name in DATABASES:
        (watch.settings.dagster_home / name).parent.mkdir(parents=True, exist_ok=True)
        (watch.settings.dagster_home / name).write_bytes(b"rows")
    watch.look()
    return watch


def test_a_home_in_order_is_not_spoken_of(watch: HomeWatch, capsys: pytest.CaptureFixture[str]) -> None:
    (watch.settings.dagster_home / DATABASES[0]).write_bytes(b"more rows")
    watch.look()
    assert capsys.readouterr() == ("", "")


def test_an_instance_that_is_removed_or_moved_ends_the_service(watch: HomeWatch) -> None:
    shutil.rmtree(watch.settings.dagster_home)
    with pytest.raises(ServerEnded, match=r"home/dagster is not there any more.*start `assay serve` again"):
        watch.look()


def test_a_copy_that_is_put_in_the_place_of_a_database_ends_the_service(watch: HomeWatch) -> None:
    database = watch.settings.dagster_home / DATABASES[1]
    shutil.copy(database, database.with_suffix(".copy"))
    database.with_suffix(".copy").replace(database)
    with pytest.raises(ServerEnded, match=r"index\.db is another one than before"):
        watch.look()


def test_a_database_that_dagster_makes_later_is_known_from_then_on(watch: HomeWatch, tmp_path: Path) -> None:
    fresh = HomeWatch(Settings(tmp_path / "new", tmp_path / "dbt"))
    fresh.settings.dagster_home.mkdir(parents=True)
    fresh.look()
    shutil.copytree(watch.settings.dagster_home, fresh.settings.dagster_home, dirs_exist_ok=True)
    fresh.look()
    (fresh.settings.dagster_home / DATABASES[0]).unlink()
    with pytest.raises(ServerEnded, match=r"runs\.db is not there any more"):
        fresh.look()


def test_a_home_that_cannot_be_written_to_is_said_once_and_once_that_it_can_again(
    watch: HomeWatch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    allowed = os.access
    with monkeypatch.context() as patched:  # root may write wherever modes forbid it, and nobody else may mount a file system
        patched.setattr(os, "access", lambda path, mode: mode != os.W_OK and allowed(path, mode))
        watch.look()
        watch.look()
    watch.look()
    watch.look()
    first, second = capsys.readouterr().err.splitlines()
    assert "home cannot be written to. Until that is mended no run succeeds; then this goes on by itself." in first
    assert second.endswith("home can be written to again.")


def test_the_daemon_is_started_again_when_somebody_has_said_that_the_clock_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, again = Settings(tmp_path / "home", tmp_path / "dbt"), list[bool]()
    settings.dagster_home.mkdir(parents=True)
    (settings.dagster_home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    waiting = [["arrivals", "alerts"], []]
    monkeypatch.setattr("assay.orchestration.clock_rollback.release", lambda _: waiting.pop(0))
    clock = ClockWatch(settings, lambda: again.append(True))
    clock.look()
    assert (
        capsys.readouterr().err == "assay: arrivals, alerts had ticked at a later time than the clock shows now, and go on all the same.\n"
    )
    clock.look()
    assert (len(waiting), again) == (1, []), "it looks at ticks once a minute"
    disbelieve(settings.lake, {"the sensor arrivals ticked": datetime(2031, 1, 1, tzinfo=UTC)})
    for _ in range(2):
        clock.look()
    assert again == [True]
    assert capsys.readouterr().err.startswith("assay: the clock is right, somebody has said")
    clock.due = 0.0
    clock.look()
    assert (waiting, capsys.readouterr().err) == ([], "")
