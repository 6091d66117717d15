"""Replays through Dagster: what is judged again, what comes back, what stays as it was; also when the process is killed half-way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
import pytest

from assay.lake.quarantine.history import history
from assay.lake.quarantine.reader import Fate, View
from assay.lake.snapshots import open_snapshot
from assay.orchestration.lake_assets import FORCE_TAG
from assay.orchestration.replay import Replay, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from small_world import World

    from assay.orchestration.backfill import Ran

FLIGHT = 50  # a line of the second day's file that tells of the second day
AIRPORTS = ("SJU", "BQN", "STT", "PSE")
UNREADABLE = {"rule": "event_time_readable"}
KILLED_BETWEEN = """
import os, signal, sys
from assay.lake import audited
real = audited.publish
def publish(root, staging, *rest, **named):
    if staging.slice.spec.name.startswith("silver/"):
        os.kill(os.getpid(), signal.SIGKILL)
    return real(root, staging, *rest, **named)
audited.publish = publish
from assay.cli.main import app
app(["quarantine", "replay", "flights"])
"""


def view(world: World) -> View:
    return View.open(world.settings.lake, "flights")


def held(world: World) -> dict[str, int]:
    return dict(view(world).rows(Fate.HELD)["_partition"].value_counts().sort("_partition").iter_rows())


def replay_of(world: World, **chosen: str | tuple[date, date]) -> Replay:
    planner, job = world.planner(), world.definitions.resolve_implicit_global_asset_job_def()
    contract = planner.contracts["flights"]
    wanted = Wanted.of(view(world), contract, **chosen)  # type: ignore[arg-type]
    return Replay(job, planner, world.instance, contract, wanted)


def replay(world: World, **chosen: str | tuple[date, date]) -> list[Ran]:
    return list(replay_of(world, **chosen).execute(lambda _: None))


def spans(ran: Sequence[Ran]) -> list[tuple[str, str | None, str | None]]:
    assert [one.failure for one in ran if one.failure] == []
    return [(one.request.keys[0].to_user_string(), one.request.first, one.request.last) for one in ran]


def files(world: World, table: str) -> dict[tuple[str, ...], str]:
    return {file.values: file.path for file in open_snapshot(world.settings.lake, table).files}


def add_airports(world: World) -> None:
    """The airports that flights were held for arrive, and are published."""
    old = world.settings.landing / "airports/airports_2013-01-01.csv"
    added = [f"{code},{code} airport,18.4,-66.0,10,-4,N,America/Puerto_Rico" for code in AIRPORTS]
    (old.parent / "airports_2013-02-01.csv").write_text("\n".join([*old.read_text().splitlines(), *added]) + "\n")
    world.backfill(only={dg.AssetKey(["bronze", "airports"]), dg.AssetKey(["silver", "airports"])})


def write_day(world: World, day: str) -> None:
    """Say when one flight of the second day's file departed."""
    file = world.settings.landing / "flights/flights_2013-01-02.csv"
    lines = file.read_text().splitlines()
    fields = lines[FLIGHT].split(",")
    fields[lines[0].split(",").index("day")] = day
    lines[FLIGHT] = ",".join(fields)
    file.write_text("\n".join(lines) + "\n")


def lose_a_day(world: World) -> None:
    """One flight lands with a day that nobody can read."""
    write_day(world, "soon")
    world.backfill()


def test_what_passes_now_is_published_in_its_own_partition(world: World) -> None:
    before, published = held(world), world.rows("silver/flights")
    add_airports(world)
    assert spans(replay(world, rule="dest_known")) == [("silver/flights", "2013-01-01", "2013-01-03")]
    assert held(world) == {}
    after = world.rows("silver/flights")
    assert after.height == published.height + sum(before.values())
    gained = after.join(published, on=published.columns, how="anti", nulls_equal=True)
    assert dict(gained.group_by(pl.col("flight_date").cast(pl.String)).len().iter_rows()) == before
    told = [event for event in history(view(world)) if "came_back" in event.changes]
    assert {event.partition: event.changes["came_back"]["rows"] for event in told} == before


def test_a_second_replay_has_nothing_left_to_do(world: World) -> None:
    add_airports(world)
    replay(world)
    versions = world.versions()
    assert replay(world) == []
    assert world.versions() == versions


def test_a_replay_of_rows_that_still_break_their_rule_changes_no_row(world: World) -> None:
    before, published, digests = held(world), world.rows("silver/flights"), [file.digest for file in view(world).quarantine.files]
    for _ in range(2):
        assert len(replay(world)) == 1
        assert held(world) == before
        assert world.rows("silver/flights").equals(published)
    assert len(history(view(world))) == len(before), "no publication since the first has changed what is held"
    files = view(world).quarantine.files
    assert len(files) == 2 * len(digests), "those that are seen, and those of the publication before, for a reader that has begun"


def test_only_partitions_that_hold_such_rows_are_built_again(world: World) -> None:
    before = files(world, "silver/flights")
    assert spans(replay(world, partition="2013-01-02")) == [("silver/flights", "2013-01-02", "2013-01-02")]
    after = files(world, "silver/flights")
    assert {values for values in after if after[values] != before[values]} == {("2013-01-02",)}
    assert replay(world, rule="carrier_known") == []
    assert spans(replay(world, days=(date(2013, 1, 2), date(2013, 1, 9)))) == [("silver/flights", "2013-01-02", "2013-01-03")]


def test_a_replay_is_a_forced_run_of_the_instance(world: World) -> None:
    (ran,) = replay(world, partition="2013-01-01")
    run = world.instance.get_run_by_id(ran.run_id)
    assert run is not None
    assert run.tags[FORCE_TAG] == "true"
    assert world.instance.get_materialized_partitions(dg.AssetKey(["silver", "flights"])) == {"2013-01-01"}


def test_a_row_without_an_event_date_comes_back_by_way_of_its_arrival(world: World) -> None:
    lose_a_day(world)
    assert held(world)["arrival/2013-01-02"] == 1
    published = world.rows("silver/flights").height
    write_day(world, "2")
    assert spans(replay(world, **UNREADABLE)) == [
        ("bronze/flights", "2013-01-02", "2013-01-02"), ("silver/flights", "2013-01-02", "2013-01-02"),
    ]  # fmt: skip
    assert "arrival/2013-01-02" not in held(world)
    assert world.rows("silver/flights").height == published + 1
    assert replay(world, **UNREADABLE) == []


def test_a_replay_killed_between_bronze_and_silver_is_finished_by_the_next_one(world: World, tmp_path: Path) -> None:
    lose_a_day(world)
    write_day(world, "2")
    whole = world.copy_to(tmp_path / "whole")
    replay(whole)
    environment = {**os.environ, "ASSAY_HOME": str(world.home), "DAGSTER_HOME": str(world.home / "dagster")}
    killed = subprocess.run([sys.executable, "-c", KILLED_BETWEEN], env=environment, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "arrival/2013-01-02" not in held(world), "bronze has published the row's arrival"
    assert world.rows("silver/flights").height == whole.rows("silver/flights").height - 1, "and silver not yet"
    replay(world, **UNREADABLE)
    assert held(world) == held(whole)
    assert world.rows("silver/flights").equals(whole.rows("silver/flights"))
    assert replay(world, **UNREADABLE) == []


def test_a_partition_whose_own_file_is_not_in_bronze_waits_and_is_named(world: World) -> None:
    write_day(world, "soon")
    found = replay_of(world)
    assert found.waiting() == ["2013-01-02"]
    assert spans(list(found.execute(lambda _: None))) == [
        ("silver/flights", "2013-01-01", "2013-01-01"), ("silver/flights", "2013-01-03", "2013-01-03"),
    ]  # fmt: skip


def test_reference_tables_that_are_outdated_are_named(world: World) -> None:
    assert replay_of(world).outdated_references() == []
    old = world.settings.landing / "airports/airports_2013-01-01.csv"
    (old.parent / "airports_2013-02-01.csv").write_text(old.read_text() + "XXX,Nowhere,0,0,0,0,N,UTC\n")
    assert replay_of(world).outdated_references() == ["airports"]


def test_a_replay_that_is_refused_fails_by_name_and_leaves_what_was_held(world: World) -> None:
    before = held(world)
    folder = world.own_contracts()
    path = folder / "flights.odcs.yaml"
    path.write_text(path.read_text().replace("mustBeLessThan: 0.1", "mustBeLessThan: 0.001"))
    ran = replay(world)
    assert ["rejectedShare" in str(one.failure) for one in ran] == [True]
    assert held(world) == before
    assert view(world).count(Fate.REFUSED) == sum(before.values())


@pytest.mark.parametrize("partition", ["2013-01-09", "arrival/2013-01-01"])
def test_a_partition_that_holds_nothing_is_not_built(world: World, partition: str) -> None:
    assert replay(world, partition=partition) == []
