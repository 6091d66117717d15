"""A few of all kills and power cuts, evenly spread; `make faults` tries every one. Needs Linux and a C compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import shim

EXPLORE = Path(__file__).with_name("explore.py")
MOMENTS, WORKED_ON = 6, 2  # of each tale: about a minute
SERVED_MOMENT = 130  # of a run that publishes; most of the test is waiting for the sensor


@pytest.mark.slow
@pytest.mark.skipif(bool(shim.missing()), reason=shim.missing() or "nothing is missing")
def test_what_a_kill_or_a_power_cut_leaves_can_be_read_and_is_worked_on_as_if_nothing_had_happened() -> None:
    explored("kills,cuts", "first", "erase", "--spread", str(MOMENTS), "--whole", str(WORKED_ON))


@pytest.mark.slow
@pytest.mark.skipif(bool(shim.missing()), reason=shim.missing() or "nothing is missing")
def test_a_run_that_is_killed_under_assay_serve_and_the_server_after_it_leave_a_home_to_go_on_with() -> None:
    assert "1 served runs killed" in explored("served", "first", "--at", str(SERVED_MOMENT))


def explored(*arguments: str) -> str:
    done = subprocess.run([sys.executable, str(EXPLORE), *arguments], capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
