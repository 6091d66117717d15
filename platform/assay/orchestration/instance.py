"""The UI's Dagster instance, as it is used by a command that executes its runs itself: runs, events and pools are the same.

What such a run prints is on the terminal of its caller, so it is not captured as well: Dagster would start two Python processes for each
step to mirror it, and a Ctrl-C ends each of them in a traceback.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg
import yaml

from assay.lake.durable import replace_file
from assay.permissions import share

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assay.settings import Settings

NOT_CAPTURED = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}  # as Dagster documents it
NAME = "in-process.yaml"
DATABASES = ("history/runs.db", "history/runs/index.db", "schedules/schedules.db")  # that SQLite makes; it never lets a group write them


def share_instance(settings: Settings) -> None:
    """Let the group that shares the home write the instance's databases, which are made for that if they are not there."""
    files = [settings.dagster_home / name for name in DATABASES]
    if not all(file.exists() for file in files):
        with instance_of(settings.dagster_home):
            pass
    share(settings, files)


@contextmanager
def instance_of(dagster_home: Path) -> Iterator[dg.DagsterInstance]:
    """The instance that `dagster.yaml` in this folder describes. Closed at the end."""
    said = yaml.safe_load((dagster_home / "dagster.yaml").read_text(encoding="utf-8")) or {}
    replace_file(dagster_home / NAME, yaml.safe_dump(said | {"compute_logs": NOT_CAPTURED}).encode())
    with dg.DagsterInstance.from_config(str(dagster_home), NAME) as instance:
        yield instance
