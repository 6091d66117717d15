"""Workplaces: what a killed process leaves in private is removed, what a living one needs is not, and an erasure waits for the living."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assay.cli.lake_reader import connect
from assay.erasure import waiting
from assay.erasure.waiting import StillAtWork, wait_until_gone
from assay.lake.duckdb_sql import lock
from assay.lake.workplaces import TEMPORARY, at_work, helping, sweep, workplace
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Iterator


def work_for_ever(scratch: Path) -> None:
    """In a process of its own: put a row into its folder and stay."""
    with workplace(scratch, "a build of sums") as folder:
        (folder / "rows").write_text("hers")
        print(folder, flush=True)
        threading.Event().wait()


def help_for_ever(folder: Path) -> None:
    with helping(folder):
        print("helping", flush=True)
        threading.Event().wait()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Child]:
    """Another process that is at work."""
    child = Child.start(work_for_ever, tmp_path)
    assert "work-" in child.stdout.readline()
    yield child
    if child.code is None:
        child.kill()


def rows(scratch: Path) -> list[str]:
    return [path.read_text() for path in scratch.rglob("rows")]


def test_a_workplace_is_gone_when_its_work_is_over_also_by_a_failure(tmp_path: Path) -> None:
    def work(fault: type[Exception]) -> None:
        with workplace(tmp_path / "scratch", "silver/x") as folder:
            (folder / "rows").write_text("hers")
            assert [one.folder for one in at_work(tmp_path / "scratch")] == [folder]
            raise fault("over")

    for fault in (ValueError, StopIteration):
        with pytest.raises(fault, match="over"):
            work(fault)
        assert at_work(tmp_path / "scratch") == []
        assert rows(tmp_path) == []


def test_what_a_living_process_has_stays_and_what_a_killed_one_left_goes(tmp_path: Path, other: Child) -> None:
    sweep(tmp_path)
    (one,) = at_work(tmp_path)
    assert one.name == f"a build of sums (process {other.pid})"
    assert rows(tmp_path) == ["hers"]
    other.kill()
    assert at_work(tmp_path) == []
    assert rows(tmp_path) == ["hers"]
    sweep(tmp_path)
    assert rows(tmp_path) == []


def test_of_two_processes_at_one_work_the_second_holds_it_after_the_first_is_killed(tmp_path: Path, other: Child) -> None:
    (one,) = at_work(tmp_path)
    second = Child.start(help_for_ever, one.folder)
    assert second.stdout.readline()
    other.kill()
    sweep(tmp_path)
    assert rows(tmp_path) == ["hers"]
    second.kill()
    sweep(tmp_path)
    assert rows(tmp_path) == []


def test_folders_of_builds_from_before_there_were_workplaces_go_and_the_lifelines_of_backfills_stay(tmp_path: Path) -> None:
    for name in ("gold-0123456789ab/assay.duckdb", "backfills/1f.lock"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backfills", "workplaces.lock"]


def test_an_erasure_waits_for_who_was_at_work_and_not_for_who_comes_later(tmp_path: Path, other: Child) -> None:
    said = list[str]()
    waiter = threading.Thread(target=wait_until_gone, args=(tmp_path, said.append))
    waiter.start()
    while not said:
        waiter.join(0.01)
    with workplace(tmp_path, "somebody who came later"):
        waiter.join(0.3)
        assert waiter.is_alive()
        other.kill()
        waiter.join(10)
        assert not waiter.is_alive()
        assert len(at_work(tmp_path)) == 1
    assert said == [f"Waiting for a build of sums (process {other.pid}): at work since before the erasure."]
    assert rows(tmp_path) == []


def test_who_does_not_end_is_named(tmp_path: Path, other: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(StillAtWork, match=rf"a build of sums \(process {other.pid}\); still at work\. Let them end"):
        wait_until_gone(tmp_path, lambda _: None)
    assert rows(tmp_path) == ["hers"]


@pytest.mark.slow
def test_a_query_that_does_not_fit_into_memory_works_in_a_temporary_folder_that_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    with connect(tmp_path / "lake") as connection:
        (where,) = connection.execute("SELECT current_setting('temp_directory')").fetchone() or ("",)
        connection.execute("SET memory_limit = '40MB'")
        lock(connection, [tmp_path / "lake"])
        query = "SELECT count(*) FROM (SELECT DISTINCT i, repeat('x', 50) || i FROM range(2000000) t(i))"
        assert connection.execute(query).fetchall() == [(2_000_000,)]
        assert Path(where).is_dir(), "it was needed"
        sweep(tmp_path)
        assert Path(where).is_dir(), "its process lives"
    assert not Path(where).exists()


def test_a_temporary_folder_of_a_killed_process_goes(tmp_path: Path, other: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    folder = tmp_path / f"{TEMPORARY}sql-{other.pid}-1f2e3d4c5b6a"
    folder.mkdir()
    (folder / "rows").write_text("hers")
    sweep(tmp_path / "scratch")
    assert folder.exists()
    other.kill()
    sweep(tmp_path / "scratch")
    assert not folder.exists()
