"""A process of `assay serve` that ends when the one that started it is gone, however that ended: it runs one of Dagster's programs.

Its standard input is a pipe that only its parent holds. The kernel closes it with the parent, killed or not.

Dagster's code server only passes on what it is asked, to a process of its own that has loaded the code. When that is gone (killed for its
memory; or it has ended by itself, because the clock has leapt and it takes a heartbeat for missed), there would be nothing but errors from
then on. So the code server ends, and is started again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from importlib.metadata import entry_points

PATIENCE_SECONDS = 10  # for a program that was asked to end
LOOK_SECONDS, LOOKS = 5, 2
CODE_SERVER = "code-server"
WITHOUT_CODE = os.EX_UNAVAILABLE  # how a code server ends whose process with the code is gone


def main() -> None:
    """Run a program that a package installs, named by the first argument, with the others."""
    _, program, *arguments = sys.argv
    end_with_parent()
    if CODE_SERVER in arguments and hasattr(os, "waitid"):  # macOS has it from Python 3.13 on
        threading.Thread(target=_end_without_code, name="code", daemon=True).start()
    sys.argv = [program, *arguments]
    [found] = entry_points(group="console_scripts", name=program)
    sys.exit(found.load()())


def end_with_parent() -> None:
    """From now on this process is interrupted when its parent is gone, and killed if that does not end it."""
    threading.Thread(target=_wait_and_end, name="parent", daemon=True).start()


def _wait_and_end() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(PATIENCE_SECONDS)
    os.killpg(0, signal.SIGKILL)  # a session of its own: what it started ends with it


def _end_without_code() -> None:
    """End when there was a child, the process with the code, and at two looks none: one that is loaded anew may be about to come."""
    was_there, missed = False, 0
    while not was_there or missed < LOOKS:
        time.sleep(LOOK_SECONDS)
        is_there = has_children()
        was_there, missed = was_there or is_there, 0 if is_there else missed + 1
    os._exit(WITHOUT_CODE)  # its threads wait for what is gone


def has_children() -> bool:
    """Whether this process has any, also dead ones that Dagster has not yet noticed: it looks after its own."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


if __name__ == "__main__":
    main()
