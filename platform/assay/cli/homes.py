"""Whether a command can work where it was sent: a home that is there, that can be written to, contracts in it, a dbt project."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.cli.echo import echo
from assay.errors import SettingsError
from assay.lake.durable import sync_folder
from assay.permissions import as_elsewhere, is_open, keep_private, make_home, others_of
from assay.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from assay.settings import Settings

PROJECT = "dbt_project.yml"


def work_privately() -> None:
    """Before any command: what it makes is for those alone for whom the home is. Settings that cannot be used are told by the command."""
    with suppress(SettingsError):
        keep_private(load_settings())


def make_folders(settings: Settings) -> None:
    """Make the home, and what lies in it; say so when it is open to others. Raises SettingsError when it cannot be given to its group."""
    make_home(settings)
    keep_private(settings)
    folders = (settings.landing, settings.lake, settings.dagster_home, settings.scratch)
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    for above in {settings.home.parent, *(folder.parent for folder in folders)}:
        with suppress(PermissionError):  # a folder in which this user may make others, but not list them
            sync_folder(above)
    if is_open(settings):
        echo(f"assay: {settings.home} is open to {others_of(settings)}; `assay permissions --mend` closes it.", err=True)


def settings_of_home() -> Settings:
    """The settings of a command that only reads. Raises SettingsError when the home that they name was never made."""
    settings = load_settings()
    if not settings.home.is_dir():
        hint = "`make run` or `assay init` makes it; ASSAY_HOME names another."
        raise SettingsError(f"Tried to read {settings.home}; there is no such folder.", hint=hint)
    return settings


def require_writable(folder: Path) -> None:
    """Raise SettingsError unless this process may make files below a folder, or make the folder."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        raise SettingsError(f"Tried to write below {folder}; {nearest} is not a folder.", hint="Name another with ASSAY_HOME.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        hint = "Let this user write there, or name another place with ASSAY_HOME. Nothing was changed."
        raise SettingsError(f"Tried to write below {folder}; {nearest} cannot be written to.", hint=hint)


def require_contracts(folder: Path) -> None:
    """Raise SettingsError for a folder without contracts: to find nothing wrong with nothing would be no answer."""
    from assay.contracts.reading.odcs import PATTERN

    if folder.is_dir() and next(folder.rglob(PATTERN), None) is None:
        hint = f"Contracts are files {PATTERN}; `assay new` drafts one."
        raise SettingsError(f"Tried to read the contracts in {folder}; there is none.", hint=hint)


def make_dbt_project(settings: Settings) -> None:
    """Make the dbt project of a new product, without models, where ASSAY_DBT_PROJECT names a folder that is not there or is empty.

    It appears whole or not at all: with half a file in it nobody would make it any more, and dbt could not read it.
    """
    from assay.scaffold.folders import whole_folder, write_dbt_project

    project = settings.dbt_project
    if (project / PROJECT).exists() or (project.exists() and any(project.iterdir())):
        return
    with as_elsewhere(), whole_folder(project) as fresh:
        write_dbt_project(fresh)
