"""The model is judged, too: faults are brought back one by one, and it must find each.

One of them is part of the suite, the others take minutes: `make model-mutants`.
"""

from __future__ import annotations

import os

import pytest
from lake_counts import Counts
from lake_lives import live
from lake_mutants import MUTANTS

from assay.errors import AssayError

MOST_STEPS = 10_000
ALL = "ASSAY_MODEL_MUTANTS" in os.environ
IN_THE_SUITE = "no compare-and-swap in silver"


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_a_fault_that_is_brought_back_is_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if not ALL and name != IN_THE_SUITE:
        pytest.skip("make model-mutants brings back the other faults, too")
    counts, mutant = Counts(), MUTANTS[name]
    with mutant(), pytest.raises((AssertionError, AssayError, OSError)) as found:
        live(MOST_STEPS, shrink=False, counts=counts)
    with capsys.disabled():
        print(f"\n{name}: found after {counts.steps} steps: {str(found.value).splitlines()[0][:120]}")
