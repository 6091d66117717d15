"""The lake as a state machine, through the real code: thousands of steps of writers whom nothing keeps apart, and nothing breaks.

`make model` takes a million. ASSAY_MODEL_STEPS and ASSAY_MODEL_SEED say how many, and where they begin.
"""

from __future__ import annotations

import os

import pytest
from lake_accidents import Damage
from lake_draws import Begins, Foreign, Mishap, Upstream
from lake_lives import live
from lake_writers import Kind

STEPS, SEED = int(os.environ.get("ASSAY_MODEL_STEPS", "10000")), int(os.environ.get("ASSAY_MODEL_SEED", "0"))
SEEDS = 1_000_000  # from the first of a part to that of the next
MISHAPS, MANY = {f"mishap {how.name}" for how in Mishap}, 50_000  # each kind by itself is rare
PARTS = 2  # so that two processes can take them
ENOUGH = 5_000  # from so many steps on everything that can happen has happened


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_writers_do_to_each_other_every_invariant_holds(part: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Steps that were not taken prove nothing: each rule, each kind of writer and each kind of point must have come."""
    if part and STEPS < PARTS:
        pytest.skip("one step is of the first part")
    steps = max(STEPS // PARTS, 1)
    with capsys.disabled():
        done = live(steps, SEED + part * SEEDS, shrink=STEPS < ENOUGH, say=print if STEPS > MANY else lambda _: None)
        print(f"\n{done.told()}")
    assert done.steps >= steps
    if steps >= ENOUGH:
        assert {*Upstream, "go on", "drain", *map("start {}".format, Begins), "mend", "refused"} <= {*done.rules}
        for rare in (MISHAPS, {*map("another tool: {}".format, Foreign)}, {*map("damage: {}".format, Damage)}):
            assert rare & {*done.rules}
            assert steps < MANY or rare <= {*done.rules}
        assert done.remembered > done.lives
        assert {*Kind} - {Kind.WAIT} <= {*done.segments}  # that an erasure meets a build at work is rare
        assert "done" in done.ends
        assert {"killed", "Ended"} & {*done.ends}  # each comes with its mishap, which is rare
        assert {"Superseded", "Fenced"} & {*done.ends}, "nobody has ever given way"
