"""`one_day`: building one day again in a lake that has its month, against an empty Dagster process that makes the same runs."""

import sys
from datetime import date
from pathlib import Path

from clock import BENCH, Cost, cost_of, in_turn, ratio, show, verdict
from worlds import COMMAND_LINE, assay, drop_landing, fresh_home, fresh_instance, scratch
from year_backfill import write_shape

LIMIT = 1.3
FIRST, LAST = date(2013, 6, 1), date(2013, 6, 30)
AGAIN = ("backfill", "--from", "2013-06-14", "--to", "2013-06-14", "--force")
OURS, STOCK, OWN = "assay", "empty, stock event log", "empty, our event log"


def main() -> int:
    """Build the month, make every side run once so that no span creates a database, take turns."""
    with scratch() as folder:
        home, shape = fresh_home(folder / "home", drop_landing(folder / "landing", FIRST, LAST)), folder / "shape.json"
        assay(home, "backfill", "--from", str(FIRST), "--to", str(LAST))
        assay(home, *AGAIN)
        write_shape(home, shape)
        stock, own = (fresh_instance(folder / name, stock=name == "stock") for name in ("stock", "own"))
        for environment in (stock, own):
            empty(shape, environment)
        costs = in_turn(
            {
                OURS: lambda _: cost_of(["-c", COMMAND_LINE, *AGAIN], {"ASSAY_HOME": str(home)}),
                STOCK: lambda _: empty(shape, stock),
                OWN: lambda _: empty(shape, own),
            }
        )
    show(costs)
    return 0 if verdict("one_day", ratio(costs, OURS, [STOCK]), "x", LIMIT) else 1


def empty(shape: Path, environment: dict[str, str]) -> Cost:
    """The same runs of empty assets; they must have recorded what ours did."""
    cost = cost_of([BENCH / "empty.py", shape], environment)
    cost_of([BENCH / "shape.py", "check", shape], environment)
    return cost


if __name__ == "__main__":
    sys.exit(main())
