"""Trying: a tale as it goes undisturbed, and the count of what was tried and of what went wrong. Homes are judged in workers."""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from disks import Disk
from judging import history, judge, judge_the_end, require, state
from people_world import People
from shim import Op, Story
from warm import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor, Future

    from judging import State
    from shim import Entry
    from tales import Tale

INSTANCE = "home/dagster/"  # Dagster's SQLite files: most boundaries are theirs
LONGEST_SECONDS = 900  # that a home may be worked on, however busy the machine
AHEAD = 8  # homes that wait for a worker


def copy(world: Path, target: Path) -> People:
    shutil.copytree(world, target, symlinks=True)
    return People(target / "home")


def ready(folder: Path) -> Path:
    """In a worker: a home in which nothing has landed: dbt has read the project, and Dagster's instance is there."""
    people = People.make(folder)
    people.rule("amount >= -100")  # gold takes what a looser contract of silver lets through
    run(people, "backfill")
    return folder


@dataclass(frozen=True)
class Calm:
    """A tale as it goes undisturbed: where it began, what happened, what is there when a person has gone on, and what was on the way."""

    tale: Tale
    begun: Path
    ended: Path
    story: Story
    state: State
    versions: dict[str, list[str]]
    disk: Disk  # as it was at first, where it happened

    @classmethod
    def live(cls, tale: Tale, workers: Executor, ready: Path, folder: Path, *, recorded: bool = False, skipped: str = "") -> Calm:
        begun, ended = folder / "begun", folder / "ended"
        workers.submit(tale.made, copy(ready, begun)).result()
        people, story = copy(begun, ended), Story(ended, folder / "notes", skipped, recorded=recorded)
        disk, child = Disk.of(ended), tale.start(people, story)
        said = child.rest()
        require(child.code == 0, f"undisturbed it ends with {child.code}: {said}")
        looked = copy(ended, folder / "looked-at")  # looking may change what SQLite has left
        versions = workers.submit(history, looked.home / "lake").result()
        workers.submit(tale.go_on, looked).result()
        return cls(tale, begun, ended, story, workers.submit(state, looked).result(), versions, disk)

    def moments(self, wanted: int | None) -> list[int]:
        """Before and after each boundary, or so many of them, evenly spread."""
        last = max(entry.boundary for entry in self.story.entries())
        return spread(range(2, 2 * last + 2), wanted)

    def kind(self, entry: Entry) -> str:
        """What a boundary is, such as `commit silver` or `SYNC lake/bronze`."""
        parts = Path(entry.target).relative_to(self.story.root).parts
        if entry.target.endswith(".json") and "_delta_log" in parts and entry.op in {Op.LINK, Op.RENAME, Op.CREATE}:
            return f"commit {parts[2]}"
        inner = parts[1:] if parts[:1] == ("home",) else parts  # of the lake, the layer as well; none for a sync of everything
        return f"{entry.op.name} {'/'.join(inner[:2] if inner[:1] == ('lake',) else inner[:1]) or 'all'}"


def look(people: People, tale: Tale, versions: dict[str, list[str]], wanted: State | None) -> str:
    """In a worker: what is wrong with a home, and, if a state is wanted of it, with what it becomes. If nothing is, the folder goes."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(LONGEST_SECONDS)
    try:
        judge(people, versions, but=tale.damaged)
        if wanted is not None:
            judge_the_end(people, tale, wanted)
    except Exception as error:  # noqa: BLE001  # whatever cannot be read is a finding
        return f"{type(error).__name__}: {' '.join(str(error).split())[:1500]}; kept in {people.home.parent}"
    finally:
        signal.alarm(0)
    shutil.rmtree(people.home.parent)
    return ""


def _too_long(*_: object) -> None:
    raise TimeoutError(f"it did not end within {LONGEST_SECONDS} s")


@dataclass
class Tally:
    """What was tried, and what went wrong."""

    workers: Executor
    tried: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    asked: deque[tuple[str, Future[str]]] = field(default_factory=deque)

    def judge(self, what: str, people: People, calm: Calm, *, to_the_end: bool = True) -> None:
        """Have a home looked at, and worked on; returns when a worker will soon be free."""
        one = self.workers.submit(look, people, calm.tale, calm.versions, calm.state if to_the_end else None)
        self.asked.append((what, one))
        self.tried["read"] += 1
        self.tried["worked on to the end"] += to_the_end
        self.wait(AHEAD)

    def wait(self, left: int = 0) -> None:
        """Until no more than so many homes wait for their judgement."""
        while len(self.asked) > left:
            what, one = self.asked.popleft()
            if wrong := one.result():
                self.note(f"{what}: {wrong}")

    def note(self, wrong: str) -> None:
        print(f"WRONG {wrong}", flush=True)
        self.wrong.append(wrong)

    def __str__(self) -> str:
        tried = ", ".join(f"{number} {what}" for what, number in self.tried.items())
        return f"{tried}; {len(self.wrong)} wrong; {time.monotonic() - self.began:.0f} s"


def spread(all_: Sequence[int], wanted: int | None) -> list[int]:
    """As many as are wanted, evenly spread, the first and the last among them; all without a number."""
    if wanted is None or wanted >= len(all_):
        return list(all_)
    return [all_[round(number * (len(all_) - 1) / max(1, wanted - 1))] for number in range(wanted)]
