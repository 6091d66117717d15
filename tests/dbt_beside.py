"""dbt for a command that was forked: a process forked too, which has imported dbt already, instead of one that takes seconds to begin."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Pipe

from assay.gold import dbt_process
from command_line import replace_environment


class _Forked:
    """A forked process, as `dbt_process` looks at one that it has started."""

    def __init__(self, pid: int) -> None:
        self.pid, self.code = pid, None

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def wait(self) -> int | None:
        while self.poll() is None:
            signal.sigtimedwait([], 0.01)
        return self.code

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def have_dbt_ready() -> None:
    """The next dbt that is asked for is a process forked from this one, before there is any thread."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        ours.close()
        dbt_process._serve(theirs)
        os._exit(0)
    theirs.close()
    first = [(ours, _Forked(pid))]
    make = dbt_process._Engine.__init__

    def adopt(engine: dbt_process._Engine, *project: object) -> None:
        if not first:
            make(engine, *project)
            return
        import threading

        engine.lock, engine.owner = threading.Lock(), os.getpid()
        engine.pipe, engine.process = first.pop()
        os.umask(umask := os.umask(0))
        engine.call(_be_as, umask, dict(os.environ))
        engine.was_called = False

    dbt_process._Engine.__init__ = adopt


def _be_as(umask: int, environment: dict[str, str]) -> None:
    """In the other process: what one that is started has of the one that starts it, which may have changed since the fork."""
    os.umask(umask)
    replace_environment(environment)
