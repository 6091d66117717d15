"""`year_backfill` and `year_backfill_own_floor`: a whole year through Dagster, against doing by hand what it does plus recording it."""

import sys
from pathlib import Path

from clock import BENCH, Cost, cost_of, in_turn, ratio, show, verdict
from equal import refuse_other_rows
from worlds import COMMAND_LINE, drop_landing, fresh_home, fresh_instance, remove, scratch

LIMIT, LIMIT_OWN_FLOOR = 0.6, 2.5
YEAR = ("backfill", "--from", "2013-01-01", "--to", "2013-12-31")
OURS, BY_HAND, STOCK, OWN = "assay", "by hand", "empty, stock event log", "empty, our event log"


def main() -> int:
    """Take turns, print both lines."""
    with scratch() as folder:
        sides = Sides(folder, drop_landing(folder / "landing"))
        costs = in_turn({OURS: sides.ours, BY_HAND: sides.by_hand, STOCK: sides.empty_stock, OWN: sides.empty_own})
    show(costs)
    good = verdict("year_backfill", ratio(costs, OURS, [BY_HAND, STOCK]), "x", LIMIT)
    return 0 if verdict("year_backfill_own_floor", ratio(costs, OURS, [BY_HAND, OWN]), "x", LIMIT_OWN_FLOOR) and good else 1


class Sides:
    """The four sides, each in a world that is made before its span begins and checked after it has ended."""

    def __init__(self, folder: Path, landing: Path) -> None:
        self.folder, self.landing = folder, landing
        self.home, self.hand, self.shape = folder / "home", folder / "hand", folder / "shape.json"

    def ours(self, number: int) -> Cost:
        """`assay backfill` of the year into an empty lake and a fresh instance."""
        fresh_home(self.home, self.landing)
        cost = cost_of(["-c", COMMAND_LINE, *YEAR], {"ASSAY_HOME": str(self.home)})
        if number == 0:
            write_shape(self.home, self.shape)
        return cost

    def by_hand(self, number: int) -> Cost:
        """The hand-written script; its rows must be ours."""
        del number
        cost = cost_of([BENCH / "handwritten.py", self.landing, self.hand])
        refuse_other_rows(self.home / "lake", self.hand)
        remove(self.hand)
        return cost

    def empty_stock(self, number: int) -> Cost:
        """The same runs of empty assets on Dagster's own event log."""
        del number
        return self._empty(stock=True)

    def empty_own(self, number: int) -> Cost:
        """The same runs of empty assets on our event log."""
        del number
        return self._empty(stock=False)

    def _empty(self, *, stock: bool) -> Cost:
        environment = fresh_instance(self.folder / "instance", stock=stock)
        cost = cost_of([BENCH / "empty.py", self.shape], environment)
        cost_of([BENCH / "shape.py", "check", self.shape], environment)
        remove(self.folder / "instance")
        return cost


def write_shape(home: Path, shape: Path) -> None:
    """Write down the newest backfill of a home, for the empty side."""
    cost_of([BENCH / "shape.py", "write", shape], {"ASSAY_HOME": str(home), "DAGSTER_HOME": str(home / "dagster")})


if __name__ == "__main__":
    sys.exit(main())
