"""A Dagster project as `create-dagster` lays it out, with an asset of its own, in which two lakes are scaffolded by `dg`."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import dagster as dg

from assay.orchestration.lake_scaffolder import LakeParameters, LakeScaffolder
from orders import write_contracts
from rides import write_rides

if TYPE_CHECKING:
    from pathlib import Path

NAME = "corner"
FILES = {
    "pyproject.toml": """\
[project]
name = "corner"
version = "0.1.0"
requires-python = ">=3.11"

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "corner"
""",
    f"src/{NAME}/__init__.py": "",
    f"src/{NAME}/definitions.py": """\
from pathlib import Path

from dagster import definitions, load_from_defs_folder


@definitions
def defs():
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
""",
    f"src/{NAME}/defs/__init__.py": "",
    f"src/{NAME}/defs/report.py": """\
import dagster as dg


@dg.asset(deps=[dg.AssetKey(["silver", "orders"])])
def report() -> int:
    return 7


class Kept(dg.InMemoryIOManager):
    pass


@dg.definitions
def own():
    return dg.Definitions(assets=[report], resources={"io_manager": Kept()}, executor=dg.in_process_executor)
""",
}


def write_project(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def dg_said(project: Path, *words: str) -> str:
    """What `dg` prints in a project. Fails with all of it unless the command succeeds."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "DAGSTER_"))}
    environment |= {"PYTHONPATH": str(project / "src"), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from dagster_dg_cli.cli import main; main()", *words], cwd=project, env=environment, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"dg {' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def scaffolded(folder: Path) -> Path:
    """The project with two lakes: `sales`, as `dg` makes it, and `travel`, of contracts that were there, in a home of its own."""
    project = write_project(folder)
    write_rides(project / "contracts")
    dg_said(project, "scaffold", "defs", "assay.LakeComponent", "sales")
    travel = project / f"src/{NAME}/defs/travel"
    travel.mkdir()
    said = LakeParameters(contracts=str(project / "contracts"), home="{{ project_root }}/travel")
    LakeScaffolder().scaffold(
        dg.ScaffoldRequest(type_name="assay.LakeComponent", target_path=travel, scaffold_format="yaml", project_root=project, params=said)
    )
    write_contracts(project / f"src/{NAME}/defs/sales/contracts")
    return project
