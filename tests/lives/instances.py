"""A Dagster instance in memory that the daemon's loops accept: sensors may open it again, as a code server does, and get the same one.

A life ticks some hundred times; opening SQLite files anew for each tick took most of its time.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest.mock import patch

import sqlalchemy as sa
from dagster._core.instance import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.instance.types import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from dagster._core.storage.sqlite import create_in_memory_conn_string

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class InMemoryScheduleStorage(SqlScheduleStorage):
    """Cursors and ticks in memory; Dagster has such a storage for runs and events only."""

    def __init__(self) -> None:
        self._engine = sa.create_engine(create_in_memory_conn_string(f"schedules-{uuid.uuid4()}"), poolclass=sa.pool.StaticPool)
        ScheduleStorageSqlMetadata.create_all(self._engine)
        super().__init__()

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def has_secondary_index(self, _: str) -> bool:
        return True

    def upgrade(self) -> None:
        raise NotImplementedError

    def dispose(self) -> None:
        self._engine.dispose()


class LivingInstance(DagsterInstance):
    """An instance that only `end` closes; whoever opens it by its reference gets the same one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._reference = InstanceRef.from_dir(str(folder))
        super().__init__(
            instance_type=InstanceType.EPHEMERAL,
            local_artifact_storage=LocalArtifactStorage(str(folder)),
            run_storage=InMemoryRunStorage(),
            event_storage=InMemoryEventLogStorage(),
            schedule_storage=InMemoryScheduleStorage(),
            compute_log_manager=NoOpComputeLogManager(),
            run_coordinator=DefaultRunCoordinator(),
            run_launcher=SyncInMemoryRunLauncher(),
            settings={"telemetry": {"enabled": False}, "python_logs": {"python_log_level": "CRITICAL"}},
        )

    def get_ref(self) -> InstanceRef:
        return self._reference

    def dispose(self) -> None:
        """Nothing: a sensor that has read the instance closes what it believes to be its own."""

    def end(self) -> None:
        super().dispose()

    @contextmanager
    def found(self) -> Iterator[None]:
        """Inside, a reference leads here."""
        with patch.object(DagsterInstance, "from_ref", lambda _: self):
            yield
