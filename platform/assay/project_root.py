"""Which project a command works in: the nearest folder of its shape from the working folder upwards, as dbt finds its own."""

from __future__ import annotations

from pathlib import Path

from assay.errors import SettingsError

CHECKOUT = Path(__file__).resolve().parents[2]
WORKSPACE, DBT_PROJECT = "workspace.yaml", "dbt_project"  # what a project has at its top
HOME = ".assay"


def project_of(folder: Path) -> Path | None:
    """The nearest project from a folder upwards; else the checkout that the engine runs from, if it runs from one."""
    found = (one for one in (folder, *folder.parents) if (one / WORKSPACE).is_file() and (one / DBT_PROJECT).is_dir())
    return next(found, CHECKOUT if (CHECKOUT / WORKSPACE).is_file() else None)


def in_project(project: Path | None, name: str) -> Path:
    """A place in the project. Raises SettingsError where there is none, so where nothing said which is meant."""
    if project is None:
        raise SettingsError(
            f"Tried to find the project; neither {working_folder()} nor a folder above it has a {WORKSPACE} and a {DBT_PROJECT}.",
            hint="Work in a project's folder, name one with ASSAY_PROJECT, or make one: `assay create`.",
        )
    return project / name


def working_folder() -> Path:
    """The folder that this process works in; the root where that was removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")
