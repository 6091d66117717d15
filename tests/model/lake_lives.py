"""Lives of the lake: as many as it takes for a number of steps. Each batch is drawn by a seed of its own, so what was found is found again."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from lake_machine import Counts, LakeMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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

    Raises what an invariant raises, after the rules that lead there, which are few if they are to `shrink`, and with the seed. To shrink
    takes minutes: a life is lived again for each rule that may not matter.
    """
    counts, number, began = counts or Counts(), first, time.monotonic()
    while counts.steps < steps:
        before = counts.steps

        class Seeded(machine):  # type: ignore[valid-type, misc]
            pass

        Seeded.counts = counts
        said = settings(
            max_examples=LIVES, stateful_step_count=RULES, deadline=None, database=None, print_blob=False, report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate, *([Phase.shrink] if shrink else [])], derandomize=False,
        )  # fmt: skip
        try:
            with on_one_core():
                run_state_machine_as_test(seed(number)(Seeded), settings=said)
        except BaseException as error:
            error.add_note(f"After {counts.steps} steps. Again, and in fewer rules: make model STEPS=1 SEED={number}")
            raise
        assert counts.steps > before, f"seed {number} draws nothing"
        say(f"seed {number}: {counts.steps} steps in {time.monotonic() - began:.0f} s")
        number += 1
    return counts


@contextmanager
def on_one_core() -> Iterator[None]:
    """Inside, all threads of this process share a core: one goes on at a time, and to wake up on another core costs a quarter of it all."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    _move_threads({min(before, key=lambda core: (core + os.getpid()) % (max(before) + 1))})
    try:
        yield
    finally:
        _move_threads(before)


def _move_threads(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it has ended, or the system does not say where threads are
            os.sched_setaffinity(int(thread.name), cores)
