"""Patience with the SQLite files of Dagster's instance: whoever finds one locked waits for minutes, and not for SQLite's five seconds.

Dagster does not say how long its runs and schedules wait, and `dagster.yaml` has no word for it. A command says it when it opens the
instance; the daemon, the web server and the runs that they start when they open its event log.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy import event
from sqlalchemy.engine import Engine

BUSY_SECONDS = 300  # SQLite lets writers queue unfairly: giving up (stock: after 5 s or 30) loses a run or an event, waiting delays it


def wait_patiently() -> None:
    """From now on each connection that SQLAlchemy makes to a SQLite file waits so long for others."""
    if not event.contains(Engine, "connect", _be_patient):
        event.listen(Engine, "connect", _be_patient)


def _be_patient(connection: object, _: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
