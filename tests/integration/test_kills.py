"""Writers are killed at any instant, a hundred times, while a reader looks on: nobody ever sees half of a publication."""

from __future__ import annotations

import json
import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from endless_publisher import SPEC, Job, publish_once, read_forever, state, write_forever

from assay.errors import Superseded
from assay.lake.snapshots import open_snapshot
from nursery import Child

if TYPE_CHECKING:
    from pathlib import Path

KILLS, WRITERS, SEED = 100, 3, 20130101
LONGEST_LIFE = 5  # publications that a writer could make before it is killed


@dataclass
class Writer:
    """One process, what it has begun, and what became of it."""

    process: Child
    begun: list[Job] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, lake: Path, seed: int, unfinished: Job | None) -> Writer:
        return cls(Child.start(write_forever, lake, seed, unfinished))

    def hear(self) -> bool:
        """Note one line; False at the end."""
        return self._note(self.process.stdout.readline())

    def _note(self, line: str) -> bool:
        """Note a line unless the writer was killed while it wrote it."""
        if not line.endswith("\n"):
            return False
        for what, value in json.loads(line).items():
            getattr(self, what).append(Job(**value) if what == "begun" else value)
        return True

    def pace(self) -> float:
        """The seconds that a publication takes here and now, beside the other writers: a slow machine must not kill them all too early."""
        assert self.hear(), "a writer did not start"
        began = time.monotonic()
        while len(self.done) + len(self.overtaken) < LONGEST_LIFE:
            assert self.hear(), "a writer ended by itself"
        return (time.monotonic() - began) / LONGEST_LIFE

    def kill(self) -> Job | None:
        """Kill it; returns what it had begun without an outcome."""
        for line in self.process.kill().splitlines(keepends=True):
            self._note(line)
        return self.begun[-1] if self.begun[-1].generation not in {*self.done, *self.overtaken} else None


@dataclass
class Story:
    """What all writers together have done, been told and left unfinished."""

    done: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def kill_many(lake: Path, chance: random.Random) -> Story:
    """Kill the oldest of a few writers, KILLS times; each successor starts with what its predecessor left unfinished."""
    story = Story()
    writers = deque(Writer.start(lake, SEED + number, None) for number in range(WRITERS))
    longest = LONGEST_LIFE * writers[0].pace()
    for number in range(KILLS):
        writer = writers.popleft()
        assert writer.hear(), "a writer did not start"  # it is warm once it has begun the publication that was left to it
        time.sleep(chance.uniform(0, longest))
        unfinished = writer.kill()
        story.done += writer.done
        story.overtaken += writer.overtaken
        story.left += [unfinished.generation] if unfinished else []
        if number < KILLS - WRITERS:
            writers.append(Writer.start(lake, SEED + WRITERS + number, unfinished))
        elif unfinished:
            rerun(lake, unfinished, story)
    return story


def rerun(lake: Path, job: Job, story: Story) -> None:
    try:
        publish_once(lake, job)
        story.done.append(job.generation)
    except Superseded:
        story.overtaken.append(job.generation)


def history_of(lake: Path) -> list[str]:
    """Every version in turn: exactly the partitions of one generation have changed, all of them. Returns the generations in order."""
    order, before = [], dict[str, Any]()
    for version in range(1, open_snapshot(lake, SPEC.name).version + 1):
        now = state(open_snapshot(lake, SPEC.name, version))
        changed = {part: shown for part, shown in now.items() if before.get(part) != shown}
        generations = {generation for generation, _ in changed.values()}
        assert len(generations) == 1, f"version {version} published {generations}"
        assert all(sorted(changed) == parts for _, parts in changed.values()), f"version {version} changed {sorted(changed)} of {changed}"
        assert set(before) <= set(now), f"version {version} lost {set(before) - set(now)}"
        order.append(generations.pop())
        before = now
    return order


@pytest.mark.slow
def test_a_hundred_kills_show_no_reader_half_a_publication_and_lose_no_acknowledged_one(lake: Path, tmp_path: Path) -> None:
    print(f"seed {SEED}")
    stop = tmp_path / "stop"
    reader = Child.start(read_forever, lake, stop)
    try:
        story = kill_many(lake, random.Random(SEED))
    finally:
        stop.touch()
        said = reader.rest()
    assert reader.code == 0, "the reader saw half of a publication: its traceback is above"
    order, looks = history_of(lake), json.loads(said)["looks"]
    print(f"{KILLS} kills, {len(story.left)} in the middle of a publication; {len(order)} landed; the reader looked {looks} times")
    assert len(order) == len(set(order)), "a publication landed twice"
    assert set(story.done) <= set(order), "an acknowledged publication is gone"
    assert set(story.left) <= {*story.done, *story.overtaken}, "a rerun after a kill neither succeeded nor was overtaken"
    assert min(looks, len(order), len(story.left)) > KILLS / 2, "too little happened to prove anything"
