"""Files, and the history of a Dagster instance, as if they had been written days ago: for tests of what is removed by its age."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TIMES = {"runs": ("create_timestamp", "update_timestamp"), "event_logs": ("timestamp",), "asset_check_executions": ("create_timestamp",)}


def aged(folder: Path, days: float) -> None:
    """Let all below a folder have been written so many days ago; the entries of logs do not say otherwise any more."""
    earlier = time.time() - days * 86400
    for path in [one for one in folder.rglob("*") if one.is_file()]:
        if path.suffix == ".json":
            path.write_text(path.read_text().replace('"timestamp":', '"timestamp":0,"said":'))
        os.utime(path, (earlier, earlier))


def aged_history(dagster_home: Path, days: float) -> None:
    """Let the runs and events of a Dagster instance on SQLite be so many days older than they are."""
    for file in dagster_home.rglob("*.db"):
        with closing(sqlite3.connect(file, isolation_level=None)) as database:
            there = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table, columns in TIMES.items():
                for column in columns if table in there else ():
                    database.execute(f"UPDATE {table} SET {column} = strftime('%Y-%m-%d %H:%M:%f', {column}, ?)", (f"-{days} days",))
    aged(dagster_home, days)
