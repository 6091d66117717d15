"""Backfills on a machine that has too little of something, in a namespace of their own: `unshare -rm python starving.py HOME CASES`.

For each case a copy of HOME, on a small file system in memory, is backfilled under the limit, looked at, and backfilled again without it.
Prints one JSON object for each: what was said, and what was found. Judging is the tests' business.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from assay.cli.lake_reader import connect
from assay.lake.snapshots import table_names
from command_line import as_program, obey_modes, shell
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

ROOMY = "size=256m"
BY_RUN = ("run_id",)


@dataclass(frozen=True)
class Case:
    """One limit. `free` is a share of what a calm backfill writes, `limits` are numbers of `resource` with their values.

    `read_only` and `forbidden` are folders of the home (`.` is all of it), `temporary` the file system of temporary files, `deep` how many
    characters the path of the home has.
    """

    name: str
    free: float | None = None
    mount: str = ROOMY
    limits: dict[str, int] = field(default_factory=dict)
    read_only: str = ""
    forbidden: str = ""
    deep: int = 0
    temporary: str = ""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one: exit codes, what was said, tables with rows that no calm backfill publishes, tables that differ at the end."""

    name: str
    code: int | None
    said: str
    wrong: list[str]
    next_code: int | None
    next_said: str
    differ: list[str]
    left: list[str]


def limited(limits: dict[str, int], *arguments: str) -> None:
    """In a child: a command under limits of its process, and as any user; both streams are heard as one."""
    obey_modes()
    os.dup2(1, 2)
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    for name, value in limits.items():
        number = getattr(resource, name)
        if number == resource.RLIMIT_AS:
            value += resource_now() * resource.getpagesize()  # noqa: PLW2901  # beside what the process has already
        resource.setrlimit(number, (value, resource.getrlimit(number)[1]))
    as_program("", *arguments)


def resource_now() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0])


def mount(options: str, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], check=True)


@contextmanager
def world(seed: Path, options: str, deep: int = 0) -> Iterator[Path]:
    """A copy of a home on a file system of its own."""
    disk = Path(mkdtemp())
    mount(options, disk)
    above = disk
    while len(str(above)) + 10 < deep:
        above /= "x" * min(200, deep - len(str(above)) - 6)
    above.mkdir(parents=True, exist_ok=True)
    try:
        yield shutil.copytree(seed, above / "home")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
        disk.rmdir()


def backfill(home: Path, limits: dict[str, int] | None = None, **environment: str) -> tuple[int | None, str]:
    if (home / "contracts").is_dir():
        environment |= {"ASSAY_CONTRACTS": str(home / "contracts"), "ASSAY_DBT_PROJECT": str(home / "dbt_project")}
    child = Child.start(limited, limits or {}, "backfill", environment=shell(home, **environment))
    said = child.rest()
    return child.code, said


def rows(home: Path) -> dict[str, pl.DataFrame]:
    """What a reader of each table sees, without the run that made it."""
    found = {}
    for name in table_names(home / "lake"):
        frame = connect(home / "lake").sql(f"select * from {name.replace('/', '.')}").pl()
        frame = frame.drop([column for column in BY_RUN if column in frame.columns])
        found[name] = frame.sort(frame.columns)
    return found


@contextmanager
def starved(case: Case, home: Path, needs: int) -> Iterator[dict[str, str]]:
    """Inside, the case holds; yields the environment of a command."""
    disk, filler, environment = home.parent, home.parent / "filler", dict(case.environment)
    if case.forbidden:
        (home / case.forbidden).chmod(0)
    if case.free is not None:
        size = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - int(case.free * needs)
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    if case.temporary:
        place = home.parent / "temporary"
        mount(case.temporary, place)
        environment["TMPDIR"] = str(place)
    place = disk if case.read_only == "." else home / case.read_only
    if case.read_only:
        place.mkdir(exist_ok=True)
        subprocess.run(["mount", "--bind", str(place), str(place)], check=True)
        subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
    try:
        yield environment
    finally:
        if case.forbidden:
            (home / case.forbidden).chmod(0o700)
        if case.read_only:
            subprocess.run(["umount", "-l", str(place)], check=True)
        if case.mount != ROOMY:
            subprocess.run(["mount", "-o", f"remount,{ROOMY},nr_inodes=0", str(disk)], check=True)
        filler.unlink(missing_ok=True)


def strangers(found: dict[str, pl.DataFrame], calm: dict[str, pl.DataFrame]) -> list[str]:
    """The tables with rows that a calm backfill does not publish."""
    return [name for name, frame in found.items() if frame.join(calm[name], on=frame.columns, how="anti", nulls_equal=True).height]


def live(case: Case, seed: Path, calm: dict[str, pl.DataFrame], needs: int) -> Outcome:
    with world(seed, case.mount, case.deep) as home:
        with starved(case, home, needs) as environment:
            code, said = backfill(home, case.limits, **environment)
        if case.deep:
            home = home.rename(next(path for path in home.parents if path.is_mount()) / "home")  # noqa: PLW2901
        wrong = strangers(rows(home), calm)
        next_code, next_said = backfill(home)
        after = rows(home)
        differ = [name for name in sorted({*after, *calm}) if name not in after or not after[name].equals(calm[name])]
        left = [path.name for path in (home / "dagster" / "run_locks").glob("*")]
        return Outcome(case.name, code, said, wrong, next_code, next_said, differ, left)


def main(seed: Path, cases: Sequence[Case]) -> None:
    with world(seed, ROOMY) as home:
        before = os.statvfs(home).f_bfree
        code, said = backfill(home)
        assert code == 0, said
        needs, calm = (before - os.statvfs(home).f_bfree) * os.statvfs(home).f_frsize, rows(home)
    for case in cases:
        sys.__stdout__.write(json.dumps(asdict(live(case, seed, calm, needs))) + "\n")  # type: ignore[union-attr]
        sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Case(**said) for said in json.loads(sys.argv[2])])
