"""`assay maintain` beside writers and readers that are at work, killed on the way, and on the product itself."""

from __future__ import annotations

import random
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import endless_publisher as publisher
import pytest
from calendar_products import Calendars

from ageing import aged
from assay.cli.exit_codes import run
from assay.cli.main import app
from assay.errors import Superseded, TableMissing
from assay.lake.checking import damage_of
from assay.lake.log import CHECKPOINT_EVERY, info, put
from assay.lake.snapshots import open_snapshot
from assay.lake.workplaces import deleting, workplace
from assay.maintenance.cleaning import Survey
from assay.maintenance.health import Health
from assay.settings import Settings
from command_line import assay, shell
from nursery import Child

if TYPE_CHECKING:
    from collections.abc import Callable

    from small_world import World

LEAST_WRITTEN, KILLS = 30, 3


def write_at_work(home: Path, seed: int) -> None:
    """In a process of its own: publish for ever, each time at a workplace, as steps do."""
    publisher.warm_up()
    chance = random.Random(seed)
    for number in count():
        with workplace(home / "scratch", f"writer {seed}"), suppress(Superseded):
            parts = sorted(chance.sample(publisher.PARTS, 2))
            publisher.publish_once(home / "lake", publisher.new_job(home / "lake", f"{seed}-{number:05d}", parts, chance.randint(1, 500)))
            publisher.say(done=number)


def read_at_work(home: Path) -> None:
    """In a process of its own: read whole versions for ever. One that lacks a file ends it with a traceback."""
    for number in count():
        with workplace(home / "scratch", "reader"), suppress(TableMissing):
            publisher.state(open_snapshot(home / "lake", publisher.SPEC.name))
            publisher.say(read=number)


def maintain_for_ever(home: Path) -> None:
    """In a process of its own: remove all that is not needed now, whatever its age, over and over."""
    while True:
        publisher.say(removed=removed(home))


def removed(home: Path) -> int:
    settings = Settings(home, home / "dbt")
    with deleting(settings.scratch):
        found = list(Survey(settings, datetime.now(UTC), timedelta(seconds=1), lambda *_: False).cleanings())
        for one in found:
            assert not one.is_damaged, one.told
            one.carry_out(settings.lake)
    return sum(len(one.removals) for one in found)


def test_nothing_that_writers_and_readers_need_goes_beside_two_maintenances_that_are_killed(tmp_path: Path) -> None:
    workers = [Child.start(write_at_work, tmp_path, seed) for seed in (1, 2)] + [Child.start(read_at_work, tmp_path)]
    cleaners = [Child.start(maintain_for_ever, tmp_path) for _ in "12"]
    chance = random.Random(7)
    for _ in range(KILLS):
        for child in (workers[0], workers[2]):
            for _ in range(LEAST_WRITTEN // KILLS):
                assert child.stdout.readline(), "it has ended: its traceback is above"
        time.sleep(chance.random() / 10)
        cleaners.pop(0).kill()
        cleaners.append(Child.start(maintain_for_ever, tmp_path))
    workers[1].kill()  # may have staged what nobody commits
    assert any('"removed": 0' not in line for line in [cleaners[0].stdout.readline() for _ in "12"])
    for child in (workers[0], workers[2], *cleaners):
        child.kill()
    time.sleep(1.1)
    removed(tmp_path)
    assert removed(tmp_path) == 0
    table = open_snapshot(tmp_path / "lake", publisher.SPEC.name)
    publisher.state(table)
    assert damage_of(tmp_path / "lake", publisher.SPEC.name, deep=True) == []
    assert len([*table.folder.rglob("part-*.parquet")]) == len(table.files), "and nothing that nobody needs is left"


def test_a_shell_has_to_set_nothing_but_the_home(tmp_path: Path) -> None:
    there = shell(tmp_path / "home")
    assert assay("init", environment=there).returncode == 0
    done = assay("maintain", environment=there)
    assert (done.returncode, done.stdout) == (0, "Removed 0 files, 0.0 MB.\n"), done.stderr


@pytest.fixture
def maintain(world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    monkeypatch.setenv("ASSAY_HOME", str(world.home))

    def command(*arguments: str, code: int = 0) -> str:
        assert run(app, ["maintain", *arguments]) == code
        said = capfd.readouterr()
        return said.out + said.err

    return command


def test_a_dry_run_says_what_then_goes_and_the_product_is_as_it_was(world: World, maintain: Callable[..., str]) -> None:
    world.backfill(force=True)
    rows = {name: world.rows(name).rows() for name in world.versions()}
    assert maintain() == "Removed 0 files, 0.0 MB.\n", "all of it is of today"
    aged(world.settings.lake, 8)
    live = next(file.path for file in open_snapshot(world.settings.lake, "silver/flights").files)
    damaged = Path(live).rename(world.home / "damaged")
    assert "bronze/flights: 4 old files stay until all that was made from them" in maintain("bronze/flights")
    damaged.rename(live)
    said = maintain("--dry-run", "--files")
    assert maintain("silver/flights", "--dry-run").startswith("silver/flights: 3 of earlier versions")
    aside = aged_copy(world)
    done = maintain("--files")
    assert said.replace("`assay maintain` would remove", "Removed") == done
    assert "silver/flights: 3 of earlier versions" in done
    assert "bronze/flights: 4 of earlier versions" in done
    assert maintain() == "Removed 0 files, 0.0 MB.\n"
    assert {name: world.rows(name).rows() for name in world.versions()} == rows
    assert world.backfill() == [], "the plan has nothing to do"
    assert_freed_by_the_asset(aside)


def aged_copy(world: World) -> World:
    """The same, with its files as old as they are."""
    shutil.copytree(world.home, world.home.with_name("aside"), copy_function=shutil.copy2)
    return type(world)(world.home.with_name("aside"), world.contracts_folder, world.dbt_project)


def assert_freed_by_the_asset(world: World) -> None:
    """The UI's way: the asset says what it freed and how healthy the tables are, and warns of those that are not."""
    planes = open_snapshot(world.settings.lake, "silver/planes")
    for version in range(planes.version + 1, planes.version + 2 * CHECKPOINT_EVERY):
        put(planes.folder, version, [info("WRITE", {"assay.attempt": f"nothing {version}"})])
    done = world.materialize("maintenance/lake")
    assert done.success
    (materialization,) = done.asset_materializations_for_node("maintain_lake")
    freed = {name: value.value for name, value in materialization.metadata.items()}
    assert freed["files removed"] == 19
    assert freed["freed bytes"] > 500_000
    told = materialization.metadata["by table"]
    assert isinstance(told, dg.TableMetadataValue)
    by_table = {record.data["table"]: record.data["files"] for record in told.records}
    assert by_table["silver/flights"] == 3
    (check,) = done.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "silver/planes: 20" in str(check.description)
    assert "entries of the log since its checkpoint" in str(check.description)
    seen = world.instance.fetch_observations(dg.AssetKey(["silver", "flights"]), limit=1).records[0].asset_observation
    assert seen is not None
    assert (seen.metadata["files"].value, seen.metadata["dead_bytes"].value) == (3, 0)
    assert {schedule.name for schedule in world.definitions.schedules or ()} >= {"maintenance"}


def test_a_partition_is_one_file_however_often_and_from_however_many_it_is_made(tmp_path: Path) -> None:
    """What docs/decisions/0063 rests on: when this fails, there is something to compact."""
    product = Calendars(tmp_path).readings("meter", lateness="9", end="2024-02-01", arrival_end="2024-02-01")
    contract = product.contracts / "meter.odcs.yaml"
    contract.write_text(contract.read_text().replace("{arrival:yyyy-MM-dd}.csv", "{arrival:yyyy-MM-dd}*.csv"))
    for day in ("2024-01-01", "2024-01-02", "2024-01-03"):  # each with rows of the first, good and rejected
        product.land("meter", day, [(f"{day}T09:00:00Z", 1), ("2024-01-01T10:00:00Z", "many")])
        file = next((tmp_path / "home/landing").rglob(f"*{day}.csv"))
        for number in range(9):
            late = f"2024-01-01T{day[-2:]}:0{number}:00Z"
            file.with_name(f"{file.stem}_{number}.csv").write_text(f"at,value\n{late},1\n{late},many\n")
        assert set(product.backfill_lake().values()) == {None}
    counts = {name: Health.of(tmp_path / "home/lake", f"{name}/meter") for name in ("bronze", "silver", "quarantine")}
    assert {name: (found.files - found.partitions, found.most_files) for name, found in counts.items()} == dict.fromkeys(counts, (0, 1))
    assert counts["bronze"].partitions == counts["silver"].partitions == 3
