"""A second process says why this one ended when it cannot say so itself: an engine without memory ends its process by a signal.

It is forked before an engine is imported, holds the end of a pipe and nothing else, and is gone at the end. Whoever ends in order takes
leave of it. How a command ends is `cli.ending`, how it is asked to is `stopping`.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
from contextlib import suppress
from typing import NoReturn

LEAVE = b"leave\n"
SIGNALS = {  # by the words of `faulthandler`, which writes them when such a signal comes
    b"Aborted": "SIGABRT",
    b"Segmentation fault": "SIGSEGV",
    b"Bus error": "SIGBUS",
    b"Illegal instruction": "SIGILL",
    b"Floating-point exception": "SIGFPE",
}
ENDED = "An engine ended this process by {}, most likely because it could get no memory. {}"
KILLED = "This process was killed: by somebody, or by the system, which had no memory left. {}"
CURE = "What is published is whole. Give it more memory, or fewer processes beside it, and run it again."

_watched: list[tuple[int, int, int]] = []  # by whom: our process, the other, and the pipe to it


def be_watched() -> None:
    """From now on another process says in one sentence on the standard error if this one ends by a signal that it cannot answer.

    To be called before there is any thread.
    """
    ours, theirs = os.pipe()
    if (pid := os.fork()) == 0:
        _watch(ours, theirs)
    os.close(ours)
    _watched.append((os.getpid(), pid, theirs))
    faulthandler.enable(theirs, all_threads=False)
    atexit.register(take_leave)


def take_leave() -> None:
    """Say that this process ends in order; returns when nobody watches it any more. Nothing in a process that was forked from it."""
    if _watched and _watched[0][0] == os.getpid():
        faulthandler.disable()
        with suppress(OSError, IndexError):  # the thread that obeys signals may be first
            _, pid, pipe = _watched.pop()
            os.write(pipe, LEAVE)
            os.close(pipe)
            os.waitpid(pid, 0)  # where nobody else takes up the dead it would stay among them


def said_of(words: bytes) -> str:
    """What a person reads of a process that has left these words; empty if it took leave."""
    if words.endswith(LEAVE):
        return ""
    for fault, name in SIGNALS.items():
        if fault in words:
            return ENDED.format(name, CURE)
    return KILLED.format(CURE)


def _watch(pipe: int, theirs: int) -> NoReturn:
    """In the other process. Signals to the whole group are not for it: it ends with the one that it watches."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for first, last in ((3, pipe), (pipe + 1, max(theirs + 1, os.sysconf("SC_OPEN_MAX")))):
        os.closerange(first, last)  # a pipe that it held would not be closed by the end of its owner
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)  # whoever reads what the command says is not kept waiting
    words = b""
    while more := os.read(pipe, 4096):
        words += more
    if said := said_of(words):
        with suppress(OSError):
            os.write(2, f"assay: {said}\n".encode())
    os._exit(0)
