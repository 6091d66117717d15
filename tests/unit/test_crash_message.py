"""A process that is ended by a signal it cannot answer is told of by another; one that ends in order is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = "import os, signal, sys\nfrom assay.crash_message import be_watched, take_leave\nbe_watched()\n"


def ended(how: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-c", BEGIN + how], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("how", "code", "says"),
    [
        (
            "os.abort()",
            -6,
            "assay: An engine ended this process by SIGABRT, most likely because it could get no memory. What is published is",
        ),
        ("import ctypes; ctypes.string_at(0)", -11, "assay: An engine ended this process by SIGSEGV, "),
        ("os.kill(os.getpid(), signal.SIGKILL)", -9, "assay: This process was killed: by somebody, or by the system, which had no memory "),
    ],
)
def test_what_ended_by_a_signal_is_said_in_one_line(how: str, code: int, says: str) -> None:
    found, said = ended(how)
    assert found == code
    assert says in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("how", ["", "sys.exit(3)", "take_leave(); os._exit(4)", "raise KeyError('a fault of ours')"])
def test_nothing_is_said_of_what_ended_in_order(how: str) -> None:
    _, said = ended(how)
    assert "assay:" not in said


def test_a_process_forked_from_it_takes_no_leave_for_it() -> None:
    _, said = ended("if os.fork() == 0: sys.exit(0)\nos.wait()\nos.abort()")
    assert "SIGABRT" in said


def test_nobody_is_left_among_the_dead() -> None:
    code, said = ended("take_leave()\ntry:\n    os.wait()\nexcept ChildProcessError:\n    os._exit(7)")
    assert (code, said) == (7, "")


def test_a_pipe_of_the_command_is_closed_with_it() -> None:
    code, said = ended(
        "theirs, ours = os.pipe()\n"
        "take_leave()\n"
        "be_watched()\n"  # it was there before
        "if os.fork() == 0:\n"
        "    os.close(ours)\n"
        "    os._exit(len(os.read(theirs, 1)))\n"
        "os.close(ours)\n"
        "os._exit(os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]))"
    )
    assert code == 0, said
