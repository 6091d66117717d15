"""A backfill that has too little of something says what and where, leaves nothing wrong, and the next one ends as if nothing had been.

ASSAY_DISK_LEVELS=50 fills the disk of the whole product at 50 levels, and meets every limit of the system once, gold included; without it a
product of two tables meets some of them. Needs `unshare` and file systems in memory, for root or where users may have namespaces.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starving import ROOMY, Case

from flights.upstream import drop_files

sys.path.append(str(Path(__file__).parents[1] / "integration"))
from live_market import rows, stall  # its folder is not on the path when this file is collected alone

TESTS = Path(__file__).parents[1]
LEVELS = int(os.environ.get("ASSAY_DISK_LEVELS", "0"))
FEW_LEVELS = 4
FULL = "No space is left on the disk ("
SAYS = {  # what is said, of each limit of the system; none where nothing is missing after all
    "size of a file": "A file may not grow any more. Raise the limit (ulimit -f)",
    "open files": "Too many files are open. Raise the limit (ulimit -n)",
    "number of files": FULL,
    "landing may not be read": "Permission denied",
    "dagster is read-only": "read-only file system",
    "all is read-only": "cannot be written to",
    "lake is read-only": "cannot be written to",
    "memory": "memory",
    "temporary folder is full": "",
    "temporary folder is missing": "",
    "path is long": "The path is too long.",
}
SOME = [
    Case("number of files", mount="size=256m,nr_inodes=64"),
    Case("dagster is read-only", read_only="dagster"),
    Case("landing may not be read", forbidden="landing/sales"),
]
REST = [
    Case("size of a file", limits={"RLIMIT_FSIZE": 100_000}),
    Case("open files", limits={"RLIMIT_NOFILE": 40}),
    Case("all is read-only", read_only="."),
    Case("lake is read-only", read_only="lake"),
    Case("memory", limits={"RLIMIT_AS": 150_000_000}),
    Case("temporary folder is full", temporary="size=4k,nr_inodes=2"),
    Case("temporary folder is missing", environment={"TMPDIR": "/nonexistent/folder"}),
    Case("path is long", deep=900),
]
WHOLE = [
    Case("number of files", mount="size=256m,nr_inodes=120"),
    Case("dagster is read-only", read_only="dagster"),
    Case("landing may not be read", forbidden="landing/flights"),
]
COUNT = LEVELS or FEW_LEVELS
FILLED = [Case(f"level {number}", free=number / COUNT) for number in range(COUNT)]
CASES = {case.name: case for case in [*FILLED, *(WHOLE + REST if LEVELS else SOME)]}


def seed(folder: Path) -> Path:
    """A home in which files have landed: of the product, or of a small one without gold."""
    home = folder / "home"
    if LEVELS:
        drop_files(home / "landing", date(2013, 1, 1), date(2013, 1, 1))
        return home
    (home / "contracts").mkdir(parents=True)
    for name, grain in (("sales", "day"), ("prices", "none")):
        (home / "contracts" / f"{name}.odcs.yaml").write_text(stall(name, grain=grain))
        for day in ("2024-03-01", "2024-03-02"):
            file = home / "landing" / name / f"{name}_{day}.csv"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(rows(*range(1, 2000), day=day))
    return home


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of each case. All in one process, which imports the engines once."""
    alone = ["unshare", "-rm"]
    may = subprocess.run([*alone, "mount", "-t", "tmpfs", "-o", ROOMY, "tmpfs", "/mnt"], capture_output=True, text=True, check=False)
    if may.returncode:
        pytest.skip(f"this machine lets nobody mount a file system of his own: {may.stderr.strip()}")
    program = [sys.executable, str(TESTS / "disk" / "starving.py"), str(seed(tmp_path_factory.mktemp("seed")))]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS / "disk")])}
    cases = json.dumps([asdict(case) for case in CASES.values()])
    done = subprocess.run([*alone, *program, cases], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {one["name"]: one for one in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_starved_backfill_says_so_and_the_next_ends_as_a_calm_one(name: str, outcomes: dict[str, dict[str, Any]]) -> None:
    found = outcomes[name]
    expected = SAYS.get(name, FULL)
    assert found["wrong"] == []
    assert "Traceback" not in found["said"]
    if found["code"] == 0:
        assert not expected or name.startswith("level"), found["said"]
    else:
        assert expected, found["said"]
        assert expected in found["said"], found["said"]
    assert found["next_code"] == 0, found["next_said"]
    assert found["differ"] == []
    assert found["left"] == []


@pytest.mark.slow
def test_the_levels_starve(outcomes: dict[str, dict[str, Any]]) -> None:
    """If the world became smaller than what is measured here, the levels would test nothing."""
    assert sum(outcomes[case.name]["code"] != 0 for case in FILLED) > COUNT / 2
