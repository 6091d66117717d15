"""Our event log against the stock one: the same rows, the same answers, and nothing lost beside other writers, kills and forks."""

import os
import random
import re
import sqlite3
import threading
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from assay.lake.durable import create_file
from assay.orchestration import event_log, sqlite_patience
from assay.orchestration.event_log import OpenSqliteEventLogStorage
from assay.orchestration.pinned import VERIFIED, OtherDagster, require_verified
from nursery import Child

TEMPLATE = Path(event_log.__file__).with_name("dagster.yaml")
DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2014-01-01")
MANY_DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2020-01-01")  # more than a writer stores before it is killed
BAD_DAY = "2013-01-03"
KEYS = [dg.AssetKey("raw"), dg.AssetKey("refined"), dg.AssetKey("summary")]
CHECKS = [dg.AssetCheckKey(dg.AssetKey("refined"), "contract"), dg.AssetCheckKey(dg.AssetKey("summary"), "totals")]


def open_instance(home: Path, kind: str) -> dg.DagsterInstance:
    """Open `home` with our event log or, from the same template without its event log lines, with the stock one."""
    config = yaml.safe_load(TEMPLATE.read_text())
    if kind == "stock":
        del config["event_log_storage"]
    home.mkdir(exist_ok=True)
    create_file(home / f"{kind}.yaml", yaml.safe_dump(config).encode())  # whole or not at all: another writer may be reading it
    os.environ["DAGSTER_HOME"] = str(home)
    instance = dg.DagsterInstance.from_config(str(home), f"{kind}.yaml")
    assert isinstance(instance.event_log_storage, OpenSqliteEventLogStorage) == (kind == "ours")
    return instance


@pytest.fixture(autouse=True)
def _dagster_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(tmp_path / "home", "ours") as instance:
        yield instance


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), code_version="7")
def raw(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"days": len(context.partition_keys)}, tags={"source": "test"})


@dg.asset(
    deps=[raw],
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    output_required=False,
    check_specs=[dg.AssetCheckSpec("contract", asset="refined", partitions_def=DAYS, blocking=True)],
)
def refined(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult]:
    for day in context.partition_keys:
        passed = day != BAD_DAY
        evaluation = dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("refined"), check_name="contract", passed=passed, metadata={"rows": 1}, partition=day
        )
        context.log_event(evaluation)
        if passed:
            context.log_event(dg.AssetMaterialization("refined", partition=day, metadata={"rows": 1}))
    yield dg.AssetCheckResult(passed=BAD_DAY not in context.partition_keys)
    if BAD_DAY in context.partition_keys:
        raise dg.Failure(f"{BAD_DAY} broke its contract", allow_retries=False)


@dg.asset(check_specs=[dg.AssetCheckSpec("totals", asset="summary")], code_version="1", retry_policy=dg.RetryPolicy(max_retries=1))
def summary(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log.info("a line of the user's")
    context.log_event(dg.AssetObservation("raw", partition="2013-01-01", tags={"dagster/data_version": "9"}))
    if context.retry_number == 0:
        raise dg.RetryRequested(max_retries=1)
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)])


def run(instance: dg.DagsterInstance, *assets: Any, days: tuple[str, str] | None = None) -> bool:
    tags = {f"dagster/asset_partition_range_{end}": day for end, day in zip(("start", "end"), days or (), strict=False)}
    return dg.materialize(list(assets), instance=instance, tags=tags, raise_on_error=False).success


def live_through_everything(instance: dg.DagsterInstance) -> None:
    """Write every kind of event that Assay causes: ranges, failures, retries, checks, runless events, wipes and deletions."""
    assert not run(instance, raw, refined, days=("2013-01-01", "2013-01-07"))
    assert run(instance, raw, refined, days=("2013-01-04", "2013-01-06"))
    assert run(instance, raw, days=("2013-01-01", "2013-01-02"))
    assert run(instance, summary)
    assert run(instance, summary)
    for passed, day in ((True, "2013-02-01"), (False, "2013-02-02")):
        instance.report_runless_asset_event(dg.AssetMaterialization("refined", partition=day, tags={"dagster/code_version": "1"}))
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=CHECKS[0].asset_key, check_name="contract", passed=passed, partition=day)
        )
        instance.report_runless_asset_event(dg.AssetCheckEvaluation(asset_key=CHECKS[1].asset_key, check_name="totals", passed=passed))
    instance.report_runless_asset_event(dg.AssetObservation("wiped"))
    instance.wipe_assets([dg.AssetKey("wiped")])
    instance.delete_run(instance.get_runs(limit=1)[0].run_id)


def rows_of(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of every file, with ids, and with what differs between any two runs replaced."""
    with closing(sqlite3.connect(home / "history" / "runs.db")) as connection:
        kept = connection.execute("SELECT run_id FROM runs ORDER BY id").fetchall()
    run_ids = {run_id: f"run {n}" for n, (run_id,) in enumerate(kept)}

    def neutral(value: object) -> object:
        if not isinstance(value, str):
            return value
        value = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", lambda m: run_ids.setdefault(m[0], f"run {len(run_ids)}"), value)
        value = re.sub(r"\d{10}\.\d+|20[2-9]\d-\d\d-\d\d[ T][\d:.]+", "<time>", value).replace(str(home), "<home>")
        return re.sub(r'("pid": |pid: |"duration_ms": |"text": "|"log_key": "|"file_key": "| in )[\w.]+', r"\1<volatile>", value)

    dump = {}
    for file in (home / "history" / "runs").glob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
                dump[f"{neutral(file.stem)}.{table}"] = [tuple(neutral(value) for value in row) for row in rows]
    return dump


def newest_of(home: Path) -> list[tuple[Any, ...]]:
    """What the catalog says of each asset, with the times that `rows_of` hides."""
    with closing(sqlite3.connect(home / "history" / "runs" / "index.db")) as connection:
        columns = "asset_key, last_materialization, last_run_id, last_materialization_timestamp"
        return connection.execute(f"SELECT {columns} FROM asset_keys ORDER BY asset_key").fetchall()


def answers_of(instance: dg.DagsterInstance) -> dict[str, object]:
    log, runs = instance.event_log_storage, instance.get_runs()
    return {
        "logs": [instance.all_logs(run.run_id) for run in runs],
        "stats": [(instance.get_run_stats(run.run_id), instance.get_run_step_stats(run.run_id)) for run in runs],
        "keys": instance.all_asset_keys(),
        "partitions": [instance.get_materialized_partitions(key) for key in KEYS],
        "latest": instance.get_latest_materialization_events(KEYS),
        "materializations": [instance.fetch_materializations(key, limit=1000) for key in KEYS],
        "observations": [instance.fetch_observations(key, limit=1000) for key in KEYS],
        "planned": [log.get_event_records(dg.EventRecordsFilter(dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED, key)) for key in KEYS],
        "failures": instance.fetch_run_status_changes(dg.DagsterEventType.RUN_FAILURE, limit=100),
        "asset rows": instance.get_asset_records(KEYS),
        "tags": [log.get_event_tags_for_asset(key) for key in KEYS],
        "history": [log.get_asset_check_execution_history(check, limit=1000) for check in CHECKS],
        "latest checks": log.get_latest_asset_check_execution_by_key(CHECKS),
    }


@pytest.mark.slow
@pytest.mark.parametrize("batch", ["0", "1000"])
def test_every_row_is_what_the_stock_class_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: str) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", batch)
    for kind in ("stock", "ours"):
        with open_instance(tmp_path / kind, kind) as instance:
            live_through_everything(instance)
    stock, ours = rows_of(tmp_path / "stock"), rows_of(tmp_path / "ours")
    assert len(stock["index.asset_check_executions"]) > 10
    assert len(stock["index.asset_event_tags"]) > 10
    assert stock[".db.event_logs"], "the events without a run"
    assert ours.keys() == stock.keys()
    for table in stock:
        assert ours[table] == stock[table], table


@pytest.mark.slow
def test_a_batch_in_any_order_leaves_the_rows_of_the_same_events_one_by_one(ours: dg.DagsterInstance, tmp_path: Path) -> None:
    assert run(ours, raw, refined, days=("2013-01-04", "2013-01-06"))
    assert run(ours, summary)
    events = [event for record in ours.get_runs() for event in ours.all_logs(record.run_id)]
    for seed in range(2):
        batch = random.Random(seed).sample(events, len(events))
        plan = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED  # stock refuses a plan after its evaluation
        batch.sort(key=lambda event: (event.run_id, event.dagster_event_type is not plan))
        again = [event for event in batch if event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED]
        batch += [event for event in again if event.run_id == batch[-1].run_id]  # last of all, though the first of their type were first
        homes = {kind: tmp_path / f"{kind} {seed}" for kind in ("ours", "stock")}
        with open_instance(homes["ours"], "ours") as one, open_instance(homes["stock"], "stock") as other:
            one.event_log_storage.store_event_batch(batch)
            for event in batch:
                other.event_log_storage.store_event(event)
        assert rows_of(homes["ours"]) == rows_of(homes["stock"])
        assert newest_of(homes["ours"]) == newest_of(homes["stock"])


@pytest.mark.slow
@pytest.mark.parametrize("writer", ["ours", "stock"])
def test_both_classes_give_the_same_answers_about_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000")
    with open_instance(tmp_path / "home", writer) as instance:
        live_through_everything(instance)
        with open_instance(tmp_path / "home", "stock") as stock, open_instance(tmp_path / "home", "ours") as ours:
            expected = answers_of(stock)
            assert answers_of(ours) == expected
            assert answers_of(instance) == expected
    partitions: Any = expected["partitions"]
    assert partitions[1] == {f"2013-01-{day:02}" for day in range(1, 8) if day != 3} | {"2013-02-01", "2013-02-02"}


def write_and_acknowledge(home: Path, kind: str, name: str, days: int) -> None:
    """Body of a writer process: log a check and a materialization per day, and print each day once Dagster has returned from both."""

    @dg.asset(
        name=name, partitions_def=MANY_DAYS, backfill_policy=dg.BackfillPolicy.single_run(), output_required=False,
        check_specs=[dg.AssetCheckSpec("contract", asset=name, partitions_def=MANY_DAYS)],
    )  # fmt: skip
    def writer(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckResult]:
        for day in context.partition_keys:
            context.log_event(dg.AssetCheckEvaluation(asset_key=context.asset_key, check_name="contract", passed=True, partition=day))
            context.log_event(dg.AssetMaterialization(name, partition=day))
            context.instance.report_runless_asset_event(dg.AssetMaterialization("shared", partition=f"{name} {day}"))
            os.write(1, f"{day}\n".encode())
        yield dg.AssetCheckResult(passed=True)

    keys = MANY_DAYS.get_partition_keys()
    with open_instance(home, kind) as instance:
        assert run(instance, writer, days=(keys[0], keys[days - 1]))


def assert_recorded(instance: dg.DagsterInstance, name: str, days: set[str]) -> None:
    """Each of `days` is in the index, in the check history and in the log of the run that wrote it."""
    assert days <= instance.get_materialized_partitions(dg.AssetKey(name))
    assert {f"{name} {day}" for day in days} <= instance.get_materialized_partitions(dg.AssetKey("shared"))
    check = dg.AssetCheckKey(dg.AssetKey(name), "contract")
    history = instance.event_log_storage.get_asset_check_execution_history(check, limit=5000)
    assert days <= {record.partition for record in history if record.status.value == "SUCCEEDED"}
    run_id = instance.fetch_materializations(dg.AssetKey(name), limit=1).records[0].run_id
    logged = [event.dagster_event for event in instance.all_logs(run_id)]
    materialized = {event.partition for event in logged if event and event.is_step_materialization and event.asset_key == dg.AssetKey(name)}
    assert days <= materialized


def assert_files_are_sound(home: Path) -> None:
    for file in (home / "history" / "runs").glob("*.db"):
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], file


@pytest.mark.slow
def test_stock_and_our_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_instance(home, "ours") as ours, open_instance(home, "stock") as stock:
        writers = {
            f"{kind}_{n}": Child.start(write_and_acknowledge, home, kind, f"{kind}_{n}", 20) for kind in ("ours", "stock") for n in (1, 2)
        }
        for name, writer in writers.items():
            acknowledged = writer.rest().split()
            assert (writer.code, len(acknowledged)) == (0, 20), name
            for instance in (ours, stock):
                assert_recorded(instance, name, set(acknowledged))
        assert len(ours.fetch_materializations(dg.AssetKey("shared"), limit=1000).records) == 4 * 20
    assert_files_are_sound(home)


@pytest.mark.slow
def test_a_killed_writer_loses_no_acknowledged_event_and_the_files_stay_sound(tmp_path: Path) -> None:
    home, chance, total = tmp_path / "home", random.Random(13), 0
    with open_instance(home, "ours") as instance:
        for kill in range(0, 10, 2):
            writers = {
                f"killed_{kill + n}": Child.start(
                    write_and_acknowledge, home, "ours", f"killed_{kill + n}", len(MANY_DAYS.get_partition_keys())
                )
                for n in (0, 1)
            }
            days: dict[str, list[str]] = {}
            for name, writer in writers.items():
                days[name] = [writer.stdout.readline() for _ in range(chance.randint(1, 100))]
                time.sleep(chance.random() / 100)
                days[name] += writer.kill().splitlines()
            for name, acknowledged in days.items():
                assert_recorded(instance, name, {day.strip() for day in acknowledged})
                total += len(acknowledged)
        assert run(instance, raw, days=("2013-01-01", "2013-01-02"))
    assert total > 100
    assert_files_are_sound(home)


@pytest.mark.slow
def test_a_watcher_sees_the_events_of_a_run_while_it_goes_on(ours: dg.DagsterInstance, tmp_path: Path) -> None:
    seen: list[dg.EventLogEntry] = []
    early = threading.Event()

    def watcher(event: dg.EventLogEntry, _cursor: str) -> None:
        seen.append(event)
        if event.dagster_event and event.dagster_event.is_step_start:
            early.set()

    @dg.asset
    def slow(context: dg.AssetExecutionContext) -> None:
        ours.watch_event_logs(context.run.run_id, None, watcher)
        assert early.wait(120), "no event reached the watcher while the run was going on"

    with open_instance(tmp_path / "home", "ours") as writing:
        assert run(writing, slow)
    everything = ours.all_logs(ours.get_runs()[0].run_id)
    deadline = time.monotonic() + 120
    while len(seen) < len(everything) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert seen == everything


def test_an_event_that_the_index_refuses_is_in_no_file_and_the_next_is_in_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_patience, "BUSY_SECONDS", 0.1)
    with open_instance(tmp_path / "home", "ours") as ours:
        with closing(sqlite3.connect(tmp_path / "home/history/runs/index.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(sa.exc.OperationalError, match="database is locked"):
                ours.report_runless_asset_event(dg.AssetMaterialization("refined", partition="2013-01-01"))
            other.execute("ROLLBACK")
        ours.report_runless_asset_event(dg.AssetMaterialization("refined", partition="2013-01-02"))
        assert ours.get_materialized_partitions(dg.AssetKey("refined")) == {"2013-01-02"}
        assert [log.dagster_event.partition for log in ours.all_logs("") if log.dagster_event] == ["2013-01-02"]


def test_a_forked_child_opens_files_of_its_own(ours: dg.DagsterInstance, tmp_path: Path) -> None:
    ours.report_runless_asset_event(dg.AssetMaterialization("refined", partition="parent"))
    child = os.fork()
    if child == 0:
        try:
            ours.report_runless_asset_event(dg.AssetMaterialization("refined", partition="child"))
        finally:
            os._exit(0)  # whatever happens: the child must not go on with the tests
    os.waitpid(child, 0)
    ours.report_runless_asset_event(dg.AssetMaterialization("refined", partition="parent again"))
    with open_instance(tmp_path / "home", "stock") as stock:
        assert stock.get_materialized_partitions(dg.AssetKey("refined")) == {"parent", "child", "parent again"}
    assert_files_are_sound(tmp_path / "home")


def test_more_runs_than_open_files_can_be_read(ours: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "OPEN_SHARDS", 2)
    assert all(run(ours, raw, days=("2013-01-01", "2013-01-01")) for _ in range(3))
    assert len({len(ours.all_logs(record.run_id)) for record in ours.get_runs()}) == 1


def test_wiping_the_log_leaves_no_open_file_behind(ours: dg.DagsterInstance) -> None:
    assert run(ours, raw, days=("2013-01-01", "2013-01-01"))
    ours.event_log_storage.wipe()
    assert ours.all_asset_keys() == []
    assert run(ours, raw, days=("2013-01-02", "2013-01-02"))
    assert ours.get_materialized_partitions(dg.AssetKey("raw")) == {"2013-01-02"}


def test_the_template_is_a_real_instance_with_our_event_log_and_stock_without_those_lines(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with open_instance(home, "ours") as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("kept"))
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 2)
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert instance.run_monitoring_enabled
        assert not instance.telemetry_enabled
        concurrency = instance.get_concurrency_config()
        assert concurrency.run_queue_config
        assert concurrency.run_queue_config.max_concurrent_runs == 4
        assert concurrency.pool_config.default_pool_limit == 1
    lines = TEMPLATE.read_text().splitlines()
    start = lines.index("event_log_storage:")
    (home / "dagster.yaml").write_text("\n".join(lines[:start] + lines[start + 3 :]))
    with dg.DagsterInstance.get() as stock:
        assert type(stock.event_log_storage).__name__ == "SqliteEventLogStorage"
        assert stock.all_asset_keys() == [dg.AssetKey("kept")]


def test_dagster_is_the_version_that_the_event_log_was_verified_against() -> None:
    pins = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["dependency-groups"]["dev"]
    assert "dagster==1.13.27" in pins
    assert version("dagster") == VERIFIED == "1.13.27", (
        "event_log.py overrides private methods of Dagster. Before changing the pin: run the slow tests of this file; compare the new "
        "SqliteEventLogStorage.store_event and _connect, and SqlEventLogStorage.store_asset_check_event, _store_asset_event and "
        "_get_asset_entry_values with what _store, _mirror, _record_check and _update_asset_keys do; then change the version here."
    )


def test_under_another_version_of_dagster_the_event_log_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(require_verified, "__defaults__", ("1.14.0",))
    with pytest.raises(OtherDagster, match=r"made for Dagster 1.13.27, and this is 1.14.0. Delete `event_log_storage`"):
        OpenSqliteEventLogStorage(str(tmp_path))
