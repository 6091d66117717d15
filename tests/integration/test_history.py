"""Spent history of a real Dagster instance: old runs go, and whatever Dagster says of assets, partitions, checks and versions stays as it was."""

import os
import random
import re
import shutil
import signal
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus

from ageing import aged_history
from assay.cli.exit_codes import run as run_command
from assay.cli.main import app
from assay.maintenance import sqlite_space
from assay.maintenance.sqlite_space import Space
from assay.orchestration import clock_rollback, event_log
from assay.orchestration.history import History, SpentHistory
from assay.orchestration.history_asset import history_asset
from assay.orchestration.instance import DATABASES, NOT_CAPTURED
from assay.settings import Settings
from nursery import Child

TEMPLATE = Path(event_log.__file__).with_name("dagster.yaml")
DAYS = dg.DailyPartitionsDefinition("2013-01-01", end_date="2013-01-13")
FAILED_DAY, UNCHECKED_DAY = "2013-01-04", "2013-01-05"
KEYS = [dg.AssetKey("raw"), dg.AssetKey("refined")]
OLD = 100
KILLS = 4


@dg.asset(partitions_def=DAYS)
def raw(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log_event(dg.AssetObservation("raw", partition=context.partition_key, metadata={"seen": 1}))
    return dg.MaterializeResult(metadata={"rows": 5}, data_version=dg.DataVersion(context.run.run_id))


@dg.asset(
    deps=[raw],
    partitions_def=DAYS,
    check_specs=[dg.AssetCheckSpec("contract", asset="refined", partitions_def=DAYS), dg.AssetCheckSpec("rows", asset="refined")],
)
def refined(context: dg.AssetExecutionContext) -> Iterator[Any]:
    if context.partition_key == FAILED_DAY and "mend" not in context.run.tags:
        raise dg.Failure("it is bad", allow_retries=False)
    yield dg.MaterializeResult(metadata={"rows": 4})
    yield dg.AssetCheckResult(passed=context.partition_key != UNCHECKED_DAY, check_name="contract")
    yield dg.AssetCheckResult(passed=True, check_name="rows", metadata={"rows": 4})


@dg.asset
def whole() -> None: ...


def make(instance: dg.DagsterInstance, day: str | None, *assets: Any, tags: Mapping[str, str] | None = None) -> str:
    """A run of a day; returns its id."""
    return dg.materialize([*(assets or (raw, refined))], instance=instance, partition_key=day, tags=tags, raise_on_error=False).run_id


def opened(home: Path, kind: str = "ours", *, captured: bool = False) -> dg.DagsterInstance:
    """An instance, with our event log or the stock one; what steps print is captured if a test wants that: it takes processes."""
    config = yaml.safe_load(TEMPLATE.read_text()) | ({} if captured else {"compute_logs": NOT_CAPTURED})
    if kind == "stock":
        del config["event_log_storage"]
    folder = home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text(yaml.safe_dump(config))
    os.environ["DAGSTER_HOME"] = str(folder)
    return dg.DagsterInstance.from_config(str(folder))


@pytest.fixture(autouse=True)
def _dagster_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))


def settings_of(home: Path) -> Settings:
    return Settings(home, home / "dbt")


def cleaned(home: Path, instance: dg.DagsterInstance, *, dry_run: bool = False) -> SpentHistory:
    return History(settings_of(home), instance).execute(dry_run=dry_run)


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What Dagster says of every asset, partition and check, by its cache and without it."""
    log, found = instance.event_log_storage, dict[str, Any]()
    kinds = [dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION]
    for key in KEYS:
        name = key.to_user_string()
        found[f"{name} by partition"] = {kind: log.get_latest_storage_id_by_partition(key, kind) for kind in kinds}
        found[f"{name} tags"] = {kind: log.get_latest_tags_by_partition(key, kind, ["dagster/data_version"]) for kind in kinds}
        for cached in (True, False):
            if not cached:
                log.wipe_asset_cached_status(key)
            statuses = instance.get_status_by_partition(key, DAYS.get_partition_keys(), DAYS) or {}
            found[f"{name} status, cached: {cached}"] = {day: status.value for day, status in statuses.items() if status}
        newest = [instance.fetch_materializations(key, limit=1), instance.fetch_observations(key, limit=1)]
        found[f"{name} newest"] = [[(one.storage_id, one.event_log_entry) for one in page.records] for page in newest]
    found["assets"] = instance.get_asset_records([*KEYS, whole.key])
    checks = [dg.AssetCheckKey(KEYS[1], name) for name in ("contract", "rows")]
    found["checks"] = log.get_latest_asset_check_execution_by_key(checks)
    found["checked"] = {
        key.name: [
            (one.id, one.partition, one.status, one.event) for one in _newest(log.get_asset_check_execution_history(key, limit=1000))
        ]
        for key in checks
    }
    return found


def _newest(history: Any) -> list[Any]:
    by_partition: dict[str | None, Any] = {}
    for one in history:  # the newest first
        by_partition.setdefault(one.partition, one)
    return list(by_partition.values())


def ids(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def rows_of(instance: dg.DagsterInstance) -> tuple[int, int]:
    """How many rows the index has of events, and the greatest number of one."""
    storage: Any = instance.event_log_storage
    with storage.index_connection() as connection:
        count, last = connection.exec_driver_sql("SELECT count(*), max(id) FROM event_logs").one()
    return count, last


def lived(instance: dg.DagsterInstance) -> dict[str, str]:
    """Runs of every fate, each by its id: what they are, and whether they stay."""
    for passed in (True, False):  # of no run, and made again since
        instance.report_runless_asset_event(dg.AssetMaterialization("raw", partition="2013-01-12"))
        instance.report_runless_asset_event(dg.AssetCheckEvaluation(asset_key=KEYS[1], check_name="rows", passed=passed))
    told = {make(instance, day): "goes: made again since" for day in ("2013-01-01", "2013-01-02")}
    told |= {
        make(instance, day): "goes: the newest of its partition, whose events stay" for day in ("2013-01-01", "2013-01-03", UNCHECKED_DAY)
    }
    keyed = {"dagster/run_key": "files/2"}
    told[make(instance, "2013-01-02", tags=keyed)] = "goes: its key is no sensor's"
    told[make(instance, "2013-01-02", tags=keyed | {"dagster/sensor_name": "a", "assay/request": "1"})] = (
        "goes: nobody asks by its key again"
    )
    told[make(instance, "2013-01-02", tags=keyed | {"dagster/sensor_name": "a"})] = "stays: its sensor may ask by its key again"
    told[make(instance, "2013-01-06", tags={"dagster/sensor_name": "a"})] = "stays: the newest of its sensor"
    told[make(instance, FAILED_DAY)] = "goes: tried again since"
    told[make(instance, FAILED_DAY)] = "stays: the last attempt at its partition"
    told[make(instance, "2013-01-07")] = "stays: what is young tries it again"
    told[make(instance, None, whole)] = "stays: the newest of its asset"
    told[make(instance, "2013-01-08")] = "stays: the newest of its assets"
    aged_history(Path(instance.root_directory), OLD)
    first = next(run_id for run_id, why in told.items() if "tries it again" in why)
    again = dg.DagsterRun("again", str(uuid.uuid4()), status=dg.DagsterRunStatus.SUCCESS, root_run_id=first, parent_run_id=first)
    told[instance.add_run(again).run_id] = "stays: young"
    return told


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A home in which much was run a hundred days ago, and what is to become of each run."""
    home = tmp_path_factory.mktemp("history") / "home"
    before = os.environ.get("DAGSTER_HOME")
    with opened(home, captured=True) as instance:
        told = lived(instance)
    if before is not None:
        os.environ["DAGSTER_HOME"] = before
    return home, told


@pytest.fixture
def home(world: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(world[0], tmp_path / "home"))


@pytest.fixture
def told(world: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return world[1]


@pytest.mark.parametrize("kind", ["ours", "stock"])
def test_old_runs_go_and_what_dagster_says_of_its_assets_stays(home: Path, told: dict[str, str], kind: str) -> None:
    with opened(home, kind, captured=True) as instance:
        before, (events, last) = shown(instance), rows_of(instance)
        folder = Path(instance.root_directory)
        would = cleaned(home, instance, dry_run=True)
        assert (ids(instance), rows_of(instance)) == (set(told), (events, last)), "a dry run removes nothing"
        done = cleaned(home, instance)
        assert sorted(told[one] for one in ids(instance)) == sorted(why for why in told.values() if why.startswith("stays"))
        assert shown(instance) == before
        assert (done.runs, done.events, done.ticks) == (would.runs, would.events, would.ticks)
        assert done.events == events - rows_of(instance)[0] > 50
        assert done.freed >= would.freed > 100_000 * done.runs
        assert {one.stem for one in (folder / "history/runs").glob("*-*.db")} <= ids(instance)
        assert {one.name for one in (folder / "storage").glob("*-*")} <= ids(instance)
        assert rows_of(instance)[1] == last, "its number would be given again"
        assert not cleaned(home, instance)


def test_what_had_stayed_of_a_partition_goes_once_it_is_made_again(home: Path) -> None:
    with opened(home) as instance:
        cleaned(home, instance)
        make(instance, "2013-01-01")
        before = shown(instance)
        assert cleaned(home, instance).events > 3
        assert shown(instance) == before


def test_the_newest_event_stays_though_its_run_goes_or_its_number_would_be_given_again(home: Path, told: dict[str, str]) -> None:
    with opened(home) as instance:
        ended_late = instance.get_run_by_id(next(iter(told)))
        assert ended_late is not None
        instance.report_run_failed(ended_late)
        aged_history(home / "dagster", OLD)
        _, last = rows_of(instance)
        cleaned(home, instance)
        assert ended_late.run_id not in ids(instance)
        instance.report_runless_asset_event(dg.AssetObservation("raw", partition="2013-01-02"))
        assert rows_of(instance)[1] == last + 1


def clean_once(home: Path) -> None:
    """In a process of its own: remove all that is spent."""
    with opened(home) as instance:
        print("ready", flush=True)
        cleaned(home, instance)


def test_whoever_is_killed_on_the_way_leaves_nothing_wrong_and_the_next_one_ends_it(home: Path, told: dict[str, str]) -> None:
    stays, chance, left = {run_id for run_id, why in told.items() if why.startswith("stays")}, random.Random(11), [len(told)]
    codes = list[int | None]()
    with opened(home) as instance:
        before = shown(instance)
        for _ in range(KILLS):
            child = Child.start(clean_once, home)
            assert child.stdout.readline() == "ready\n"
            time.sleep(chance.random() / 10)
            child.end(signal.SIGKILL)  # it may have ended by itself
            child.rest()
            codes.append(child.code)
            assert shown(instance) == before
            for run_id in ids(instance) - set(list(told)[-1:]):
                assert instance.all_logs(run_id), "a run that is listed has its events"
            left.append(len(ids(instance)))
        for path in [*(home / "dagster/history/runs").iterdir(), *(home / "dagster/storage").iterdir()]:
            os.utime(path, (0, 0))  # what is left of a run that is listed no more goes once it is old: here all is of today
        cleaned(home, instance)
        assert {*codes} <= {0, -signal.SIGKILL}
        assert -signal.SIGKILL in codes, "nobody was killed on the way"
        assert left == sorted(left, reverse=True)
        assert ids(instance) == stays
        assert shown(instance) == before
        assert {one.stem for one in (home / "dagster/history/runs").glob("*-*.db")} <= stays
        assert {one.name for one in (home / "dagster/storage").glob("*-*")} <= stays
        assert not cleaned(home, instance)


def run_for_ever(home: Path) -> None:
    """In a process of its own: one run that makes day after day of what is there."""
    with opened(home) as instance:

        @dg.asset(partitions_def=DAYS, name="raw", backfill_policy=dg.BackfillPolicy.single_run())
        def endless(context: dg.AssetExecutionContext) -> None:
            while True:
                for day in DAYS.get_partition_keys():
                    context.log_event(dg.AssetMaterialization("raw", partition=day))
                    print(day, flush=True)

        tags = {"dagster/asset_partition_range_start": "2013-01-01", "dagster/asset_partition_range_end": "2013-01-31"}
        dg.materialize([endless], instance=instance, tags=tags)


def test_beside_a_run_that_is_at_work_history_goes_and_the_databases_are_left_as_they_are(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_space, "LEAST_BYTES", 1)
    monkeypatch.setattr(sqlite_space, "LEAST_SHARE", 0)
    with opened(home) as instance:
        child = Child.start(run_for_ever, home)
        assert child.stdout.readline()
        spent = cleaned(home, instance)
        assert spent.runs > 5
        assert re.search(r"once no run is at work \(1 now\)", spent.told)
        assert child.stdout.readline(), "it goes on"
        child.kill()
        (begun,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        instance.report_run_failed(begun)
        with monkeypatch.context() as full:
            full.setattr(sqlite_space.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
            told = cleaned(home, instance).told
        assert re.search(r"index\.db keeps [\d.]+ MB that it does not need: to write it anew takes .* where 0\.0 MB are free", told)
        before = shown(instance)
        spent = cleaned(home, instance)
        assert spent.freed > 0
        assert spent.told == ""
        assert [Space.of(home / "dagster" / name).free for name in DATABASES] == [0, 0, 0]
        assert shown(instance) == before


def test_the_asset_gives_space_back_beside_its_own_run_and_says_what_went(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_space, "LEAST_BYTES", 1)
    monkeypatch.setattr(sqlite_space, "LEAST_SHARE", 0)
    with opened(home) as instance:
        before = shown(instance)
        assert not dg.materialize([history_asset(settings_of(home))], instance=instance, raise_on_error=False).success, (
            "a leap of the clock"
        )
        monkeypatch.setattr(clock_rollback, "LEAP", timedelta(days=OLD))
        done = dg.materialize([history_asset(settings_of(home))], instance=instance)
        (made,) = done.asset_materializations_for_node("remove_spent_history")
        told = {name: value.value for name, value in made.metadata.items()}
        assert (told["runs removed"], told["ticks removed"]) == (8, 0)
        assert told["events removed"] > 50
        assert told["freed bytes"] > 8 * 100_000
        assert "what stays, and why" not in told
        assert Space.of(home / "dagster/history/runs/index.db").free == 0
        assert shown(instance) == before


def test_ticks_go_by_what_the_instance_keeps_also_of_a_sensor_that_ticks_no_more(home: Path) -> None:
    with opened(home) as instance:
        storage: Any = instance.schedule_storage
        origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("gone"), "__repository__"), "gone")
        state = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.STOPPED)
        instance.add_instigator_state(state)
        for days in (0, 2, 40, 100):
            for status in (TickStatus.SKIPPED, TickStatus.SUCCESS):
                data = TickData(
                    origin.get_id(),
                    "gone",
                    InstigatorType.SENSOR,
                    status,
                    time.time() - days * 86400,
                    run_ids=[],
                    selector_id=state.selector_id,
                )
                storage.create_tick(data)
        assert cleaned(home, instance, dry_run=True).ticks == 5
        assert cleaned(home, instance).ticks == 5
        left = [
            (tick.status, round((time.time() - tick.timestamp) / 86400)) for tick in instance.get_ticks(origin.get_id(), state.selector_id)
        ]
        assert sorted((status.value, days) for status, days in left) == [("SKIPPED", 0), ("SUCCESS", 0), ("SUCCESS", 2)]


def test_the_command_says_what_goes_and_leaves_it_alone_where_tables_are_named(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(home))
    assert run_command(app, ["init"]) == 0
    capfd.readouterr()
    said = []
    for arguments in (("--dry-run",), ("--clock-is-right",), ("--clock-is-right",)):
        assert run_command(app, ["maintain", *arguments]) == 0
        said.append(capfd.readouterr().out)
    assert re.search(
        r"^`assay maintain` would remove 8 runs, (\d+) events, 0 ticks of Dagster's history, \d+\.\d MB\.$", said[0], re.MULTILINE
    )
    assert said[1] == said[0].replace("`assay maintain` would remove", "Removed")
    assert "history" not in said[2]
