"""Every place that the product writes to, and what it cannot know. A new place belongs here: a test holds the list against the disk.

What lies below the home is looked through whatever it is, but for the landing folder, which is upstream's.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from assay.lake.workplaces import TEMPORARY, at_work

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from assay.settings import Settings

BEYOND = (
    "backups and copies of the home and of the dbt project",
    "the landing folder, which is upstream's, and its archives",
    "what readers and consumers have taken: exports, results of queries, open databases",
    "an instance of Dagster that is not below the home, such as one in PostgreSQL",
    "where a developer's dbt writes if not to target/ and logs/ of the dbt project",
    "what terminals and services that ran commands have kept of their output",
)


class Kind(Enum):
    """Whose a place is, which says how it is read and mended."""

    TABLES = auto()  # ours: what is in it is removed by its own step, and named if it is still there
    DAGSTER = auto()  # Dagster's: read without closing a file that it has locked, mended by hiding the value
    DBT = auto()  # a developer's: sources, which are theirs to mend, and what dbt has made of them, which dbt makes again
    REST = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """A folder and all that is below it, but for what belongs to another place."""

    name: str
    folder: Path
    kind: Kind
    without: tuple[Path, ...] = ()

    def files(self) -> Iterator[Path]:
        """The files that are there now, in order; and a folder that nobody can look into, as if it was one."""
        if not any(self.folder.is_relative_to(one) for one in self.without):
            yield from _below(self.folder, {str(one) for one in self.without})

    def said(self, path: Path) -> str:
        """A path as a person reads it; a table is known by its own name."""
        return str(path.relative_to(self.folder if self.kind is Kind.TABLES else self.folder.parent))


def _below(folder: Path, without: Set[str]) -> Iterator[Path]:
    """The files below a folder; links are not followed. `Path.rglob` takes five times as long, and leaves out what it may not look into."""
    try:
        with os.scandir(folder) as there:
            entries = sorted(there, key=lambda one: one.name)
    except (FileNotFoundError, NotADirectoryError):  # it has gone meanwhile, or was never there
        return
    except PermissionError:
        yield folder
        return
    for one in entries:
        if one.path in without:
            continue
        if one.is_dir(follow_symlinks=False):
            yield from _below(Path(one.path), without)
        elif one.is_file(follow_symlinks=False):
            yield Path(one.path)


def places(settings: Settings) -> list[Place]:
    """Where the product writes, the lake first. Who is at work now has begun after the fence, and has nothing of the person."""
    home, project, working = settings.home, settings.dbt_project, (one.folder for one in at_work(settings.scratch))
    inside = tuple(one for one in (settings.lake, settings.dagster_home, settings.landing, project, *working) if one.is_relative_to(home))
    temporary = sorted(one for one in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*") if one.is_dir())
    return [
        Place("the lake", settings.lake, Kind.TABLES),
        Place("Dagster's instance below the home", settings.dagster_home, Kind.DAGSTER),
        Place("the rest of the home, but for the landing folder", home, Kind.REST, inside),
        Place("the dbt project, with target/ and logs/", project, Kind.DBT, (home,) if home.is_relative_to(project) else ()),
        *(Place("temporary files of commands", one, Kind.REST, (home, project)) for one in temporary),
    ]
