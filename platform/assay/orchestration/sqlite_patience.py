"""Patience with the SQLite files of Dagster's instance: whoever finds one locked waits for minutes, and not for SQLite's five seconds.

Dagster does not say how long its runs and schedules wait, and `dagster.yaml` has no word for it. A command says it when it opens the
instance; the daemon, the web server and the runs that they start when they open its event log. A command also says for whom it waits.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import event
from sqlalchemy.engine import Engine

from assay.lock_holders import aside, holders
from assay.orchestration.background import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

BUSY_SECONDS = 300  # SQLite lets writers queue unfairly: giving up (stock: after 5 s or 30) loses a run or an event, waiting delays it
SAY_SECONDS = 5.0

_at_work: dict[int, tuple[float, str]] = {}  # by thread: since when a statement is carried out, and in which file


def wait_patiently() -> None:
    """From now on each connection that SQLAlchemy makes to a SQLite file waits so long for others."""
    if not event.contains(Engine, "connect", _be_patient):
        event.listen(Engine, "connect", _be_patient)


def _be_patient(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")


@contextmanager
def waits_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, `tell` is given whose lock a statement waits for that takes long, once for each statement."""
    listeners: dict[str, Callable[..., None]] = {"before_cursor_execute": _begins, "after_cursor_execute": _ends, "handle_error": _ends}
    for name, listener in listeners.items():
        event.listen(Engine, name, listener)
    try:
        with beside("locks", partial(_watch, tell)):
            yield
    finally:
        for name, listener in listeners.items():
            event.remove(Engine, name, listener)


def _begins(connection: Connection, *_: object) -> None:
    _at_work[threading.get_ident()] = (time.monotonic(), connection.engine.url.database or "")


def _ends(*_: object) -> None:
    _at_work.pop(threading.get_ident(), None)


def _watch(tell: Callable[[str], None], over: threading.Event) -> None:
    told = set[tuple[float, str]]()
    while not over.wait(SAY_SECONDS / 5):
        for since, file in set(_at_work.values()) - told:
            # who only reads keeps no writer waiting; the lock of a writer is on the file, or on the one beside it that they share
            if time.monotonic() - since > SAY_SECONDS and (whose := holders([Path(file), Path(f"{file}-shm")], shared=False)):
                told.add((since, file))
                tell(f"{file} is locked{aside(whose)}. This goes on when it is free; after {BUSY_SECONDS:.0f} s it gives up.")
