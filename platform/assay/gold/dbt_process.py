"""dbt in a process of its own: started before it is needed, used by one build after the other, gone with the process that started it.

Importing dbt takes three CPU seconds under the interpreter's lock, and a build holds that lock most of its time. In a process of its own
both use another core while bronze and silver are made here, and dbt's global state cannot leak. What is called and what comes back is
pickled through a pipe; the functions themselves are in `dbt_runner`, and in `staged` for what was built: its rows are where DuckDB is.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from assay.errors import TransientFailure
from assay.gold import dbt_runner, staged
from assay.process import collect_rarely, leave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")
R = TypeVar("R")
GRACE_SECONDS = 1
NOT_WORTH_SAYING = "ignore:resource_tracker:UserWarning"  # multiprocessing takes away what a killed process leaves, and would tell of it


class DbtDied(TransientFailure):
    """The process that runs dbt ended in the middle of its work."""

    hint = "Its last words are in this process's output; out of memory is the usual reason. Nothing was published."


class _Engine:
    """The other process, seen from here: one call at a time."""

    def __init__(self, *project: Path) -> None:
        self.lock, self.owner, self.was_called = threading.Lock(), os.getpid(), False
        self.pipe, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-W", NOT_WORTH_SAYING, "-m", __name__, str(theirs.fileno()), *map(str, project)]
            with _ctrl_c_blocked():
                self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)

    @property
    def usable(self) -> bool:
        """Whether it is alive and ours: a forked child must not share its parent's pipe."""
        return self.owner == os.getpid() and self.process.poll() is None

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function there. Raises what it raises, or DbtDied."""
        with self.lock:
            self.was_called = True
            try:
                self.pipe.send((function, args, kwargs))
                good, answer = self.pipe.recv()
            except (EOFError, OSError) as error:
                raise DbtDied(f"Tried to {function.__name__} with dbt; its process ended with {self.process.wait()}.") from error
            except BaseException:  # we were interrupted: its answer must not be taken for that of a later call
                self.process.kill()
                raise
        if not good:
            raise answer
        returned: R = answer
        return returned


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """A process started inside does not hear of Ctrl-C while it starts: it reaches the whole group, and the caller decides what follows."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_engines: list[_Engine] = []
_starting = threading.Lock()
_keepers: list[int] = []


def start(*project: Path) -> _Engine:
    """Make sure that the process is there; returns at once. A new one gets ready for `project`: its folder and its manifest, if given."""
    with _starting:
        _engines[:] = [engine for engine in _engines if engine.usable] or [_Engine(*project)]
        return _engines[0]


@contextmanager
def kept() -> Iterator[None]:
    """Inside, one process serves one backfill after the other: `stop` is only done at the end."""
    _keepers.append(1)
    try:
        yield
    finally:
        _keepers.pop()
        stop()


def stop() -> None:
    """Let the process end, if there is one; a later call starts another. It is waited for when this process ends.

    One that was never called has nothing to finish: it is killed while it still gets ready.
    """
    if _keepers:
        return
    with _starting:
        for engine in _engines:
            if engine.usable:
                engine.pipe.close()
                if not engine.was_called:
                    engine.process.kill()
                atexit.register(engine.process.wait)
        _engines.clear()


def _elsewhere(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, run in the other process."""

    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        return start().call(function, *args, **kwargs)

    return call


build = _elsewhere(dbt_runner.build)
parse = _elsewhere(dbt_runner.parse)
compile_models = _elsewhere(dbt_runner.compile_models)
stage_model = _elsewhere(staged.stage_model)


def _serve(pipe: Connection, *project: Path) -> None:
    """The other side: get ready, then answer until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # multiprocessing unblocks it when dbt makes its pools
    threading.Thread(target=_end_with_the_caller, args=(pipe.fileno(),), daemon=True).start()
    if project:
        dbt_runner.warm_up(*project)
    while True:
        try:
            pipe.send(_answer(*pipe.recv()))
        except (EOFError, ConnectionError):  # the caller is gone, maybe while we worked: nobody waits for an answer
            return


def _answer(function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> tuple[bool, object]:
    """Whether the call returned, and what it returned or raised: that is raised again where it was called."""
    try:
        return True, function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001
        return False, error


def _end_with_the_caller(handle: int) -> None:
    """End when the caller is gone, also in the middle of a build: nobody waits for it, and what it writes no commit will name."""
    hung_up = select.poll()
    hung_up.register(handle, getattr(select, "POLLRDHUP", 0) | select.POLLHUP)
    hung_up.poll()
    time.sleep(GRACE_SECONDS)  # without work it ends by itself, in good order
    os._exit(1)


if __name__ == "__main__":
    collect_rarely()
    _serve(Connection(int(sys.argv[1])), *map(Path, sys.argv[2:]))
    leave(0)
