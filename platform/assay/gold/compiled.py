"""The SQL of a dbt project as dbt renders it, kept beside the manifest that it was made from.

A model's own text has Jinja in it, which only dbt can render: its macros, its `ref` and its `source`. No lake and no database is needed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from assay.gold import dbt_process
from assay.gold.parsed import parse_project
from assay.lake.durable import replace_file

if TYPE_CHECKING:
    from pathlib import Path

NAME = "compiled.json"


def compiled_project(project: Path) -> tuple[Path, dict[str, str]]:
    """The manifest of the project as it is now, and unique id -> SQL of every model and test that can be rendered.

    Rendering costs 4 CPU seconds once for each state of the project. Raises DbtFailed when dbt cannot read the project at all.
    """
    manifest = parse_project(project)
    kept = manifest.with_name(NAME)
    if not kept.exists():
        replace_file(kept, json.dumps(dbt_process.compile_models(project, manifest)).encode())
    found: dict[str, str] = json.loads(kept.read_text())
    return manifest, found
