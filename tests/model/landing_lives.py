"""Lives of a landing folder: files are written, changed in place without a trace in size or time, renamed, linked, swapped; folders too.

At every moment the plan of bronze, by who lives and by a process that begins, with the index and without, is what the bytes that lie there
say.
"""

from __future__ import annotations

import csv
import os
import re
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from lake_quick import quick
from lake_tables import Tables
from lake_world import NOW, TICK_SECONDS, make_bronze, memory
from linked_lives import another_process
from linked_oracle import by_size

from assay.contracts.reading.odcs import load_contracts
from assay.gold.step import Project
from assay.ingest.folders import one_look
from assay.orchestration.plan import Planner
from assay.steps import Run
from contract_head import landing_head

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from assay.contracts.model.contract import Contract

DAYS = ("2024-01-30", "2024-01-31", "2024-02-01")
LAYOUTS = (  # a path, how its names are made of a day and an ending, and what finds the day in one
    ("x/x_{arrival:yyyy-MM-dd}*.csv", lambda day, end: f"x/x_{day}{end}.csv", r"x/x_(\d{4}-\d\d-\d\d)[^/]*\.csv"),
    ("x/{arrival:yyyy/MM/dd}/*.csv", lambda day, end: f"x/{day.replace('-', '/')}/{end}.csv", r"x/(\d{4}/\d\d/\d\d)/[^/.][^/]*\.csv"),
    ("x/*/{arrival:yyyy-MM-dd}/p*.csv", lambda day, end: f"x/u{len(end)}/{day}/p{end}.csv", r"x/[^/]*/(\d{4}-\d\d-\d\d)/p[^/]*\.csv"),
)
CONTRACT = """\
schema:
  - name: x_landing
    physicalType: file
    properties: [{name: day, logicalType: string}, {name: number, logicalType: string}]
  - name: x
    physicalType: table
    description: Rows.
    properties:
      - {name: on_day, logicalType: date, required: true, partitioned: true}
      - {name: number, logicalType: integer, required: true}
    customProperties:
      - {property: eventTime, value: {expression: day, format: yyyy-MM-dd, timeZone: UTC}}
      - {property: partitioning, value: {grain: day, start: 2024-01-01, end: 2024-04-01}}
      - {property: arrival, value: {grain: GRAIN, start: 2024-01-01, end: 2024-03-01, lateness: 4}}
"""
ROW = re.compile(rb"(?<=,)[0-9](?=\n)")


@dataclass
class Folder:
    """A home with one dataset. `held` is what bronze has, by arrival and name."""

    random: Random
    held: dict[str, dict[str, bytes]] = field(default_factory=dict)
    looks: Counter[bool] = field(default_factory=Counter)  # by whether something was due

    def __post_init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="landing-", dir=memory()))
        (path, self.made, self.told), self.grain = self.random.choice(LAYOUTS), self.random.choice(("day", "month"))
        (self.home / "contracts").mkdir()
        text = landing_head("x", path=path) + CONTRACT.replace("GRAIN", self.grain)
        (self.home / "contracts/x.odcs.yaml").write_text(text)
        self.contracts, self.landing = load_contracts(self.home / "contracts"), self.home / "landing"
        (self.landing / "x").mkdir(parents=True)
        self.lives = self.planner(indexed=True)

    @property
    def contract(self) -> Contract:
        return self.contracts["x"]

    def planner(self, *, indexed: bool) -> Planner:
        index = self.home / "index" if indexed else None
        run = Run(self.home / "lake", self.landing, self.contracts, "run", now=NOW, index=index)
        return Planner(run, self.contracts, Project(self.home, self.home / "manifest.json", (), self.home / "scratch"))

    def name(self) -> Path:
        path = self.landing / self.made(self.random.choice(DAYS), self.random.choice(("_a", "_b", "_9", "_10")))
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def arrival(self, name: str) -> str | None:
        found = re.fullmatch(self.told, name)
        day = found[1].replace("/", "-") if found else None
        return day if day is None or self.grain == "day" else f"{day[:7]}-01"

    def wanted(self) -> dict[str, dict[str, bytes]]:
        """What bronze would be made of: the files that lie there, and those that it has and that do not."""
        found: dict[str, dict[str, bytes]] = defaultdict(dict, {key: dict(names) for key, names in self.held.items()})
        for folder, _, names in os.walk(self.landing, followlinks=True):
            for path in map(Path(folder).joinpath, names):
                arrival = self.arrival(str(path.relative_to(self.landing)))
                inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
                if arrival and path.is_file() and inside:
                    found[arrival][str(path.relative_to(self.landing))] = path.read_bytes()
        return found

    # what happens

    def step(self) -> None:
        there = sorted(path for path in self.landing.rglob("*.csv") if path.is_file())
        acts = (self._write, self._write, self._change, self._change, self._put, self._link, self._swap, self._move_folder, self._remove)
        act = self.random.choice(acts) if there else self._write
        act(self.random.choice(there) if there else self.name())

    def _write(self, _: Path) -> None:
        path, rows = self.name(), [f"{self.random.choice(DAYS)},{self.random.randint(1, 9)}\n" for _ in range(self.random.randint(0, 3))]
        path.unlink(missing_ok=True)
        path.write_text("".join(["day,number\n", *rows]))

    def _change(self, path: Path) -> None:
        """One digit, and the time of the content as it was; in place or by another file of that name."""
        was, content = path.stat(), path.read_bytes()
        places = [found.start() for found in ROW.finditer(content)]
        if places:
            at = self.random.choice(places)
            content = content[:at] + str(self.random.randint(1, 9)).encode() + content[at + 1 :]
        other = path.with_name(f".{path.name}") if self.random.random() < 0.5 else path
        other.write_bytes(content)
        os.utime(other, ns=(was.st_atime_ns, was.st_mtime_ns))
        other.replace(path)

    def _put(self, path: Path) -> None:
        """Under another name, too, with all its times, or instead."""
        to = self.name()
        if not to.exists() and not to.is_symlink():
            self.random.choice((os.rename, shutil.copy2, os.link))(path, to)

    def _link(self, path: Path) -> None:
        to = path.with_name(self.name().name)
        if not to.exists() and not to.is_symlink():
            to.symlink_to(path.name)

    def _swap(self, path: Path) -> None:
        others = sorted(one for one in self.landing.rglob("*.csv") if one.is_file() and not one.samefile(path))
        if others:
            _swapped(path, self.random.choice(others), self.home / "aside")

    def _move_folder(self, path: Path) -> None:
        old, new = path.parent, self.name().parent
        if old == new or old.is_symlink() or new.is_symlink() or self.landing / "x" in {old, new}:
            return
        if any(new.iterdir()):
            _swapped(old, new, self.home / "aside")
            return
        new.rmdir()
        if self.random.random() < 0.5:
            old.rename(new)
        else:
            new.symlink_to(old)

    def _remove(self, path: Path) -> None:
        path.unlink()

    # what is looked at

    def look(self) -> None:
        if self.random.random() < 0.5:
            time.sleep(TICK_SECONDS * 1.2)  # what was written comes to rest
        wanted = {key for key, names in self.wanted().items() if names and names != self.held.get(key)}
        key = [dg.AssetKey(["bronze", "x"])]
        with ExitStack() as stack:
            stack.enter_context(one_look())
            assert {*self.lives.due(key)[0].partitions} == wanted, "who lives plans otherwise"
        for indexed in (False, True):
            with another_process():
                assert {*self.planner(indexed=indexed).due(key)[0].partitions} == wanted, f"who begins plans otherwise, {indexed=}"
        self.looks[bool(wanted)] += 1

    def build(self) -> None:
        wanted = self.wanted()
        keys = sorted(key for key in wanted if wanted[key])
        keys = sorted(self.random.sample(keys, self.random.randint(1, len(keys)))) if keys else []
        if keys:
            make_bronze(self.lives.run, self.contract, keys)
            self.held |= {key: wanted[key] for key in keys}
            self._look_at_bronze()

    def _look_at_bronze(self) -> None:
        table = Tables(self.home / "lake").caught_up().newest("bronze/x")
        found = Counter((row["_arrival_date"], row["day"], row["number"]) for row in (table.rows() if table else []))
        assert found == Counter(row for key, names in self.held.items() for row in _rows(key, names))


def _rows(key: str, names: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """The rows of an arrival, each content once."""
    contents = {names[name] for name in sorted(names, key=by_size)}
    return [(key, row["day"], row["number"]) for one in contents for row in csv.DictReader(one.decode().splitlines())]


def _swapped(one: Path, other: Path, aside: Path) -> None:
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def live(random: Random, steps: int) -> Folder:
    """A life of so many steps. Raises AssertionError where a plan is not what the bytes say."""
    folder = Folder(random)
    try:
        with quick():
            for _ in range(steps):
                folder.step()
                folder.look()
                if random.random() < 0.4:
                    folder.build()
                    folder.look()
    finally:
        shutil.rmtree(folder.home, ignore_errors=True)
    return folder
