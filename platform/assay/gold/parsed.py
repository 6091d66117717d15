"""The dbt project as it was parsed: one manifest per state of its files, made once and found again by their digest.

Parsing costs 3 CPU seconds, finding a project parsed some milliseconds. A project with a file that dbt cannot parse is parsed without it
(`unparsable_files.py`). Nothing here reads what a manifest says (`models.py`).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from assay.gold import dbt_process
from assay.gold.dbt_runner import DbtFailed
from assay.gold.faults import Fault
from assay.gold.unparsable_files import isolated
from assay.lake.durable import move_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PARSED = "target/assay"  # apart from target/ itself, where a developer's dbt writes
MADE_BY_DBT = {"target", "logs", "dbt_packages"}
READ_BY_DBT = {".sql", ".yml", ".yaml", ".md", ".csv"}


FAULTS = "faults.json"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A project as it was parsed: its manifest.json, in which models at fault are empty shells, and the faults."""

    manifest: Path
    faults: tuple[Fault, ...] = ()


def parse_sound(project: Path) -> Parsed:
    """The project as it is now, without what is at fault in it; parsed only when its files have not been parsed before.

    Each state of the project has a folder of its own under target/assay, moved there when it is complete: a process that reads one while
    somebody edits a model sees the old state or the new one. Raises DbtFailed with dbt's message when nothing of it can be parsed.
    """
    parsed = project / PARSED / _digest(project)
    if not parsed.exists():
        fresh = parsed.with_name(f"{parsed.name}.{uuid.uuid4().hex[:12]}")
        try:
            if faults := _parse(project, fresh):
                (fresh / FAULTS).write_text(json.dumps([fault.to_json() for fault in faults]), encoding="utf-8")
            _move(fresh, parsed)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    kept = parsed / FAULTS
    found = [Fault.from_json(one) for one in json.loads(kept.read_bytes())] if kept.exists() else []
    return Parsed(parsed / "manifest.json", tuple(found))


def parse_project(project: Path) -> Path:
    """The manifest.json of the project as it is now. Raises DbtFailed for one in which anything is at fault."""
    parsed = parse_sound(project)
    if parsed.faults:
        raise DbtFailed(f"Tried to parse {project}; {' '.join(map(str, parsed.faults))}")
    return parsed.manifest


def _parse(project: Path, fresh: Path) -> list[Fault]:
    try:
        return dbt_process.parse(project, fresh)
    except DbtFailed as error:
        return isolated(project, fresh, [str(name) for name in _files(project)], dbt_process.parse, error)


def _move(fresh: Path, parsed: Path) -> None:
    try:
        move_folder(fresh, parsed)
    except OSError:
        if not parsed.exists():  # otherwise another process parsed the same files meanwhile
            raise


def _digest(project: Path) -> str:
    """A digest of everything that decides what dbt parses: its version and the project's files, those that dbt itself made left out."""
    digest = hashlib.blake2b(f"{version('dbt-core')} {version('dbt-duckdb')}".encode(), digest_size=8)
    for name in _files(project):
        digest.update(f"{name} {hashlib.blake2b((project / name).read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _files(project: Path) -> Iterator[Path]:
    """What dbt reads, by the names below the project, in order."""
    for file in sorted(project.rglob("*")):
        name = file.relative_to(project)
        if name.parts[0] not in MADE_BY_DBT and file.suffix in READ_BY_DBT:
            yield name
