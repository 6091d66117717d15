"""`ten_million` and `ten_million_memory`: thirty times the data, without Dagster, against the hand-written script."""

import sys

from clock import BENCH, Cost, cost_of, in_turn, ratio, show, verdict
from equal import refuse_other_rows
from replicate import replicate, widen
from worlds import drop_landing, fresh_home, remove, scratch

from flights.definitions import CONTRACTS

LIMIT, LIMIT_GIB = 2.0, 1.0
OURS, BY_HAND = "assay", "by hand"


def main() -> int:
    """Replicate the year, take turns, print both lines."""
    with scratch() as folder:
        landing = folder / "landing"
        flights = replicate(drop_landing(folder / "once"), landing)
        print(f"  {flights:,} flights landed", flush=True)
        home, hand, contracts = folder / "home", folder / "hand", widen(CONTRACTS, folder / "contracts")

        def ours(number: int) -> Cost:
            del number
            fresh_home(home, landing)
            return cost_of([BENCH / "data_plane.py", contracts], {"ASSAY_HOME": str(home)})

        def by_hand(number: int) -> Cost:
            cost = cost_of([BENCH / "handwritten.py", landing, hand])
            if number == 0:
                refuse_other_rows(home / "lake", hand)
            remove(hand)
            return cost

        costs = in_turn({OURS: ours, BY_HAND: by_hand})
    show(costs)
    good = verdict("ten_million", ratio(costs, OURS, [BY_HAND]), "x", LIMIT)
    memory = max(cost.memory for cost in costs[OURS]) / 2**30
    return 0 if verdict("ten_million_memory", memory, "GiB", LIMIT_GIB) and good else 1


if __name__ == "__main__":
    sys.exit(main())
