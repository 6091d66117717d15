"""A world: one home folder, one Dagster instance, and the daemon's own sensor and schedule loops, on a clock that the test moves.

Runs are executed in this process, everything else is what `dagster dev` does: cursors, ticks and run keys are Dagster's.
"""

from __future__ import annotations

import gzip
import io
import json
import logging
import shutil
import tempfile
from collections import Counter
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import dagster as dg
import fastavro
import polars as pl
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.remote_representation.grpc_server_registry import GrpcServerRegistry
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from dagster._core.test_utils import freeze_time
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._daemon.sensor import execute_sensor_iteration
from dagster._grpc.server import GrpcServerCommand
from dagster._scheduler.scheduler import launch_scheduled_runs
from instances import LivingInstance
from models import empty_project, name_of, write_gold, write_project
from products import DIALECTS, LANDING, write_contracts

from assay.lake.quarantine.reader import Fate, View
from assay.lake.quarantine.store import PARTITION
from assay.lake.snapshots import Snapshot, newest
from assay.orchestration.build import Assembly, assemble
from assay.settings import Settings

if TYPE_CHECKING:
    from datetime import date

    from events import Rows
    from products import Dataset, Product

TICK = timedelta(seconds=31)
MOST_TICKS = 40
QUIET = logging.getLogger("lives")
QUIET.setLevel(logging.CRITICAL + 1)
loaded: list[dg.Definitions] = []


@dg.definitions
def location() -> dg.Definitions:
    """The code location that Dagster is told of: that of the world that runs now."""
    return loaded[-1]


@cache
def no_servers() -> GrpcServerRegistry:
    """Dagster wants to know where code servers would be started; there are none, because the code location is in this process."""
    return GrpcServerRegistry(
        instance_ref=None,
        server_command=GrpcServerCommand.API_GRPC,
        heartbeat_ttl=30,
        startup_timeout=30,
        wait_for_processes_on_shutdown=False,
    )


@dataclass
class Seen:
    """What the lake and Dagster show of one dataset."""

    published: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    arrivals: dict[str, int] = field(default_factory=dict)
    files: dict[str, frozenset[str]] = field(default_factory=dict)
    materialized: dict[str, set[str]] = field(default_factory=dict)
    failed: dict[str, set[str]] = field(default_factory=dict)


class World(AbstractContextManager["World"]):
    """A product that lives. `now` is the time on all clocks that Dagster reads."""

    def __init__(self, product: Product, now: datetime) -> None:
        fast = Path("/dev/shm")  # a life syncs hundreds of small files
        self.home = Path(tempfile.mkdtemp(prefix="lives-", dir=fast if fast.is_dir() else None))
        self.product, self.now = product, now
        project = self.home / "dbt_project" if product.gold else empty_project()
        self.settings = Settings(self.home, project, self.home / "contracts")
        self.iterations: dict[str, Any] = {}
        self.runs: list[str] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self.home, ignore_errors=True)
        for folder in (self.settings.landing, self.settings.lake, self.settings.scratch):
            folder.mkdir(parents=True)
        if self.product.gold:
            write_project(self.settings.dbt_project)
        self.instance = LivingInstance(self.home / "dagster")
        self._stack.callback(self.instance.end)
        self.load()
        return self

    def __exit__(self, *failure: object) -> None:
        self._stack.close()

    def load(self) -> None:
        """Load the code location, as a new process would; the instance, and with it every cursor, stays."""
        write_contracts(self.product, self.home / "contracts")
        if self.product.gold:
            write_gold(self.product, self.settings)
        self.assembly: Assembly = assemble(self.settings, self.home / "contracts")
        loaded[:] = [self.assembly.definitions]
        ReconstructableJob.get_definition.cache_clear()
        ReconstructableJob.get_repository_definition.cache_clear()  # remembers what a name led to before, as no new process would
        origin = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="world", attribute="location"), location_name="lives")
        self.workspace = WorkspaceProcessContext(self.instance, InProcessWorkspaceLoadTarget(origin), grpc_server_registry=no_servers())
        self._stack.enter_context(self.workspace)
        self.iterations = {}

    def land(self, dataset: Dataset, arrival: date, mark: str, rows: Rows | None) -> None:
        """Write a file under a hidden name, then give it its own."""
        path = self.settings.landing / dataset.file(arrival, mark)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}")
        fresh.write_bytes(content(rows, dataset.suffix, DIALECTS[dataset.dialect]) if rows is not None else b"\xff\xfe cut")
        fresh.rename(path)

    def remove(self, dataset: Dataset, arrival: date, mark: str) -> None:
        (self.settings.landing / dataset.file(arrival, mark)).unlink(missing_ok=True)

    def settle(self) -> None:
        """Tick sensors and schedules until nothing is requested any more."""
        for _ in range(MOST_TICKS):
            self.now += TICK
            before = self.instance.get_runs_count()
            with freeze_time(self.now), self.instance.found():
                context = self.workspace
                errors = [*launch_scheduled_runs(context, QUIET, self.now.astimezone(UTC), self.iterations)]
                errors += [*execute_sensor_iteration(context, QUIET, None, None)]
            if broken := [error for error in errors if error]:
                raise AssertionError(f"a tick failed: {broken[0].to_string()}")
            if self.instance.get_runs_count() == before:
                return
        raise AssertionError(f"after {MOST_TICKS} ticks runs are still requested")

    def failures(self) -> list[str]:
        """What the failed runs said, the newest first."""
        failed = self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]), limit=3)
        events = [entry.dagster_event for run in failed for entry in self.instance.all_logs(run.run_id) if entry.dagster_event]
        steps = [event.step_failure_data for event in events if event.is_step_failure]
        return [data.user_failure_data.description if data.user_failure_data else str(data.error.cause or data.error) for data in steps]

    def planned(self) -> dict[str, list[str]]:
        """What the plan would do now."""
        with freeze_time(self.now):
            planner = self.assembly.planner
            due = [one for stage in planner.stages for one in planner.due(stage.keys)]
        return {one.key.to_user_string(): one.partitions for one in due if one.partitions}

    def see(self, dataset: Dataset) -> Seen:
        """Read everything back."""
        seen, counted = Seen(), dict[str, int]()
        silver, bronze = newest(self.settings.lake, f"silver/{dataset.name}"), newest(self.settings.lake, f"bronze/{dataset.name}")
        if silver is not None:
            for row in silver.scan().collect().iter_rows():
                seen.published.setdefault("all" if dataset.is_reference else str(row[0]), []).append(row)
            seen.files = files_of(silver)
            for entry in silver.table.history():
                for key, notes in json.loads(entry.get("assay.partitions", "{}")).items():
                    counted.setdefault(key, notes["duplicates"])
            seen.duplicates = Counter({key: count for key, count in counted.items() if count})
        if bronze is not None:
            landed = bronze.scan().collect()
            keys = ["all"] * landed.height if dataset.is_reference else landed["_arrival_date"].cast(pl.String)
            seen.arrivals = dict(Counter(keys))
        if newest(self.settings.lake, f"quarantine/{dataset.name}") is not None:
            rows = View.open(self.settings.lake, dataset.name).rows(Fate.HELD)
            seen.held = Counter(rows.select(PARTITION, "rule").iter_rows())
        for layer in ("bronze", "silver"):
            self._statuses(dg.AssetKey([layer, dataset.name]), layer, seen)
        return seen

    def see_gold(self, model: tuple[str, ...]) -> list[tuple[Any, ...]]:
        """The rows of a gold model."""
        table = newest(self.settings.lake, f"gold/{name_of(model)}")
        return sorted(table.scan().collect().iter_rows()) if table else []

    def _statuses(self, key: dg.AssetKey, layer: str, seen: Seen) -> None:
        definition = self.assembly.definitions.resolve_assets_def(key).partitions_def
        if definition is None:
            entry = next((record.asset_entry for record in self.instance.get_asset_records([key])), None)
            made = entry.last_materialization_record.run_id if entry and entry.last_materialization_record else None
            last = self.instance.get_run_by_id(entry.last_run_id) if entry and entry.last_run_id else None
            seen.materialized[layer] = {"all"} if made else set()
            seen.failed[layer] = {"all"} if last and last.run_id != made and last.is_failure else set()
            return
        with freeze_time(self.now):
            status = get_and_update_asset_status_cache_value(self.instance, key, definition)
            seen.materialized[layer] = (
                set(status.deserialize_materialized_partition_subsets(definition).get_partition_keys()) if status else set()
            )
            seen.failed[layer] = set(status.deserialize_failed_partition_subsets(definition).get_partition_keys()) if status else set()


def files_of(table: Snapshot) -> dict[str, frozenset[str]]:
    """The live files by partition value."""
    found: dict[str, set[str]] = {}
    for file in table.files:
        found.setdefault(file.values[0] if file.values else "all", set()).add(file.path)
    return {key: frozenset(paths) for key, paths in found.items()}


def content(rows: Rows, suffix: str, dialect: dict[str, Any]) -> bytes:
    """The bytes of a file: equal rows give equal bytes."""
    if suffix == ".parquet":
        texts = [[cell or None for cell in row] for row in rows]
        frame, bytes_ = pl.DataFrame(texts, schema=dict.fromkeys(LANDING, pl.String), orient="row"), io.BytesIO()
        frame.write_parquet(bytes_)
        return bytes_.getvalue()
    if suffix == ".jsonl":
        return "".join(json.dumps(dict(zip(LANDING, (cell or None for cell in row), strict=True))) + "\n" for row in rows).encode()
    if suffix == ".avro":
        return _avro(rows)
    text = _csv(rows, **dialect).encode()
    return gzip.compress(text, mtime=0) if suffix.endswith(".gz") else text


def _csv(rows: Rows, delimiter: str = ",", decimalChar: str = ".", commentChar: str = "", *, header: bool = True) -> str:  # noqa: N803  # the words of the dialect
    def line(cells: tuple[str, ...]) -> str:
        spelled = (cell.replace(".", decimalChar) if name == "amount" else cell for name, cell in zip(LANDING, cells, strict=True))
        return delimiter.join(f'"{cell}"' if delimiter in cell else cell for cell in spelled)

    remark = [f"{commentChar} sent {len(rows)} rows"] if commentChar else []
    return "\n".join([*remark, *([line(LANDING)] if header else []), *remark, *map(line, rows), ""])


def _avro(rows: Rows) -> bytes:
    fields = [{"name": name, "type": ["null", "string"]} for name in LANDING]
    bytes_ = io.BytesIO()
    records = [dict(zip(LANDING, (cell or None for cell in row), strict=True)) for row in rows]
    fastavro.writer(bytes_, {"type": "record", "name": "row", "fields": fields}, records, sync_marker=bytes(16))
    return bytes_.getvalue()
