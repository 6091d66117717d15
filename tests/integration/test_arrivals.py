"""The arrival sensor wakes for everything that the plan reads, asks again for a state that returns, and remembers nothing that runs do not say."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from unittest import mock

import dagster as dg
import pytest
from live_market import Market, rows, stall

if TYPE_CHECKING:
    from pathlib import Path

FIRST = "2024-03-01"
FILE = f"sales/sales_{FIRST}.csv"


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """A stall with one good day, published."""
    market = Market.open(tmp_path, sales=stall())
    market.land(FILE, rows(1, 1, day=FIRST))
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    assert market.quantities() == {FIRST: [1, 1]}
    return market


def test_a_look_that_finds_nothing_changes_nothing(market: Market) -> None:
    assert isinstance(market.tick(), dg.SkipReason)


def test_a_look_takes_away_what_a_killed_build_has_left(market: Market) -> None:
    left = market.settings.scratch / "work-0123456789ab"
    (left / "gold-0123456789ab").mkdir(parents=True)
    (left / "owner.lock").touch()
    market.tick()
    assert not left.exists()


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 24), ("Asia/Tokyo", 15), ("America/New_York", 29), ("Pacific/Kiritimati", 10), ("Asia/Kathmandu", 18.25)]
)
def test_a_file_of_today_is_taken_at_midnight_although_nothing_else_changes(tmp_path: Path, zone: str, hours: float) -> None:
    market = Market.open(tmp_path, sales=stall(zone=zone))
    midnight = market.now.replace(hour=0) + timedelta(hours=hours)
    market.land("sales/sales_2024-03-05.csv", rows(4, day="2024-03-05"))
    market.now = midnight - timedelta(minutes=1)
    assert market.settle() == []
    market.now = midnight + timedelta(minutes=1)
    assert market.settle() == ["bronze/sales 2024-03-05", "silver/sales 2024-03-05"]
    assert market.quantities() == {"2024-03-05": [4]}


def test_a_month_is_taken_when_it_has_ended(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall(grain="month", arrival="month"))
    market.land("sales/sales_2024-03-05.csv", rows(4, day="2024-03-04"))
    assert market.settle() == []
    market.now = market.now.replace(month=4, day=1)
    assert market.settle() == ["bronze/sales 2024-03-01", "silver/sales 2024-03-01"]


@pytest.mark.parametrize("returns", [[2, 1], [2, 1, 2], [2, 3, 1, 3, 2, 1]])
def test_a_state_that_returns_is_published_again(market: Market, returns: list[int]) -> None:
    for quantity in returns:
        market.land(FILE, rows(1, quantity, day=FIRST))
        assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
        assert market.quantities() == {FIRST: [1, quantity]}


def test_a_contract_that_goes_back_and_forth_is_followed(market: Market) -> None:
    strict = stall().replace("minimum: 0", "minimum: 2")
    market.land(FILE, rows(1, 7, day=FIRST))
    market.settle()
    for text, published in [(strict, [7]), (stall(), [1, 7]), (strict, [7]), (stall(), [1, 7])]:
        market.say("sales", text)
        assert market.settle() == [f"silver/sales {FIRST}"]
        assert market.quantities() == {FIRST: published}


def test_a_file_of_the_same_name_size_and_time_with_another_content_is_seen(market: Market) -> None:
    file = market.settings.landing / FILE
    os.utime(file, ns=(1, 1))
    market.settle()
    file.write_text(rows(1, 9, day=FIRST))
    os.utime(file, ns=(1, 1))
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    assert market.quantities() == {FIRST: [1, 9]}


def test_a_file_behind_a_linked_folder_wakes_the_sensor_where_links_may_lead_there(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    market.settings.landing.mkdir()
    (market.settings.landing / "sales").symlink_to(elsewhere)
    (elsewhere / f"sales_{FIRST}.csv").write_text(rows(3, day=FIRST))
    assert market.settle() == []
    market.links, market.loaded = (elsewhere,), None
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]


def test_a_new_masking_key_wakes_the_sensor(tmp_path: Path) -> None:
    private = stall().replace("{name: number, logicalType: string}", "{name: number, logicalType: string, classification: restricted}")
    private = private.replace("physicalType: BIGINT, required: true, primaryKey: true", "physicalType: STRING, classification: restricted")
    private = private.replace("name: number, logicalType: integer", "name: number, logicalType: string")
    market = Market.open(tmp_path, sales=private)
    keys = tmp_path / "masking.keys"
    keys.write_text("k1:" + "A" * 43 + "=\n")
    market.land(FILE, rows(1, day=FIRST))
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    keys.write_text("k2:" + "B" * 42 + "A=\nk1:" + "A" * 43 + "=\n")
    assert market.settle() == [f"silver/sales {FIRST}"]


def test_work_is_not_asked_for_again_while_its_run_is_unfinished(market: Market) -> None:
    market.land(FILE, rows(5, day=FIRST))
    (request,) = market.started(market.tick())
    run = queue(market, request)
    market.land(FILE, rows(6, day=FIRST))
    assert market.started(market.tick()) == []
    market.instance.delete_run(run.run_id)
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    assert market.quantities() == {FIRST: [6]}


def test_what_landed_while_its_partition_was_being_made_is_asked_for_afterwards(market: Market) -> None:
    market.land(FILE, rows(5, day=FIRST))
    requests = market.started(market.tick())
    market.execute(requests)
    market.land(FILE, rows(6, day=FIRST))
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    assert market.quantities() == {FIRST: [6]}


def test_a_file_that_flaps_while_its_run_starts_is_made_in_the_end(market: Market) -> None:
    market.land(FILE, rows(2, 2, day=FIRST))
    requests = market.started(market.tick())
    market.land(FILE, rows(1, 1, day=FIRST))
    market.execute(requests)  # finds what is published already
    market.land(FILE, rows(2, 2, day=FIRST))
    wait_and_settle(market)
    assert market.quantities() == {FIRST: [2, 2]}


@pytest.mark.parametrize("end", ["canceled", "killed", "deleted"])
def test_a_run_that_did_not_get_to_its_end_is_asked_for_again(market: Market, end: str) -> None:
    market.land(FILE, rows(5, day=FIRST))
    (request,) = market.started(market.tick())
    run = queue(market, request)
    if end == "deleted":
        market.instance.delete_run(run.run_id)
    elif end == "canceled":
        market.instance.report_run_canceled(run)
    else:
        market.instance.report_run_failed(run, "The worker is gone.")
    wait_and_settle(market)
    assert market.quantities() == {FIRST: [5]}


def test_what_failed_for_a_passing_reason_is_asked_for_again_with_growing_pauses(market: Market) -> None:
    market.land(FILE, rows(5, day=FIRST))
    looks, market.loaded = list[int](), None
    full, once = OSError("No space left on device"), dg.RetryPolicy(max_retries=0)
    with (
        mock.patch("assay.orchestration.lake_assets.ingest", side_effect=full),
        mock.patch("assay.orchestration.lake_assets.RETRIES", once),
    ):
        for look in range(20):
            if requests := market.started(market.tick()):
                looks.append(look)
                market.execute(requests)
    assert [after - before for before, after in pairwise(looks)] == [3, 5, 9]
    wait_and_settle(market, 40)
    assert market.quantities() == {FIRST: [5]}


def test_what_failed_for_good_is_asked_for_once_until_it_changes(market: Market) -> None:
    broken = "day,number,quantity\n" + f"{FIRST},1,-1\n" * 3
    market.land(FILE, broken)
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    for _ in range(10):
        assert market.started(market.tick()) == []
    assert "1 partition has failed, and is asked for again" in said(market.tick())
    market.land(FILE, broken + f"{FIRST},9,-1\n")
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    market.land(FILE, rows(8, day=FIRST))
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    assert market.quantities() == {FIRST: [8]}


def test_a_failed_run_that_is_deleted_is_asked_for_again(market: Market) -> None:
    market.land(FILE, "no header\n")
    assert market.settle() == [f"bronze/sales {FIRST}"]
    newest = market.instance.get_runs(limit=1)[0]
    market.instance.delete_run(newest.run_id)
    assert market.settle() == [f"bronze/sales {FIRST}"]


def test_a_day_that_failed_does_not_hold_back_the_days_beside_it(market: Market) -> None:
    second, third = "2024-03-02", "2024-03-03"
    market.land(f"sales/sales_{second}.csv", "no header\n")
    market.land(f"sales/sales_{third}.csv", rows(3, day=third))
    market.settle()
    assert market.quantities() == {FIRST: [1, 1], third: [3]}
    market.now += timedelta(days=1)
    market.land("sales/sales_2024-03-05.csv", rows(5, day="2024-03-05"))
    assert market.settle() == ["bronze/sales 2024-03-05", "silver/sales 2024-03-05"], "the failed day is not tried again"


def test_what_failed_as_a_whole_is_asked_for_as_a_whole_when_one_of_it_changes(market: Market) -> None:
    """A transform that loses a row fails all days of its run, whichever of them has the row."""
    second = "2024-03-02"
    market.say("sales", stall() + "      - {property: transform, value: hostile_transform:lose_sevens}\n")
    market.land(FILE, rows(7, day=FIRST))
    market.land(f"sales/sales_{second}.csv", rows(2, day=second))
    market.settle()
    assert market.quantities() == {FIRST: [1, 1]}
    market.land(FILE, rows(8, day=FIRST))
    market.settle()
    assert market.quantities() == {FIRST: [8], second: [2]}


def test_a_broken_dataset_does_not_hold_up_another(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall(), fairs=stall("fairs", zone="Asia/Tokyo"))
    market.land(FILE, "no header\n")
    market.land(f"fairs/fairs_{FIRST}.csv", rows(6, day=FIRST))
    market.settle()
    assert market.quantities("fairs") == {FIRST: [6]}


def test_a_tick_that_is_evaluated_again_asks_under_the_same_keys(market: Market) -> None:
    market.land(FILE, rows(5, day=FIRST))
    before = market.cursor
    keys = [request.run_key for request in market.started(market.tick())]
    market.cursor = before
    assert [request.run_key for request in market.started(market.tick())] == keys


def test_a_cursor_of_an_older_version_is_as_none(market: Market) -> None:
    market.cursor = json.dumps({"seen": "1", "asked": {"bronze/sales": {FIRST: 5}}})
    assert market.settle() == []


def queue(market: Market, request: dg.RunRequest) -> dg.DagsterRun:
    """The run of a request as the daemon leaves it in the queue."""
    job = market.definitions().resolve_job_def(str(request.job_name))
    return market.instance.create_run_for_job(
        job, tags={**request.tags, "dagster/run_key": str(request.run_key)}, status=dg.DagsterRunStatus.NOT_STARTED
    )


def wait_and_settle(market: Market, looks: int = 5) -> None:
    """As many looks as a pause may take, and then all that there is to do."""
    for _ in range(looks):
        if requests := market.started(market.tick()):
            market.execute(requests)
    market.settle()


def said(result: dg.SensorResult | dg.SkipReason) -> str:
    reason = result.skip_reason if isinstance(result, dg.SensorResult) else result
    assert reason
    return str(reason.skip_message if isinstance(reason, dg.SkipReason) else reason)
