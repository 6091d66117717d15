"""Dagster's SQLite event log with its connections kept open: the rows of the stock class at a tenth of the cost.

For every event stock opens, syncs and closes its files several times over. This is the one file that may import `dagster._core`:
Dagster has no public hook for storage, so it opens under one version alone (`pinned`); tests/integration/test_event_log.py holds each row
equal to stock's. To switch it off, delete `event_log_storage` from dagster.yaml: the stock class goes on with the very same files.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self, cast

import sqlalchemy as sa
from dagster import DagsterInvariantViolationError, Field, StringSource, __version__
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS, DagsterEventType
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqlEventLogStorageTable, SqliteEventLogStorage, SqlPollingEventWatcher
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable

from assay.cached_property import cached_property
from assay.lake.durable import create_file
from assay.orchestration.check_rows import Row, check_row
from assay.orchestration.data_versions import with_its_version
from assay.orchestration.pinned import require_verified
from assay.orchestration.sqlite_patience import wait_patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dagster import AssetCheckEvaluation
    from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
    from dagster._core.events.log import EventLogEntry
    from dagster._serdes import ConfigurableClassData

OPEN_SHARDS = 16  # a webserver reads every run it shows: without a bound it runs out of file descriptors
MIRRORED = ASSET_EVENTS | ASSET_CHECK_EVENTS | EVENT_TYPE_TO_PIPELINE_RUN_STATUS.keys()

# Built once, for SQLAlchemy to compile once: stock composes its statements for each event, which costs more than running them.
_EVENTS, _KEYS, _CHECKS = SqlEventLogStorageTable, AssetKeyTable, AssetCheckExecutionsTable
_INSERT_EVENTS = _EVENTS.insert()
_INSERT_EVENTS_FOR_IDS = _EVENTS.insert().returning(_EVENTS.c.id, sort_by_parameter_order=True)
_INSERT_KEY = _KEYS.insert()
_UPDATE_KEY = _KEYS.update().where(_KEYS.c.asset_key == sa.bindparam("its_asset_key"))
_INSERT_CHECKS = _CHECKS.insert()
_UPDATE_CHECK = _CHECKS.update().where(
    _CHECKS.c.asset_key == sa.bindparam("its_asset_key"),
    _CHECKS.c.check_name == sa.bindparam("its_check_name"),
    _CHECKS.c.run_id == sa.bindparam("its_run_id"),
    _CHECKS.c.partition.is_not_distinct_from(sa.bindparam("its_partition")),  # NULL for an unpartitioned check
)


class OpenSqliteEventLogStorage(SqliteEventLogStorage):
    """The stock SQLite event log, except for how it reaches its files.

    One connection per file stays open, with `synchronous=NORMAL`: a killed process loses no stored event; a power cut may lose the
    last ones, never a file's consistency. Other processes may use the stock class on the same files at the same time.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        require_verified()
        self._lock = threading.RLock()  # instead of stock's plain one: `_store` holds a run's file and the index together
        self._open: OrderedDict[str, sa.Connection] = OrderedDict()
        self._owner = os.getpid()
        self._inherited: list[object] = []
        self._tables: set[str] = set()
        self._poller = SqlPollingEventWatcher(self)
        wait_patiently()
        super().__init__(base_dir, inst_data)

    @classmethod
    def config_type(cls) -> dict[str, Field]:
        """`dagster_home`, the instance's folder: the default is right wherever Dagster itself finds its instance."""
        return {"dagster_home": Field(StringSource, is_required=False, default_value={"env": "DAGSTER_HOME"})}

    @classmethod
    def from_config_value(  # type: ignore[override]  # it takes what our `config_type` says
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, str]
    ) -> Self:
        """Build from dagster.yaml, in the folder where stock keeps its event log. The inherited method would build the stock class."""
        return cls(str(Path(config_value["dagster_home"]) / "history" / "runs"), inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._lock:
            try:
                with self._connection(shard).begin() as transaction:
                    yield transaction.connection
            except BaseException:
                # An interrupt can leave a transaction open, which would refuse every later event: start afresh, as stock always does.
                self._close([shard])
                raise

    def _connection(self, shard: str) -> sa.Connection:
        if self._owner != os.getpid():
            # SQLite's locks do not survive a fork: a child may neither use nor close what its parent opened, so it opens its own.
            self._inherited.append(self._open)
            self._open, self._owner = OrderedDict(), os.getpid()
        if shard not in self._open:
            self._open[shard] = self._open_shard(shard)
            self._close(list(self._open)[:-OPEN_SHARDS])
        self._open.move_to_end(shard)
        return self._open[shard]

    def _open_shard(self, shard: str) -> sa.Connection:
        apart = {"check_same_thread": False}  # any thread, one at a time: `_lock`
        engine = sa.create_engine(self.conn_string_for_shard(shard), poolclass=sa.NullPool, connect_args=apart)
        path = Path(self.path_for_shard(shard))
        # another process may have removed that of a run, and SQLite would make one without tables
        if shard not in self._initialized_dbs or not path.exists():
            # a new run gets a copy of an empty file: to make its tables and indexes one by one takes a tenth of a second
            if path.exists() or not create_file(path, self._empty):
                self._initdb(engine)
            self._initialized_dbs.add(shard)
        connection = engine.connect()
        connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
        connection.commit()
        return connection

    @cached_property
    def _empty(self) -> bytes:
        """The bytes of a run's file as stock makes it, made once for the instance and this version of Dagster."""
        kept = Path(self._base_dir).with_name(f"empty-run-{__version__}")
        if not kept.exists():
            with TemporaryDirectory() as folder:
                file = Path(folder) / "empty.db"
                self._initdb(sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool))
                create_file(kept, file.read_bytes())  # its last connection is closed: nothing waits in a write-ahead log
        return kept.read_bytes()

    def has_table(self, table_name: str) -> bool:
        """Remember a table once seen: stock looks again for each tagged event, through a connection of its own."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def store_event(self, event: EventLogEntry) -> None:
        """Store one event in one transaction per file; stock takes up to four."""
        self._store(event.run_id, [event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of each run in one transaction per file; stock stores them one by one."""
        for run_id, stretch in groupby(events, lambda event: event.run_id):
            self._store(run_id, list(stretch))

    def _store(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Write `events` to the file of their run and, those that stock mirrors, to the index.

        The run's transaction stays open around the index's: otherwise an error of the index would leave the events in the run alone,
        and Dagster, which answers a failed batch by storing its events one by one, would store them there twice.
        """
        rows = [self._event_to_row(with_its_version(event)) for event in events]
        mirrored = [(event, row) for event, row in zip(events, rows, strict=True) if event.dagster_event_type in MIRRORED]
        with self.run_connection(run_id) as run:
            run.execute(_INSERT_EVENTS, rows)
            if mirrored:
                with self.index_connection() as index:
                    self._mirror(index, mirrored)

    def _mirror(self, index: sa.Connection, mirrored: Sequence[tuple[EventLogEntry, Row]]) -> None:
        ids = index.execute(_INSERT_EVENTS_FOR_IDS, [row for _, row in mirrored]).scalars().all()
        asset_events: list[tuple[EventLogEntry, int]] = []
        for (event, row), event_id in zip(mirrored, ids, strict=True):
            if event.dagster_event_type in ASSET_EVENTS:
                asset_events.append((event, event_id))
            elif event.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED:
                self._plan_checks(index, event, row, event_id)
            elif event.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
                self._record_check(index, event, row, event_id)
        if asset_events:
            self._store_asset_event_tags(index, *zip(*asset_events, strict=True))
            self._update_asset_keys(index, asset_events)

    def _update_asset_keys(self, index: sa.Connection, asset_events: Sequence[tuple[EventLogEntry, int]]) -> None:
        """Leave each asset's row as its events, one after the other, would have left it.

        Only the newest of each type counts, and serializing all of them would cost as much as storing them.
        """
        newest: dict[tuple[str, str], tuple[EventLogEntry, int]] = {}
        values: dict[str, Row] = {}
        for event, event_id in asset_events:
            dagster_event = event.get_dagster_event()
            if dagster_event.asset_key:
                kind = (dagster_event.asset_key.to_string(), dagster_event.event_type_value)
                newest.pop(kind, None)  # in the order of the last events: types share columns
                newest[kind] = (event, event_id)
                values[kind[0]] = {}
        for (asset_key, _), (event, event_id) in newest.items():
            values[asset_key] |= self._get_asset_entry_values(event, event_id, has_asset_key_index_cols=True)
        for asset_key, entry in values.items():
            # Nobody can insert the row in between: with the events' insert this transaction became the only writer.
            if entry and index.execute(_UPDATE_KEY, entry | {"its_asset_key": asset_key}).rowcount == 0:
                index.execute(_INSERT_KEY, entry | {"asset_key": asset_key})

    def _plan_checks(self, index: sa.Connection, event: EventLogEntry, row: Row, event_id: int) -> None:
        planned = cast("AssetCheckEvaluationPlanned", event.get_dagster_event().event_specific_data)
        status = AssetCheckExecutionRecordStatus.PLANNED.value
        check = check_row(planned.asset_key.to_string(), planned.check_name, status, row, event_id)
        partitions: Iterable[str | None] = [None]
        if planned.partitions_subset:
            partitions = planned.partitions_subset.get_partition_keys()
        index.execute(_INSERT_CHECKS, [check | {"partition": partition} for partition in partitions])

    def _record_check(self, index: sa.Connection, event: EventLogEntry, row: Row, event_id: int) -> None:
        evaluation = cast("AssetCheckEvaluation", event.get_dagster_event().event_specific_data)
        status = AssetCheckExecutionRecordStatus.SUCCEEDED if evaluation.passed else AssetCheckExecutionRecordStatus.FAILED
        target = evaluation.target_materialization_data
        check = check_row(evaluation.asset_key.to_string(), evaluation.check_name, status.value, row, event_id) | {
            "partition": evaluation.partition,
            "materialization_event_storage_id": target.storage_id if target else None,
        }
        # A runless evaluation has no plan: each is a row of its own, and an update would rewrite the history of the check.
        its = {f"its_{name}": check[name] for name in ("asset_key", "check_name", "run_id", "partition")}
        updated = index.execute(_UPDATE_CHECK, check | its).rowcount if event.run_id else 0
        if updated == 0:
            index.execute(_INSERT_CHECKS, check)
        elif updated > 1:
            raise DagsterInvariantViolationError(f"{evaluation.asset_check_key} was planned {updated} times in run {event.run_id}.")

    def watch(self, run_id: str, cursor: str | None, callback: Callable[[EventLogEntry, str], None]) -> None:
        """Poll: stock waits for the .db file to change, which open connections leave alone until their write-ahead log is full."""
        self._poller.watch_run(run_id, cursor, callback)

    def end_watch(self, run_id: str, handler: Callable[[EventLogEntry, str], None]) -> None:
        """Stop calling `handler`."""
        self._poller.unwatch_run(run_id, handler)

    def wipe(self) -> None:
        """Delete everything. Closed first: a connection to a deleted file goes on writing where nobody reads."""
        self._close(list(self._open))
        super().wipe()

    def dispose(self) -> None:
        """Stop watching and close the files."""
        self._poller.close()
        self._close(list(self._open))
        super().dispose()

    def _close(self, shards: Sequence[str]) -> None:
        with self._lock:
            for connection in [self._open.pop(shard) for shard in shards if shard in self._open and self._owner == os.getpid()]:
                connection.close()
