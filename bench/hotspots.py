"""Where our side's time goes: `python bench/hotspots.py [NAME]`, NAME being year_backfill, one_day or ten_million.

Runs it once under cProfile in this process. First the seconds that each package spent itself, built-in functions counted to whoever called
them; then the functions with the most time below them. Threads other than the main one show only as waiting (`acquire`).
"""

import argparse
import contextlib
import cProfile
import io
import os
import pstats
import re
import runpy
import sys
import warnings
from collections import Counter
from pathlib import Path

from clock import BENCH
from worlds import assay, drop_landing, fresh_home, scratch

TOP = 45
INSTALLED = re.compile(r"site-packages/([^/]+)")
# not `assay.cli.__main__`, which ends this process
COMMANDS = "import sys\nfrom assay.cli.exit_codes import run\nfrom assay.cli.main import app\nrun(app, sys.argv[1:])\n"
OURS = re.compile(r"platform/((?:assay/[^/]+|flights))")


def main() -> None:
    """Prepare the world of a measure, run our side under the profiler, print."""
    parser = argparse.ArgumentParser(description="Profile our side of a measure.")
    parser.add_argument("name", nargs="?", default="year_backfill", choices=["year_backfill", "one_day", "ten_million"])
    name = parser.parse_args().name
    warnings.simplefilter("ignore")
    with scratch() as folder:
        command = prepare(name, folder)
        os.environ["ASSAY_HOME"] = str(folder / "home")
        profile = cProfile.Profile()
        sys.argv = command
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            profile.runcall(runpy.run_path, command[0], run_name="__main__")
    show(pstats.Stats(profile))


def prepare(name: str, folder: Path) -> list[str]:
    """Make the home in which our side runs; its script and arguments."""
    command_line = folder / "assay.py"
    command_line.write_text(COMMANDS)
    if name == "ten_million":
        from replicate import replicate, widen

        from flights.definitions import CONTRACTS

        replicate(drop_landing(folder / "once"), folder / "landing")
        fresh_home(folder / "home", folder / "landing")
        return [str(BENCH / "data_plane.py"), str(widen(CONTRACTS, folder / "contracts"))]
    home = fresh_home(folder / "home", drop_landing(folder / "landing"))
    if name == "one_day":
        assay(home, "backfill", "--from", "2013-06-01", "--to", "2013-06-30")
        return [str(command_line), "backfill", "--from", "2013-06-14", "--to", "2013-06-14", "--force"]
    return [str(command_line), "backfill", "--from", "2013-01-01", "--to", "2013-12-31"]


def show(stats: pstats.Stats) -> None:
    """Print own seconds by package, then the functions by the time below them."""
    own: Counter[str] = Counter()
    for (file, _, _), (_, _, seconds, _, callers) in stats.stats.items():  # type: ignore[attr-defined]  # not in its stubs
        if file == "~" and callers:
            for (caller, _, _), (_, _, part, _) in callers.items():
                own[room(caller)] += part
        else:
            own[room(file)] += seconds
    print(f"{sum(own.values()):.1f} s; own seconds by package:")
    for name, seconds in own.most_common(25):
        print(f"  {seconds:7.2f}  {name}")
    stats.sort_stats("cumulative").print_stats(
        r"platform|bench|dagster/_core/(execution|instance|events|storage)|dbt/(cli|task|parser)", TOP
    )
    stats.sort_stats("tottime").print_stats(TOP // 2)


def room(file: str) -> str:
    """The package of a file: a room of ours, an installed package, or the standard library's module."""
    if found := OURS.search(file):
        return found.group(1)
    found = INSTALLED.search(file)
    return found.group(1) if found else file.rpartition("/")[2]


if __name__ == "__main__":
    main()
