"""A few of all kills and power cuts, evenly spread; `make faults` tries every one. Needs Linux and a C compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import shim

EXPLORE = Path(__file__).with_name("explore.py")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(shim.missing()), reason=shim.missing() or "-")]


@pytest.mark.parametrize(
    ("what", "tale", "moments", "worked_on"), [("kills,cuts", "first", 12, 3), ("kills,cuts", "erase", 12, 3), ("real", "again", 2, 0)]
)
def test_whatever_a_kill_or_a_power_cut_leaves_can_be_read_and_is_worked_on_as_if_nothing_had_happened(
    what: str, tale: str, moments: int, worked_on: int
) -> None:
    command = [sys.executable, str(EXPLORE), what, tale, "--spread", str(moments), "--whole", str(worked_on)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
