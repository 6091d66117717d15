"""What all tests share, and the tiers: a unit test that needs a heavy engine or a broker fails with the place to move it to."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import alembic_once  # noqa: F401  # it is imported to take effect
import contracts_once  # noqa: F401  # as this is

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# A busy machine is no fault of an example, and what passed yesterday passes today; `--hypothesis-profile exploring` draws other examples.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("exploring", deadline=None)
settings.load_profile("steady")

# By Python's own numbers a twentieth of the time goes into looking for garbage among a million objects that Dagster and dbt keep.
gc.set_threshold(50_000, 20, 10)

UNIT = Path(__file__).parent / "unit"
HEAVY = {"pyspark", "dbt", "dagster_dbt", "confluent_kafka"}


class Tier:
    """An import hook that refuses heavy packages while a unit test is collected or run."""

    unit = False

    def find_spec(self, name: str, *_: object) -> None:
        if self.unit and name.partition(".")[0] in HEAVY:
            raise ImportError(f"tests/unit may not import {name}: move the test to tests/integration")


tier = Tier()
sys.meta_path.insert(0, tier)  # type: ignore[arg-type]


@contextmanager
def tier_of(path: Path) -> Iterator[None]:
    tier.unit = path.is_relative_to(UNIT)
    try:
        yield
    finally:
        tier.unit = False


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, object, object]:
    with tier_of(collector.path):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with tier_of(item.path):
        return (yield)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """The root of an empty lake."""
    return tmp_path / "lake"
