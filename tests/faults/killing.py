"""Kills: a command is ended, with whatever it has started, before and after each of its boundaries."""

from __future__ import annotations

import shutil
from signal import SIGKILL
from typing import TYPE_CHECKING

from shim import Story
from trying import copy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trying import Calm, Tally


def kill(calm: Calm, folder: Path, moments: Iterable[int], tally: Tally) -> None:
    """Moments of a tale; what is then there, and what it becomes, is judged."""
    boundaries = {entry.boundary: entry for entry in calm.story.entries() if entry.boundary}
    for moment in moments:
        where = f"{'after' if moment % 2 else 'before'} boundary {moment // 2}, {calm.kind(boundaries[moment // 2])}"
        world = folder / f"{calm.tale.name}-{moment}"
        people, story = copy(calm.begun, world), Story(world, folder / "notes-of-one", calm.story.skipped, moment)
        child = calm.tale.start(people, story)
        said = child.rest()
        if child.code not in {0, -SIGKILL}:
            tally.note(f"{calm.tale.name}, to be killed {where}: it ended by itself with {child.code}: {said}")
        tally.tried["real kills" if child.code else "moments that did not come"] += 1
        tally.judge(f"{calm.tale.name}, killed {where}", people, calm)
        for note in folder.glob("notes-of-one.*"):
            note.unlink()
    tally.wait()
    shutil.rmtree(calm.begun.parent)
