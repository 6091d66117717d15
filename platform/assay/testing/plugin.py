"""The pytest plugin of Assay: a temporary lake as a fixture. pytest loads it in every suite, so it imports nothing until it is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from assay.testing.temporary_lake import TemporaryLake


@pytest.fixture
def temporary_lake(tmp_path: Path) -> TemporaryLake:
    """An empty lake of this project's contracts and models: home, landing, masking keys and Dagster instance of this test alone."""
    from assay.testing.temporary_lake import TemporaryLake

    return TemporaryLake(tmp_path / "home")
