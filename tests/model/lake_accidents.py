"""What befalls a lake besides writers, and what is done about it: damage of what lies on the disk, its mending, and maintenance.

Damage is done to files as a disk does it; mending and maintenance are calls of the product's own functions, as its commands make them.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from lake_product import METERS, SALES

from assay.lake.checking import damage_of
from assay.lake.damage import ASIDE
from assay.lake.log import LOG, entry_name
from assay.lake.mending import mend
from assay.orchestration.maintaining import Maintaining
from assay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake_tables import File, Table
    from lake_world import World

    from assay.maintenance.cleaning import Cleaning
    from assay.orchestration.plan import Planner

SHOWN_BY_OTHERS = ("quarantine", "claims")  # what is damaged of them is made again with the table that they stand beside
MADE_AGAIN = (
    *[f"{layer}/{name}" for layer in ("bronze", "silver", "quarantine") for name in (SALES, METERS)],
    "claims/meters",
    "gold/monthly",
)

RECORDS = (*[f"decisions/{name}" for name in (SALES, METERS)], "erasures/requests")


class Damage(StrEnum):
    """What a disk, or a hand, does to a table."""

    GONE = "a data file is gone"
    CUT = "a data file is cut"
    ENTRY_CUT = "the newest entry of the log is cut"
    FLIPPED = "a bit of a data file is flipped"
    RECORD_GONE = "a file of decisions or of the record of erasures is gone"


def damage_file(file: File, how: Damage) -> None:
    """A data file is gone, or lacks its end, or says something else somewhere in the middle."""
    path = Path(file.path)
    if how in {Damage.GONE, Damage.RECORD_GONE}:
        path.unlink()
    elif how is Damage.FLIPPED:
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)
    else:
        os.truncate(path, path.stat().st_size // 2)


def cut_entry(root: Path, table: Table) -> None:
    """The newest entry of a log lacks its end."""
    path = root / table.name / LOG / entry_name(table.version)
    os.truncate(path, path.stat().st_size // 2)


def is_summed_up(root: Path, name: str, version: int) -> bool:
    """Whether a checkpoint says all that the log was up to a version: then nothing is lost with its entry."""
    return (root / name / LOG / f"{version:020d}.checkpoint.parquet").exists()


def mend_all(world: World, *, shown: bool) -> None:
    """What `assay check-lake --deep --mend` does ahead of its backfill; and, when all that is `shown` was made again, after it. Of records,
    which nobody can make again, what is damaged is let go, as when the command names them."""
    for name in (*MADE_AGAIN, *RECORDS):
        is_meant = (world.lake / name).is_dir() and (not shown or name.startswith(SHOWN_BY_OTHERS))
        if is_meant and (found := damage_of(world.lake, name, deep=True)):
            mend(world.lake, name, found, let_go=shown or name in RECORDS)


def throw_away(world: World, damaged: Iterable[str]) -> None:
    """What was set aside, and old files that are cut: what somebody does who needs them no more, and what an erasure asks for that cannot
    read them."""
    for folder in world.lake.glob(f"*/*/{ASIDE}"):
        shutil.rmtree(folder)
    for path in damaged:
        Path(path).unlink(missing_ok=True)


def maintain(world: World, planner: Planner) -> list[Cleaning]:
    """`assay maintain`, long after all that has happened: whatever nobody at work can have read or staged is old enough."""
    settings = Settings(world.home, planner.project.folder, landing_folder=planner.run.landing)
    return Maintaining(replace(settings, vacuum_days=0), planner).execute()
