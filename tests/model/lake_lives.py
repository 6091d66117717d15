"""Lives of the lake: as many as it takes for a number of steps. Each batch is drawn by a seed of its own, so what was found is found again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from lake_machine import Counts, LakeMachine

if TYPE_CHECKING:
    from collections.abc import Callable

LIVES, RULES = 3, 60  # of a batch, and of a life


def live(
    steps: int,
    first: int = 0,
    *,
    shrink: bool = True,
    machine: type[LakeMachine] = LakeMachine,
    say: Callable[[str], object] = lambda _: None,
    counts: Counts | None = None,
) -> Counts:
    """Live batches of lives, by seeds from `first` on, until they have had so many steps, which are added to `counts`.

    Raises what an invariant raises, after the rules that lead there, which are few if they are to `shrink`, and with the seed.
    """
    counts, number, began = counts or Counts(), first, time.monotonic()
    while counts.steps < steps:

        class Seeded(machine):  # type: ignore[valid-type, misc]
            pass

        Seeded.counts = counts
        said = settings(
            max_examples=LIVES, stateful_step_count=RULES, deadline=None, database=None, print_blob=False, report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, *([Phase.shrink] if shrink else [])], derandomize=False,
        )  # fmt: skip
        try:
            run_state_machine_as_test(seed(number)(Seeded), settings=said)
        except BaseException as error:
            error.add_note(f"After {counts.steps} steps. Again: make model STEPS=1 SEED={number}")
            raise
        say(f"seed {number}: {counts.steps} steps in {time.monotonic() - began:.0f} s")
        number += 1
    return counts
