"""The model is judged, too: old faults are brought back one by one, and it must find each.

One of them is part of the suite, the others take minutes: `make model-mutants`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from lake_lives import live
from lake_machine import Counts
from lake_mutants import FOUND_BY, gold_keeps_months_that_silver_has_lost

from assay.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

MOST_STEPS = 6_000
ALL = "ASSAY_MODEL_MUTANTS" in os.environ


@pytest.mark.slow
@pytest.mark.parametrize("mutant", FOUND_BY, ids=lambda mutant: mutant.__name__)
def test_a_fault_that_is_brought_back_is_found(
    mutant: Callable[[], AbstractContextManager[None]], capsys: pytest.CaptureFixture[str]
) -> None:
    if not ALL and mutant is not gold_keeps_months_that_silver_has_lost:
        pytest.skip("make model-mutants brings back the other faults, too")
    counts = Counts()
    with mutant(), pytest.raises((AssertionError, AssayError)) as found:
        live(MOST_STEPS, FOUND_BY[mutant], shrink=False, counts=counts)
    with capsys.disabled():
        print(f"\n{mutant.__name__}: found after {counts.steps} steps: {str(found.value).splitlines()[0][:120]}")
