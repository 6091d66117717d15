"""Runs the measures, each in a process of its own: `python bench/run.py [NAME...]`. One line per measure, its details indented before it.

Ends with 1 when a measure is above its limit or could not be taken.
"""

import argparse
import subprocess
import sys

from clock import BENCH

SCRIPTS = {
    "load_time": "load_time",
    "one_day": "one_day",
    "year_backfill": "year_backfill",
    "year_backfill_own_floor": "year_backfill",
    "ten_million": "ten_million",
    "ten_million_memory": "ten_million",
    "contract_enforcement": "contracts",
    "contract_enforcement_memory": "contracts",
    "event_log": "event_log",
    "gold_models": "growth",
    "gold_years": "growth",
    "landing_nothing_new": "landing_growth",
    "landing_one_new_file": "landing_growth",
    "landing_next_stage": "landing_growth",
    "landing_cold": "landing_growth",
    "landing_memory": "landing_growth",
}


def main() -> int:
    """Run what was asked for, or everything; a script that takes two measures runs once."""
    parser = argparse.ArgumentParser(description="Take the measures; each is a ratio of two sides that ran in turn.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SCRIPTS)} (default: all)")
    names = parser.parse_args().names or SCRIPTS
    if unknown := [name for name in names if name not in SCRIPTS]:
        parser.error(f"no measure is called {', '.join(unknown)}; there are {', '.join(SCRIPTS)}")
    scripts = dict.fromkeys(SCRIPTS[name] for name in names)
    failed = [script for script in scripts if subprocess.run([sys.executable, BENCH / f"{script}.py"], check=False).returncode]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
