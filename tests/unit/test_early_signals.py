"""What comes while a command still imports its parts, a signal or the end of its memory, ends it with an exit code and one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
class Signal:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "assay.cli.exit_codes":
            {what}
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may ignore it, as nohup does
sys.meta_path.insert(0, Signal)
from assay.cli.__main__ import main
main()
"""


@pytest.mark.parametrize(("number", "name"), [(2, "Ctrl-C"), (15, "SIGTERM"), (1, "SIGHUP")])
def test_a_signal_while_the_commands_are_imported_ends_with_a_line(number: int, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(what=f"os.kill(os.getpid(), {number})")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "", f"assay: stopped by {name}.\n")


def test_memory_that_is_gone_while_the_commands_are_imported_ends_with_a_line() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(what="raise MemoryError")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("assay: There is not enough memory to begin.")
    assert done.stderr.count("\n") == 1
