"""A process of `assay serve` that ends when the one that started it is gone, however that ended: it runs one of Dagster's programs.

Its standard input is a pipe that only its parent holds. The kernel closes it with the parent, killed or not.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from importlib.metadata import entry_points

PATIENCE_SECONDS = 10  # for a program that was asked to end


def main() -> None:
    """Run a program that a package installs, named by the first argument, with the others."""
    _, program, *arguments = sys.argv
    end_with_parent()
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


if __name__ == "__main__":
    main()
