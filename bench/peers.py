"""Peers: the year, and one day again, through Assay, a plain dbt project and a SQLMesh project.

`python bench/peers.py [--environments FOLDER]`. All read the same landing files and must have the same rows of silver and gold. The peers
keep no bronze, judge nothing, hold nothing back and record no partitions. Each has an environment of its own, installed from the Python
registry, so this is not among what `make bench` takes.
"""

import argparse
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from clock import BENCH, ROUNDS, Cost, cost_of, in_turn, ratio, show, verdict
from equal import refuse_other_tables
from worlds import COMMAND_LINE, drop_landing, fresh_home, remove, scratch

YEAR, DAY = ("2013-01-01", "2013-12-31"), "2013-06-14"
OURS, BY_DBT, BY_SQLMESH = "assay", "dbt", "sqlmesh"
LIMIT = 1.0
PLAN = ("plan", "--auto-apply", "--no-prompts")
GOALS = (("peers_year", "year", BY_DBT), ("peers_one_day", "day", BY_SQLMESH))
MAIN = {BY_DBT: "from dbt.cli.main import cli; cli()", BY_SQLMESH: "from sqlmesh.cli.main import cli; cli()"}


def main() -> int:
    """Install the peers where they are not, take turns, print the ratio of CPU seconds by each peer, and the goals."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environments", type=Path, help="where the peers are installed, or are to be; without it in a scratch folder")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    with scratch() as folder:
        sides = Sides(folder, asked.environments or folder)
        found = {"year": in_turn({name: sides.year(name) for name in sides.names}, asked.rounds)}
        sides.refuse_other_rows()
        found["day"] = in_turn({name: sides.day(name) for name in sides.names}, asked.rounds)
        sides.refuse_other_rows()
    for span, costs in found.items():
        print(f" {span}:")
        show(costs)
        for peer in (BY_DBT, BY_SQLMESH):
            print(f"  ours by {peer}: {ratio(costs, OURS, [peer], 'cpu'):.2f} x CPU s, {ratio(costs, OURS, [peer]):.2f} x wall s")
    kept = [verdict(name, ratio(found[span], OURS, [peer], "cpu"), f"x the CPU s of {peer}", LIMIT) for name, span, peer in GOALS]
    return 0 if all(kept) else 1


class Sides:
    """The three sides. The projects of the peers are parsed before a span begins, as `assay init` parses ours."""

    names = (OURS, BY_DBT, BY_SQLMESH)

    def __init__(self, folder: Path, environments: Path) -> None:
        self.folder, self.landing, self.home = folder, drop_landing(folder / "landing"), folder / "home"
        self.pythons = {peer: python_of(peer, environments) for peer in MAIN}
        self.environments = {peer: self._environment(peer) for peer in MAIN}

    def year(self, name: str) -> Callable[[int], Cost]:
        """The year into nothing."""
        return lambda _: {OURS: self._our_year, BY_DBT: self._dbt_year, BY_SQLMESH: self._sqlmesh_year}[name]()

    def day(self, name: str) -> Callable[[int], Cost]:
        """One day of it again: all tables of its day, or its month where they have months."""
        day = {
            BY_DBT: lambda: self._run(BY_DBT, self._dbt("build")),
            BY_SQLMESH: lambda: self._run(BY_SQLMESH, self._sqlmesh(*PLAN, "--restate-model", "silver.*", "--start", DAY, "--end", DAY)),
            OURS: lambda: self._assay("backfill", "--from", DAY, "--to", DAY, "--force"),
        }[name]
        return lambda _: day()

    def refuse_other_rows(self) -> None:
        """Raise SidesDiffer unless every side has the same rows."""
        for peer in MAIN:
            refuse_other_tables(self.home / "lake", self._database(peer))

    def _our_year(self) -> Cost:
        fresh_home(self.home, self.landing)
        return self._assay("backfill", "--from", YEAR[0], "--to", YEAR[1])

    def _dbt_year(self) -> Cost:
        remove(self.folder / BY_DBT)
        (self.folder / BY_DBT).mkdir()
        self._run(BY_DBT, self._dbt("parse"))
        return self._run(BY_DBT, self._dbt("build"))

    def _sqlmesh_year(self) -> Cost:
        remove(self.folder / BY_SQLMESH)
        (self.folder / BY_SQLMESH).mkdir()
        self._run(BY_SQLMESH, self._sqlmesh("info", "--skip-connection"))
        return self._run(BY_SQLMESH, self._sqlmesh(*PLAN))

    def _assay(self, *arguments: str) -> Cost:
        return cost_of(["-c", COMMAND_LINE, *arguments], {"ASSAY_HOME": str(self.home)})

    def _run(self, peer: str, arguments: Sequence[str | Path]) -> Cost:
        return cost_of(["-c", MAIN[peer], *arguments], self.environments[peer], self.pythons[peer])

    def _dbt(self, command: str) -> list[str | Path]:
        project, folder = BENCH / "peer_dbt", self.folder / BY_DBT
        places = ["--project-dir", project, "--profiles-dir", project, "--target-path", folder / "target", "--log-path", folder / "logs"]
        return [command, *places, "--vars", f'{{"day": "{DAY}"}}']  # the same in each run: other ones have the project parsed again

    def _sqlmesh(self, *command: str) -> list[str | Path]:
        return ["--paths", BENCH / "peer_sqlmesh", "--log-file-dir", self.folder / BY_SQLMESH / "logs", *command]

    def _database(self, peer: str) -> Path:
        return self.folder / peer / f"{peer}.duckdb"

    def _environment(self, peer: str) -> Mapping[str, str]:
        places = {"DATABASE": self._database(peer), "STATE": self.folder / peer / "state.duckdb", "CACHE": self.folder / peer / "cache"}
        said = {f"PEER_{name}": str(place) for name, place in {"LANDING": self.landing, **places}.items()}
        return {**said, "TZ": "UTC", "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "1", "NO_COLOR": "1"}


def python_of(peer: str, environments: Path) -> Path:
    """The Python of an environment that has the peer's pinned packages; it is made at the first time."""
    folder = environments / peer
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        requirements = BENCH / f"peer_{peer}" / "requirements.txt"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements], check=True)
    return python


if __name__ == "__main__":
    sys.exit(main())
