"""The dbt project as it was parsed: one manifest per state of its files, made once and found again by their digest.

Parsing costs 3 CPU seconds, finding a project parsed some milliseconds. Nothing here reads what a manifest says (`models.py`).
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING

from assay.gold import dbt_process

if TYPE_CHECKING:
    from pathlib import Path

PARSED = "target/assay"  # apart from target/ itself, where a developer's dbt writes
MADE_BY_DBT = {"target", "logs", "dbt_packages"}
READ_BY_DBT = {".sql", ".yml", ".yaml", ".md", ".csv"}


def parse_project(project: Path) -> Path:
    """Return the manifest.json of the project as it is now, parsed only when its files have not been parsed before.

    Each state of the project has a folder of its own under target/assay, moved there when it is complete: a process that reads one while
    somebody edits a model sees the old state or the new one. Raises DbtFailed with dbt's message when the project cannot be parsed.
    """
    parsed = project / PARSED / _digest(project)
    if not parsed.exists():
        fresh = parsed.with_name(f"{parsed.name}.{uuid.uuid4().hex[:12]}")
        try:
            dbt_process.parse(project, fresh)
            _move(fresh, parsed)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return parsed / "manifest.json"


def _move(fresh: Path, parsed: Path) -> None:
    try:
        fresh.rename(parsed)
    except OSError:
        if not parsed.exists():  # otherwise another process parsed the same files meanwhile
            raise


def _digest(project: Path) -> str:
    """A digest of everything that decides what dbt parses: its version and the project's files, those that dbt itself made left out."""
    digest = hashlib.blake2b(f"{version('dbt-core')} {version('dbt-duckdb')}".encode(), digest_size=8)
    for file in sorted(project.rglob("*")):
        name = file.relative_to(project)
        if name.parts[0] not in MADE_BY_DBT and file.suffix in READ_BY_DBT:
            digest.update(f"{name} {hashlib.blake2b(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
