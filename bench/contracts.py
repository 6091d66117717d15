"""`contract_enforcement` and `contract_enforcement_memory`: ten million rows judged by a contract, against Polars written by hand.

What is not measured runs in processes of its own: a process that starts another lends it its own greatest memory.
"""

import sys
from pathlib import Path

from clock import BENCH, Cost, cost_of, in_turn, ratio, show, verdict
from worlds import scratch

LIMIT, LIMIT_GIB = 1.3, 1.0
OURS, BY_HAND = "assay", "by hand"
SCRIPTS = {OURS: "enforced.py", BY_HAND: "enforced_by_hand.py"}


def main() -> int:
    """Make the rows, hold what both sides find against each other, take turns, print both lines."""
    with scratch() as folder:
        cost_of([BENCH / "enforcement.py", folder])
        print(f"  {(folder / 'rows').read_text()} rows landed, in {len([*(folder / 'chunks').iterdir()])} chunks", flush=True)
        for script in SCRIPTS.values():
            cost_of([BENCH / script, folder, folder / script])
        cost_of([__file__, folder])

        def side(name: str) -> Cost:
            return cost_of([BENCH / SCRIPTS[name], folder])

        costs = in_turn({OURS: lambda _: side(OURS), BY_HAND: lambda _: side(BY_HAND)})
    show(costs)
    good = verdict("contract_enforcement", ratio(costs, OURS, [BY_HAND]), "x", LIMIT)
    memory = max(cost.memory for cost in costs[OURS]) / 2**30
    return 0 if verdict("contract_enforcement_memory", memory, "GiB", LIMIT_GIB) and good else 1


def refuse_other_findings(folder: Path) -> None:
    """Compare what both sides wrote down. Raises SidesDiffer unless they have the same rows, reasons and counts in every chunk."""
    import polars as pl
    from equal import SidesDiffer

    targets = [folder / script for script in SCRIPTS.values()]
    names = [sorted(path.name for path in target.iterdir()) for target in targets]
    if names[0] != names[1] or not names[0]:
        raise SidesDiffer(f"The sides worked on {len(names[0])} and {len(names[1])} files.")
    for name in names[0]:
        ours, theirs = (target / name for target in targets)
        same = ours.read_bytes() == theirs.read_bytes() if name.endswith(".json") else pl.read_parquet(ours).equals(pl.read_parquet(theirs))
        if not same:
            raise SidesDiffer(f"The sides found other rows, or counted otherwise, in {name}.")


if __name__ == "__main__":
    sys.exit(refuse_other_findings(Path(sys.argv[1])) if len(sys.argv) > 1 else main())
