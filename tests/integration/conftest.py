"""Worlds are built once per session and copied, because building one takes seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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
