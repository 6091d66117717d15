"""`load_time`: what a process pays before it can work, beyond `import dagster`: our imports, contracts and definitions."""

import statistics
import sys

from clock import cost_of, in_turn, show, verdict
from worlds import assay, scratch

LIMIT = 3.0
LOAD = "import dagster; from flights.definitions import defs; dagster.Definitions.validate_loadable(defs())"
OURS, DAGSTER = "definitions", "import dagster"


def main() -> int:
    """Load the code location in fresh processes, dbt's manifest parsed before."""
    with scratch() as folder:
        assay(folder, "init")
        costs = in_turn({OURS: lambda _: cost_of(["-c", LOAD], {"ASSAY_HOME": str(folder)}), DAGSTER: lambda _: cost_of(["-c", DAGSTER])})
    show(costs)
    more = statistics.median(ours.cpu - theirs.cpu for ours, theirs in zip(costs[OURS], costs[DAGSTER], strict=True))
    return 0 if verdict("load_time", more, "s", LIMIT) else 1


if __name__ == "__main__":
    sys.exit(main())
