"""Worlds are built once per session and copied, because building one takes seconds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from payers_till import Till
from small_world import World

from assay.gold import dbt_process
from assay.orchestration import backfill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session", autouse=True)
def one_dbt() -> Iterator[None]:
    """One process runs dbt for all backfills: each ends its own, and the next would need five CPU seconds to start another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backfill, "dbt_process", SimpleNamespace(start=dbt_process.start, stop=lambda: None))
        yield
    dbt_process.stop()


@pytest.fixture(scope="session")
def built_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Three days, built once, to be looked at only."""
    world = World(tmp_path_factory.mktemp("world") / "home")
    world.drop()
    failed = [ran for ran in world.backfill() if ran.failure]
    assert not failed, failed
    return world


@pytest.fixture
def world(built_world: World, tmp_path: Path) -> World:
    """A copy of the built world that a test may change, with a Dagster instance that has not seen anything yet."""
    return built_world.copy_to(tmp_path / "home")


@pytest.fixture
def empty_world(tmp_path: Path) -> World:
    """A home in which nothing has landed."""
    return World(tmp_path / "home")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was printed since the last look."""
    return lambda: capsys.readouterr().out


@pytest.fixture(scope="session")
def opened_till(tmp_path_factory: pytest.TempPathFactory) -> Till:
    """Payers, their payments and sums of them in gold, built once."""
    return Till.opened(tmp_path_factory.mktemp("till") / "till")


@pytest.fixture
def till(opened_till: Till, tmp_path: Path) -> Till:
    """A copy of it that a test may change."""
    return opened_till.copy_to(tmp_path / "till")
