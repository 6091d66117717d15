"""How a command ends when it is asked to: SIGINT (Ctrl-C), SIGTERM and SIGHUP end it within seconds, with exit code 128 + signal.

Nothing that Assay does needs to be finished, so a command ends at once, after what was given to `at_the_end`. Only a run that Dagster
executes takes itself apart: the same signal interrupts it, and `takes_itself_apart` gives it a moment. Dagster swallows the interrupt, so
whoever starts one run after another calls `check` between two.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from assay.crash_message import take_leave

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 1.5
POLL_SECONDS = 0.05
LONGEST_SECONDS = 20  # for what was given to `at_the_end`


class Stopped(BaseException):
    """Somebody asked this process to end. No Exception: nobody who handles errors of the work may take it for one.

    `by` is what a person calls it, `code` the exit code.
    """

    def __init__(self, number: int) -> None:
        self.by = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
        self.code = 128 + number
        super().__init__(f"stopped by {self.by}")


_asked: list[Stopped] = []  # empty until somebody does
_last_acts: list[Callable[[Stopped], None]] = []
_in_order = threading.Event()


def asked() -> Stopped | None:
    """What this process was asked to end by, if it was."""
    return _asked[0] if _asked else None


def check() -> None:
    """Raise Stopped if this process was asked to end."""
    if stopped := asked():
        raise stopped


@contextmanager
def at_the_end(act: Callable[[Stopped], None]) -> Iterator[None]:
    """Inside, `act` is called when this process ends at once. It is called in another thread, beside what the main thread still does."""
    _last_acts.append(act)
    try:
        yield
    finally:
        _last_acts.remove(act)


@contextmanager
def takes_itself_apart() -> Iterator[None]:
    """Inside, the process ends at once only when the work has not ended by itself in a moment."""
    _in_order.set()
    try:
        yield
    finally:
        if not _asked:
            _in_order.clear()


def obey() -> None:
    """From now on signals end this process in this way, also one in the background of a script, where SIGINT is ignored otherwise.

    A thread reads the bytes that Python writes for each signal: they come while the main thread is in an engine too, and whatever handlers
    Dagster puts in place.
    """
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
    for number in SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # `nohup` means it
            signal.signal(number, lambda *_: None)  # an exception could be raised anywhere, in the middle of an import too
    threading.Thread(target=_watch, args=(ours,), name="signals", daemon=True).start()


def _watch(pipe: int) -> None:
    while (number := os.read(pipe, 1)[0]) not in SIGNALS:
        pass
    stopped = Stopped(number)
    _asked.append(stopped)
    if _in_order.is_set():
        select.select([pipe], [], [], GRACE_SECONDS)  # a second signal ends the patience
    acting = threading.Thread(target=_act, args=(stopped,), daemon=True)
    acting.start()
    last = time.monotonic() + LONGEST_SECONDS
    while acting.is_alive() and time.monotonic() < last and not select.select([pipe], [], [], POLL_SECONDS)[0]:
        pass
    take_leave()
    os._exit(stopped.code)


def _act(stopped: Stopped) -> None:
    """In a thread of its own: whoever is told may not read any more."""
    for act in reversed(_last_acts):
        act(stopped)
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
