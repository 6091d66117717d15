"""A few of all kills and power cuts, evenly spread; `make faults` tries every one. Needs Linux and a C compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import shim

EXPLORE = Path(__file__).with_name("explore.py")
MOMENTS, WORKED_ON = 6, 2  # of each tale: about a minute


@pytest.mark.slow
@pytest.mark.skipif(bool(shim.missing()), reason=shim.missing() or "nothing is missing")
def test_what_a_kill_or_a_power_cut_leaves_can_be_read_and_is_worked_on_as_if_nothing_had_happened() -> None:
    command = [sys.executable, str(EXPLORE), "kills,cuts", "first", "erase", "--spread", str(MOMENTS), "--whole", str(WORKED_ON)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
