"""Writers are killed at any instant, a hundred times, while a reader looks on: nobody ever sees half of a publication."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from endless_publisher import SPEC, publish_once, state

from assay.lake.snapshots import open_snapshot

PROGRAM = Path(__file__).with_name("endless_publisher.py")
KILLS, WRITERS, SEED = 100, 4, 20130101
LONGEST_LIFE_SECONDS = 0.25


@dataclass
class Writer:
    """One process, what it has begun, and what it has acknowledged."""

    process: subprocess.Popen[str]
    begun: list[dict[str, Any]] = field(default_factory=list)
    done: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def start(cls, lake: Path, seed: int, unfinished: dict[str, Any] | None) -> Writer:
        rest = [json.dumps(unfinished)] if unfinished else []
        return cls(run("write", str(lake), str(seed), *rest))

    def listen(self) -> None:
        """Wait until the writer is warm: it has begun its first publication, which is the one a killed writer left."""
        self.hear(self.output.readline())

    def hear(self, line: str) -> None:
        if line.endswith("\n"):
            said = json.loads(line)
            (self.begun if "begin" in said else self.done).append(said.get("begin") or said["done"])

    def kill(self) -> dict[str, Any] | None:
        """Kill it; returns what it had begun and not acknowledged."""
        self.process.kill()
        for line in self.output:
            self.hear(line)
        assert self.process.wait() == -9, f"a writer ended by itself with {self.process.returncode}"
        return self.begun[-1] if self.begun and self.begun[-1] not in self.done else None

    @property
    def output(self) -> Any:
        return self.process.stdout


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, str(PROGRAM), *arguments], stdout=subprocess.PIPE, text=True)


def kill_many(lake: Path, chance: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[float]]:
    """Kill KILLS writers, always the oldest of a few; each successor starts with what its predecessor left unfinished."""
    acknowledged, left, lives = [], [], []
    writers = deque(Writer.start(lake, SEED + number, None) for number in range(WRITERS))
    for number in range(KILLS):
        writer = writers.popleft()
        writer.listen()
        lives.append(chance.uniform(0, LONGEST_LIFE_SECONDS))
        time.sleep(lives[-1])
        unfinished = writer.kill()
        acknowledged += writer.done
        left += [unfinished] if unfinished else []
        if number < KILLS - WRITERS:
            writers.append(Writer.start(lake, SEED + WRITERS + number, unfinished))
        elif unfinished:
            publish_once(lake, **unfinished)
            acknowledged.append(unfinished)
    return acknowledged, left, lives


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
    reader = run("read", str(lake), str(stop))
    try:
        acknowledged, left, lives = kill_many(lake, random.Random(SEED))
    finally:
        stop.touch()
        said, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0, "the reader saw half of a publication: see its traceback above"
    order = history_of(lake)
    print(f"{KILLS} kills, {len(left)} in the middle of a publication; {len(order)} versions; the reader looked {said.strip()}")
    assert json.loads(said)["looks"] > KILLS
    assert len(left) > KILLS / 4, "most kills missed: let writers live longer or publish more"
    assert len(order) == len(set(order)), "a publication landed twice"
    assert {job["generation"] for job in acknowledged} <= set(order), "an acknowledged publication is gone"
    assert {job["generation"] for job in left} - set(order) <= unfinished_again(left, acknowledged), "a rerun after a kill did not succeed"
    DeltaTable(str(lake / SPEC.name)).create_checkpoint()
    assert state(open_snapshot(lake, SPEC.name))


def unfinished_again(left: list[dict[str, Any]], acknowledged: list[dict[str, Any]]) -> set[str]:
    """Publications whose rerun was killed too, and again: there must be no other left."""
    return {job["generation"] for job in left} - {job["generation"] for job in acknowledged}
