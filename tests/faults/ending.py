"""Ends: from a recording each disk that a kill or a power cut could leave is built, at each boundary; then the machine is there again.

A kill takes everything at once, so what it leaves is what had been done by then: a prefix of the recording. `killing.py` kills really.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from disks import End, read, write
from judging import tables_of
from people_world import People
from shim import Op
from trying import INSTANCE, spread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from disks import Disk, Tree
    from judging import Versions
    from trying import Calm, Tally

CUTS = (End.NOTHING, End.NAMES, End.ORDERED, End.CONTENT, End.SOME)


@dataclass(frozen=True)
class Wanted:
    """Which ends, at how many moments (all without a number), how many of them are worked on, and by which chance."""

    ends: tuple[End, ...]
    moments: int | None = None
    worked_on: int | None = None
    instance: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """A disk that was left, and the versions that had been there when the command last said a word: they were promised."""

    what: str
    tree: Tree
    promised: Versions


def end(calm: Calm, folder: Path, wanted: Wanted, tally: Tally) -> None:
    """Each disk that is another is looked at, and so many of them are worked on as well.

    To the end is worked on what differs beside the content of Dagster's files: unless its boundaries are wanted too, they are but older.
    """
    seen, worked_on, duty = set[int](), set[int](), 0  # how many are still to be worked on by now
    for number, (one, of) in enumerate(_left(calm, wanted, tally)):
        duty += number in {*spread(range(of), wanted.worked_on)}
        if (digest := hash((*one.tree.items(), *one.promised.items()))) in seen:
            continue
        seen.add(digest)
        kind = digest if wanted.instance else hash(tuple(_beside_dagster(one.tree)))
        to_the_end = duty > 0 and kind not in worked_on
        people = People(folder / f"{calm.tale.name}-{number}/home")
        write(one.tree, people.home.parent)
        left = tables_of(one.tree)
        if lost := {name: version for name, version in one.promised.items() if left.get(name, -1) < version}:
            tally.note(f"{one.what}: acknowledged, and lost: {lost}")
        tally.judge(one.what, people, calm, to_the_end=to_the_end)
        if to_the_end:
            worked_on.add(kind)
            duty -= wanted.worked_on is not None
    tally.wait()
    shutil.rmtree(calm.begun.parent)


def _left(calm: Calm, wanted: Wanted, tally: Tally) -> Iterator[tuple[Left, int]]:
    """In order of time: before and after each boundary, by each end; with how many there are."""
    entries, disk, promised = list(calm.story.entries()), calm.disk, dict[str, int]()
    points = [number for number, entry in enumerate(entries) if entry.boundary and (wanted.instance or f"/{INSTANCE}" not in entry.first)]
    kinds = Counter(calm.kind(entries[number]) for number in points)
    print(f"{calm.tale.name}: {len(points)} boundaries: {', '.join(f'{n} {kind}' for kind, n in kinds.most_common())}", flush=True)
    moments = {*spread(sorted({*points, *(number + 1 for number in points)}), wanted.moments)}
    tally.tried["boundaries"] += len(points)
    tally.tried["moments"] += len(moments) * len(wanted.ends)
    for number, entry in enumerate(entries):
        if number in moments:
            where = f"{calm.tale.name} at {number}, before {entry.op.name} {entry.target.rpartition('home/')[2]}"
            for one in wanted.ends:
                found = Left(f"{where}, {one}", disk.left(one, random.Random(f"{wanted.seed} {number}")), promised)
                yield found, len(moments) * len(wanted.ends)
        disk.do(entry)
        if entry.op is Op.SAID:
            promised = tables_of(disk.paths())
    _require_same(disk, calm.ended)


def _require_same(disk: Disk, ended: Path) -> None:
    """A recording rebuilds the very folder, byte by byte: nothing has gone past the shim."""
    rebuilt, there = disk.left(End.KILL, random.Random()), read(ended)
    wrong = [path for path in rebuilt.keys() | there.keys() if rebuilt.get(path, 0) != there.get(path, 0)]
    assert not wrong, f"not seen by the shim: {sorted(wrong)[:10]}"


def _beside_dagster(tree: Tree) -> Iterator[tuple[str, object]]:
    """What is there, of Dagster's files only which, and whether there is anything in them."""
    for path, content in tree.items():
        yield path, bool(content) if path.startswith(INSTANCE) else content
