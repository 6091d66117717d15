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
MISHAPS, MANY = {f"mishap {how.name}" for how in Mishap}, 50_000  # each kind by itself is rare
ENOUGH = 10_000  # from so many steps on everything that can happen has happened


@pytest.mark.slow
def test_whatever_writers_do_to_each_other_every_invariant_holds(capsys: pytest.CaptureFixture[str]) -> None:
    """Steps that were not taken prove nothing: each rule, each kind of writer and each kind of point must have come."""
    with capsys.disabled():
        done = live(STEPS, SEED, say=print if STEPS > ENOUGH else lambda _: None)
        print(f"\n{done.told()}")
    assert done.steps >= STEPS
    if STEPS >= ENOUGH:
        assert {*Upstream, "go on", "drain", *map("start {}".format, Begins)} <= {*done.rules}
        assert MISHAPS & {*done.rules}
        assert {*map("another tool: {}".format, Foreign), *map("damage: {}".format, Damage), "mend", "refused"} <= {*done.rules}
        assert STEPS < MANY or {*done.rules} >= MISHAPS
        assert {*Kind} - {Kind.WAIT} <= {*done.segments}  # that an erasure meets a build at work is rare
        assert {"done", "killed", "Ended"} <= {*done.ends}
        assert {"Superseded", "Fenced"} & {*done.ends}, "nobody has ever given way"
