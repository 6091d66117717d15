"""Folders that appear whole or not at all, and the parts of a dbt project that do not belong to one product."""

from __future__ import annotations

import shutil
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assay.project_root import DBT_PROJECT
from assay.scaffold.engine import shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SKELETON = ("dbt_project.yml", "profiles.yml", "macros")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Inside, a folder beside it is filled; it gets its name at the end, unless something was raised. `folder` is absent or empty."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}.tmp")
    fresh.mkdir()
    try:
        yield fresh
        fresh.rename(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def write_dbt_project(folder: Path) -> None:
    """A dbt project without models."""
    (folder / "models").mkdir(parents=True)
    for name in SKELETON:
        source = shared(f"{DBT_PROJECT}/{name}")
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / name)
