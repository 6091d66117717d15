"""The clock: run a command as a fresh process and say what it cost; run sides of a measure in turn; print the verdict.

The measured span is the whole process, imports included. CPU is user + system of the process and its children.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

ROUNDS = 3
CHECKOUT = Path(__file__).resolve().parents[1]
BENCH = CHECKOUT / "bench"
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
NEAR = 0.98  # of the greatest sum of resident sets: shares are counted from here on
PAGE = os.sysconf("SC_PAGESIZE")
OF_THE_CALLER = ("DAGSTER_", "ASSAY_", "PYTHONDONTWRITEBYTECODE")  # settings of whoever runs the bench must not reach a side


class Cost(NamedTuple):
    """What a process cost: seconds of wall clock and of CPU, and the most memory that it and its children had at once, in bytes."""

    wall: float
    cpu: float
    memory: int


class SideFailed(Exception):
    """A side of a measure ended with an error: there is nothing to compare."""


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a side: this process's, without settings of Dagster and Assay, and with `extra`.

    Without bytecode every process compiles each module of a checkout again, while installed ones come compiled: 0.3 CPU s.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(OF_THE_CALLER)} | dict(extra)


def cost_of(arguments: Sequence[str | Path], environment: Mapping[str, str] | None = None, python: str | Path = sys.executable) -> Cost:
    """Run `python ARGUMENTS` to its end, quietly. Raises SideFailed with the last lines that it wrote when it fails."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(python), *map(str, arguments)], env=clean_environment(environment or {}), stdout=said, stderr=said, cwd=CHECKOUT
        )
        peak = PeakOfTree(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            tail = said.read().decode(errors="replace").strip().splitlines()[-15:]
            raise SideFailed(f"{' '.join(map(str, arguments))} ended with {process.returncode}:\n" + "\n".join(tail))
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak.bytes or usage.ru_maxrss * MAXRSS_UNIT)


def output_of(arguments: Sequence[object]) -> str:
    """What `python ARGUMENTS` prints, in the clean environment of a side; what it measures it tells itself."""
    ran = subprocess.run(
        [sys.executable, *map(str, arguments)], env=clean_environment({}), capture_output=True, text=True, cwd=CHECKOUT, check=False
    )
    if ran.returncode:
        raise SideFailed(f"{arguments} ended with {ran.returncode}:\n{ran.stderr[-2000:]}")
    return ran.stdout


class PeakOfTree(threading.Thread):
    """The most memory that a process and its descendants had at once, looked at 20 times a second. 0 without /proc.

    What several of them share, such as the code of a library, counts once. To count that is dear, so it is done only when the plain sum of
    their resident sets is near its greatest.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.bytes = pid, 0
        self.start()

    def run(self) -> None:
        """Look until the process is gone."""
        greatest = 0
        while (pids := tree(self.pid)) and (found := sum(map(resident, pids))):
            if found > NEAR * greatest:
                greatest = max(greatest, found)
                self.bytes = max(self.bytes, sum(map(share, pids)))
            time.sleep(0.05)


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    try:
        threads = [entry.read_text() for entry in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return [pid]
    return [pid, *(found for text in threads for child in text.split() for found in tree(int(child)))]


def resident(pid: int) -> int:
    """The bytes of a process that are in memory; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def share(pid: int) -> int:
    """The same, but of pages that several processes have in memory only its share (Linux's PSS)."""
    try:
        return 1024 * int(Path(f"/proc/{pid}/smaps_rollup").read_text().partition("\nPss:")[2].split()[0])
    except (OSError, IndexError):
        return 0


def peak_of_this_process() -> float:
    """The most memory that this process has had, in bytes.

    Linux counts in `ru_maxrss` what the process had that started this one, so there /proc is asked.
    """
    try:
        return 1024.0 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    except (OSError, IndexError):
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT)


def in_turn(sides: Mapping[str, Callable[[int], Cost]], rounds: int = ROUNDS) -> dict[str, list[Cost]]:
    """Run the sides A B A B A B; each gets the number of the round. Whatever the machine does meanwhile, it does to all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, run in sides.items():
            costs[name].append(run(number))
    return costs


def show(costs: Mapping[str, Sequence[Cost]]) -> None:
    """Print the detail line of each side: medians of wall and CPU, every round's wall, and the greatest memory."""
    for name, found in costs.items():
        wall, cpu = (statistics.median(getattr(cost, field) for cost in found) for field in ("wall", "cpu"))
        rounds = " ".join(f"{cost.wall:.2f}" for cost in found)
        memory = max(cost.memory for cost in found) / 2**20
        print(f"  {name}: {wall:.2f} wall s, {cpu:.2f} CPU s, {memory:.0f} MiB (wall of each round: {rounds})", flush=True)


def ratio(costs: Mapping[str, Sequence[Cost]], ours: str, others: Sequence[str], of: str = "wall") -> float:
    """The median, over the rounds, of our seconds (`wall` or `cpu`) by the sum of the others'."""
    rounds = zip(costs[ours], zip(*(costs[name] for name in others), strict=True), strict=True)
    return statistics.median(getattr(mine, of) / sum(getattr(other, of) for other in theirs) for mine, theirs in rounds)


def verdict(name: str, value: float, unit: str, limit: float) -> bool:
    """Print the one line of a measure. False when it is above its limit."""
    print(f"{name}: {value:.2f} {unit} (limit {limit:g}){'' if value <= limit else ' ABOVE ITS LIMIT'}", flush=True)
    return value <= limit
