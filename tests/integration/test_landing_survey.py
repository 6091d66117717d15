"""Every file below the landing folder is accounted for: taken, waiting until an instant, or ignored with a reason, and said wherever one looks."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from live_market import Market, rows, stall

from assay.cli.landing import list_landing
from assay.contracts.reading.odcs import load_contracts
from assay.ingest.survey import Fate, Sighting, survey
from assay.orchestration.landing import Landing
from assay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOON = datetime(2024, 3, 5, 12, tzinfo=UTC)


def seen(market: Market, now: datetime = NOON) -> dict[str, Sighting]:
    return {one.name: one for one in survey(market.settings.landing, load_contracts(market.home / "contracts"), now, market.links)}


@pytest.mark.parametrize(
    ("name", "dataset", "why"),
    [
        ("sales/sales.csv", "sales", r"the contract's name for it is sales/sales_\{arrival:yyyy-MM-dd\}.csv"),
        ("sales/Sales_2024-03-02.csv", "sales", "sales/sales_2024-03-02.csv"),
        ("sales/sales_20240302.csv", "sales", "sales/sales_2024-03-02.csv"),
        ("sales/sales_2024_3_2.csv", "sales", "sales/sales_2024-03-02.csv"),
        ("sales/sales_2024-03-02.CSV", "sales", "sales/sales_2024-03-02.csv"),
        ("sales/sales_2024-03-02.csv.gz", "sales", "sales/sales_2024-03-02.csv"),
        ("slaes/sales_2024-03-02.csv", "sales", "sales/sales_2024-03-02.csv"),
        ("sales_2024-03-02.csv", "sales", "sales/sales_2024-03-02.csv"),
        ("sales/old/sales_2024-03-02.csv", "sales", "sales/sales_2024-03-02.csv"),
        ("sales/sales_2024-13-02.csv", "sales", "there is no date 2024-13-02"),
        ("sales/sales_2023-02-29.csv", "sales", "there is no date 2023-02-29"),
        ("sales/sales_2024-02-29.csv", "sales", "2024-02-29 is before the first arrival of the contract, 2024-03-01"),
        ("sales/sales_2024-06-01.csv", "sales", "2024-06-01 is not before the end of the contract's arrivals, 2024-06-01"),
        ("sales/sales_9999-12-31.csv", "sales", "9999-12-31 is not before the end"),
        ("sales/sales_0001-01-01.csv", "sales", "0001-01-01 is before the first arrival"),
        ("README.md", "", "no contract has such a name"),
        ("weather/report.json", "", "no contract has such a name"),
    ],
)
def test_a_file_that_nobody_takes_is_told_the_reason_and_the_nearest_name(tmp_path: Path, name: str, dataset: str, why: str) -> None:
    market = Market.open(tmp_path, sales=stall(end="2024-06-01"))
    market.land(name, rows(1, day="2024-03-02"))
    found = seen(market)[name]
    assert (found.fate, found.dataset) == (Fate.IGNORED, dataset)
    assert re.search(why, found.why), found.why


@pytest.mark.parametrize(
    ("contract", "day", "until"),
    [
        (stall(), "2024-03-05", "2024-03-06T00:00+00:00"),
        (stall(), "2024-03-09", "2024-03-10T00:00+00:00"),
        (stall(zone="Asia/Kathmandu"), "2024-03-05", "2024-03-06T00:00+05:45"),
        (stall(zone="America/New_York"), "2024-03-10", "2024-03-11T00:00-04:00"),
        (stall(grain="month", arrival="month"), "2024-03-02", "2024-04-01T00:00+00:00"),
        (stall(grain="day", arrival="month", zone="Europe/Berlin"), "2024-03-02", "2024-04-01T00:00+02:00"),
        (stall(grain="none"), "2024-03-06", "2024-03-06T00:00+00:00"),
        (stall(more=", includeCurrent: true"), "2024-03-06", "2024-03-06T00:00+00:00"),
        (stall(), "9999-12-31", None),
    ],
)
def test_a_file_waits_until_its_arrival_is_over(tmp_path: Path, contract: str, day: str, until: str | None) -> None:
    market = Market.open(tmp_path, sales=contract)
    name = f"sales/sales_{day}.csv"
    market.land(name, rows(1, day=day))
    found = seen(market)[name]
    assert found.fate is Fate.WAITS
    assert found.until is not None
    if until is None:
        return
    end = datetime.fromisoformat(until)
    assert (found.until, found.until.utcoffset()) == (end, end.utcoffset())
    assert seen(market, end - timedelta(minutes=15))[name].fate is Fate.WAITS
    assert seen(market, end)[name].fate is Fate.TAKEN


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia"])
def test_the_survey_and_the_plan_take_the_same_files(tmp_path: Path, zone: str) -> None:
    market = Market.open(tmp_path, sales=stall(zone=zone))
    for number in range(28):
        day = (NOON.date() + timedelta(days=number - 14)).isoformat()
        market.land(f"sales/sales_{day}.csv", rows(1, day=day))
    for hours in range(0, 48, 3):
        market.now = NOON + timedelta(hours=hours)
        with market.clock():
            planner = market.planner()
            (due,) = planner.due([dg.AssetKey(["bronze", "sales"])])
            taken = [one.arrival for one in Landing.look(planner).sightings if one.fate is Fate.TAKEN]
        assert taken == due.partitions


def test_a_day_that_no_clock_showed_is_ignored(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall(zone="Pacific/Apia", start="2011-12-01"))
    market.land("sales/sales_2011-12-30.csv", rows(1, day="2011-12-30"))
    assert "no clock in Pacific/Apia showed the day 2011-12-30" in seen(market)["sales/sales_2011-12-30.csv"].why


def test_a_file_that_is_being_written_is_left_out_for_an_hour(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall())
    part = market.land("sales/.sales_2024-03-02.csv.part", "day,num")
    os.utime(part, (NOON.timestamp(), NOON.timestamp()))
    assert seen(market, NOON + timedelta(minutes=59)) == {}
    (late,) = seen(market, NOON + timedelta(minutes=61)).values()
    assert "begins with a dot" in late.why


def test_links_are_followed_once_and_what_is_no_file_is_said(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall())
    folder = market.settings.landing / "sales"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    market.links = (elsewhere,)
    (elsewhere / "sales_2024-03-02.csv").write_text(rows(1, day="2024-03-02"))
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    (elsewhere / "round").symlink_to(market.settings.landing)
    (elsewhere / "sales_2024-03-03.csv").symlink_to(tmp_path / "gone")
    os.mkfifo(elsewhere / "sales_2024-03-04.csv")
    old = NOON - timedelta(days=1)
    os.utime(elsewhere / "sales_2024-03-04.csv", (old.timestamp(), old.timestamp()))
    found = {name: (one.fate, one.why) for name, one in seen(market).items()}
    assert found == {
        "sales/sales_2024-03-02.csv": (Fate.TAKEN, ""),
        "sales/sales_2024-03-03.csv": (Fate.IGNORED, "it cannot be looked up: No such file or directory"),
        "sales/sales_2024-03-04.csv": (Fate.IGNORED, "it is no file"),
    }


def test_a_snapshot_of_tomorrow_replaces_the_table_tomorrow(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall(grain="none"))
    market.land("sales/sales_2024-03-04.csv", rows(1, day="2024-03-04"))
    market.land("sales/sales_2024-03-06.csv", rows(2, 2, day="2024-03-06"))
    assert market.settle() == ["bronze/sales", "silver/sales"]
    assert market.quantities() == {"2024-03-04": [1]}
    market.now += timedelta(days=1)
    market.land("sales/sales_2024-03-05.csv", rows(7, day="2024-03-05"))
    assert market.settle() == ["bronze/sales", "silver/sales"]
    assert market.quantities() == {"2024-03-06": [2, 2]}, "the newest file whose day has come"


def test_todays_arrival_is_taken_when_the_contract_says_so_and_again_when_more_comes(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall(more=", includeCurrent: true", path="sales/sales_{arrival:yyyy-MM-dd}*.csv"))
    market.land("sales/sales_2024-03-05a.csv", rows(1, day="2024-03-05"))
    assert market.settle() == ["bronze/sales 2024-03-05", "silver/sales 2024-03-05"]
    assert market.quantities() == {"2024-03-05": [1]}
    market.land("sales/sales_2024-03-05b.csv", "day,number,quantity\n2024-03-05,2,5\n")
    assert market.settle() == ["bronze/sales 2024-03-05", "silver/sales 2024-03-05"]
    assert market.quantities() == {"2024-03-05": [1, 5]}
    market.land("sales/sales_2024-03-06.csv", rows(6, day="2024-03-06"))
    assert market.settle() == []
    market.now += timedelta(days=1)
    assert market.settle() == ["bronze/sales 2024-03-06", "silver/sales 2024-03-06"]


def test_taking_todays_arrival_makes_nothing_anew_that_is_published(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall())
    market.land("sales/sales_2024-03-04.csv", rows(1, day="2024-03-04"))
    market.settle()
    market.say("sales", stall(more=", includeCurrent: true"))
    assert market.settle() == []
    assert market.backfill() == []


def test_one_dataset_that_takes_today_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall(more=", includeCurrent: true"), fairs=stall("fairs"))
    for name in ("sales", "fairs"):
        for day in ("2024-03-04", "2024-03-05"):
            market.land(f"{name}/{name}_{day}.csv", rows(1, day=day))
    market.settle()
    assert market.quantities("sales") == {"2024-03-04": [1], "2024-03-05": [1]}
    assert market.quantities("fairs") == {"2024-03-04": [1]}


def test_an_ignored_arrival_is_not_waited_for(tmp_path: Path) -> None:
    contract = stall().replace("value: {grain: day, start: 2024-03-01, lateness", "value: {grain: day, start: 2024-03-03, lateness")
    market = Market.open(tmp_path, sales=contract)
    market.land("sales/sales_2024-03-02.csv", rows(9, day="2024-03-02"))
    market.land("sales/sales_2024-03-03.csv", rows(1, day="2024-03-02"))
    market.settle()
    assert market.quantities() == {"2024-03-02": [1]}


def test_the_tick_says_what_waits_and_what_is_ignored(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall())
    market.land("sales/sales_2024-03-05.csv", rows(1, day="2024-03-05"))
    for number in range(5):
        market.land(f"sales/sales{number}.csv", rows(1, day="2024-03-02"))
    result = market.tick()
    said = str(result.skip_reason if isinstance(result, dg.SensorResult) else result)
    assert "1 file waits: sales/sales_2024-03-05.csv until 2024-03-06 00:00 UTC (its day is not over in UTC)." in said
    assert "5 files are ignored: sales/sales0.csv (the contract's name for it is sales/" in said
    assert "and 2 more (`assay landing` lists them)." in said


def test_the_landing_asset_is_told_once_of_each_change(tmp_path: Path) -> None:
    market = Market.open(tmp_path, sales=stall(), fairs=stall("fairs"))
    market.land("sales/sales_2024-03-04.csv", rows(1, day="2024-03-04"))
    market.land("sales/sales_2024-03-05.csv", rows(1, day="2024-03-05"))
    market.land("sales/sales.csv", rows(1, day="2024-03-05"))
    market.settle()
    (told,) = observations(market, "sales")
    assert {name: told[name].value for name in ("taken", "waits", "ignored")} == {"taken": 1, "waits": 1, "ignored": 1}
    assert told["waiting files"].value == ["sales/sales_2024-03-05.csv until 2024-03-06 00:00 UTC"]
    market.now += timedelta(days=1)
    market.settle()
    assert len(observations(market, "sales")) == 2
    assert observations(market, "fairs") == []


def observations(market: Market, dataset: str) -> list[dict[str, dg.MetadataValue]]:
    found = market.instance.fetch_observations(dg.AssetKey(["landing", dataset]), limit=10).records
    return [dict(record.asset_observation.metadata) for record in found if record.asset_observation]


def test_the_command_lists_each_file_that_is_not_simply_ingested(tmp_path: Path, say: Callable[[], str]) -> None:
    market = Market.open(tmp_path, sales=stall(), prices=stall("prices", grain="none"))
    for day in ("2024-03-02", "2024-03-03"):
        market.land(f"sales/sales_{day}.csv", rows(1, day=day))
        market.land(f"prices/prices_{day}.csv", rows(1, day=day))
    market.settle()
    market.land("sales/sales_2024-03-04.csv", rows(1, day="2024-03-04"))
    market.land("sales/sales_2024-03-05.csv", rows(1, day="2024-03-05"))
    settings = Settings(market.home, market.home / "dbt_project", market.home / "contracts")
    say()
    with market.clock():
        assert list_landing(settings, [], every=False)
    assert say().splitlines() == [
        "prices: 1 ingested, 1 superseded",
        "sales: 2 ingested, 1 to be ingested, 1 waits",
        "  sales/sales_2024-03-04.csv: to be ingested",
        "  sales/sales_2024-03-05.csv: waits until 2024-03-06 00:00 UTC: its day is not over in UTC",
    ]
    market.land("notes.txt", "")
    with market.clock():
        assert not list_landing(settings, [], every=True)
    listed = say()
    assert "  sales/sales_2024-03-02.csv: ingested" in listed
    assert "no dataset: 1 ignored\n  notes.txt: ignored: no contract has such a name." in listed
    with market.clock():
        assert list_landing(settings, ["prices"], every=False)


def test_a_file_whose_rows_bronze_keeps_is_listed_as_archived(tmp_path: Path, say: Callable[[], str]) -> None:
    market = Market.open(tmp_path, sales=stall())
    for day in ("2024-03-02", "2024-03-03"):
        market.land(f"sales/sales_{day}.csv", rows(1, day=day))
    market.settle()
    (market.settings.landing / "sales/sales_2024-03-02.csv").unlink()
    say()
    with market.clock():
        assert list_landing(Settings(market.home, market.home / "dbt_project", market.home / "contracts"), ["sales"], every=True)
    assert say().splitlines() == [
        "sales: 1 ingested, 1 archived",
        "  sales/sales_2024-03-03.csv: ingested",
        "  sales/sales_2024-03-02.csv: archived",
    ]


def test_every_name_of_a_content_is_listed_with_what_became_of_it(tmp_path: Path, say: Callable[[], str]) -> None:
    market = Market.open(tmp_path, sales=stall(path="sales/sales_{arrival:yyyy-MM-dd}*.csv"))
    for suffix in "abc":
        market.land(f"sales/sales_2024-03-02_{suffix}.csv", rows(1, day="2024-03-02"))
    market.settle()
    for suffix in "ac":
        (market.settings.landing / f"sales/sales_2024-03-02_{suffix}.csv").unlink()
    say()
    with market.clock():
        assert list_landing(Settings(market.home, market.home / "dbt_project", market.home / "contracts"), ["sales"], every=True)
    assert say().splitlines() == [
        "sales: 1 ingested, 2 archived",
        "  sales/sales_2024-03-02_b.csv: ingested",
        "  sales/sales_2024-03-02_a.csv: archived",
        "  sales/sales_2024-03-02_c.csv: archived",
    ]
