"""Alerts of a real product: real failing partitions, late arrivals, old data and rows in quarantine, told once when each begins and clears."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import polars as pl
import pytest
from alert_servers import Posts, web_server
from live_market import Market, rows, stall

from assay.alerting.declared import FILE, read_alerts
from assay.alerting.state import Memory
from assay.contracts.model.gold_contract import ProductContracts
from assay.lake.fence import fence_now
from assay.lake.quarantine.decisions import Decision, decide
from assay.lake.quarantine.decisions import Kind as Decided
from assay.lake.quarantine.reader import Fate, View
from assay.orchestration.alert_sensor import alert_sensor, alerts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST, SECOND = "2024-03-01", "2024-03-02"
BROKEN = f"day,number,quantity\n{FIRST},1,-1\n{FIRST},2,-1\n"
DAILY = '  - {property: frequency, value: 1, unit: d, scheduler: cron, schedule: "0 6 * * *"}\n'
LATENCY = "  - {property: latency, value: 2, unit: d}\n"


@dataclass
class Watch:
    """The alert sensor of a market, looked after as the daemon does, and a server that gets its messages."""

    market: Market
    posts: Posts
    cursor: str | None = None
    ticks: int = 0
    said: list[str] = field(default_factory=list)

    def declare(self, more: str = "", *sinks: str) -> Watch:
        urls = "".join(
            f"  - {{name: {name}, type: webhook, url: '{url}'}}\n" for name, url in (("hook", self.posts.url), *map(str.split, sinks))
        )
        (self.market.home / "contracts" / FILE).write_text(f"{more}sinks:\n{urls}")
        return self

    def tick(self, *, keeps: bool = True) -> str:
        """One tick. Where the daemon is killed before it stores what it has done, the cursor stays as it was."""
        market = self.market
        planner = market.planner()
        declared, findings = read_alerts(market.home / "contracts", set(planner.contracts))
        assert findings == []
        sensor = alert_sensor(alerts_of(planner, ProductContracts(planner.contracts, {}), declared, "market"), lambda: market.now)
        with market.clock():
            result = sensor(dg.build_sensor_context(instance=market.instance, cursor=self.cursor))
        assert isinstance(result, dg.SensorResult | dg.SkipReason)
        if keeps and isinstance(result, dg.SensorResult):
            assert not result.run_requests
            self.cursor = result.cursor
        self.ticks += 1
        skip = result.skip_reason if isinstance(result, dg.SensorResult) else result
        return str(skip.skip_message if isinstance(skip, dg.SkipReason) else skip)

    def news(self, minutes: float = 0) -> list[str]:
        """What arrived since the last call, after time has gone by, a look, and the sending of what it found."""
        self.market.now += timedelta(minutes=minutes)
        before = len(self.posts.taken)
        for _ in range(2):
            self.tick()
        return [_short(json.loads(body)) for _, body in self.posts.taken[before:]]


def _short(told: dict[str, Any]) -> str:
    subjects = [f"{one['subject']} {','.join(one['first_partitions'])}" for one in told["subjects"]]
    return " ".join(" ".join([told["edge"], told["kind"], *subjects]).split())


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """A stall whose file of every day is due at six, and whose newest data are at most two days old."""
    with web_server(Posts()) as posts:
        market = Market.open(tmp_path, sales=stall() + "slaProperties:\n" + DAILY + LATENCY)
        market.now = datetime(2024, 3, 2, 5, tzinfo=UTC)
        market.land(f"sales/sales_{FIRST}.csv", rows(1, 1, day=FIRST))
        market.settle()
        yield Watch(market, posts).declare()


def test_nothing_is_told_while_nothing_is_wrong_and_the_cursor_stays_as_it_is(watch: Watch) -> None:
    assert watch.news() == []
    before = watch.cursor
    assert watch.news(1) == []
    assert watch.cursor == before
    assert watch.tick() == "Nothing is open."


def test_a_refused_partition_is_told_once_with_its_reason_and_again_when_it_is_mended(watch: Watch) -> None:
    watch.news()
    watch.market.land(f"sales/sales_{FIRST}.csv", BROKEN)
    watch.market.settle()
    assert watch.news() == [f"began failed silver/sales {FIRST}"]
    (told,) = json.loads(watch.posts.taken[-1][1])["subjects"]
    assert "rejectedShare: 2 of 2 rows break an error rule" in told["why"]
    assert told["owner"] == "owner@example.org"
    assert [watch.news(1) for _ in range(3)] == [[], [], []]
    watch.market.land(f"sales/sales_{FIRST}.csv", rows(3, day=FIRST))
    watch.market.settle()
    assert watch.news(30) == [f"cleared failed silver/sales {FIRST}"]
    assert "cleared after 33 min" in json.loads(watch.posts.taken[-1][1])["title"]


def test_a_partition_that_fails_beside_one_that_has_failed_is_news_and_one_that_is_mended_by_going_back_clears(watch: Watch) -> None:
    watch.market.now += timedelta(days=1)
    watch.market.land(f"sales/sales_{SECOND}.csv", "no header\n")
    watch.market.settle()
    assert f"began failed bronze/sales {SECOND}" in watch.news()
    watch.market.land(f"sales/sales_{FIRST}.csv", "no header\n")
    watch.market.settle()
    assert watch.news() == [f"grew failed bronze/sales {FIRST}"]
    watch.market.land(f"sales/sales_{FIRST}.csv", rows(1, 1, day=FIRST))
    watch.market.land(f"sales/sales_{SECOND}.csv", rows(1, 1, day=SECOND))
    watch.market.settle()
    assert watch.news() == [f"cleared failed bronze/sales {FIRST},{SECOND}"]


@pytest.mark.parametrize(("zone", "six"), [("UTC", 6), ("Asia/Kathmandu", 0.25), ("America/New_York", 11)])
def test_an_arrival_that_is_due_and_not_there_is_late_until_it_lands_in_whatever_zone(tmp_path: Path, zone: str, six: float) -> None:
    with web_server(Posts()) as posts:
        market = Market.open(tmp_path, sales=stall(zone=zone, start=FIRST) + "slaProperties:\n" + DAILY)
        watch = Watch(market, posts).declare()
        market.now = datetime(2024, 3, 2, tzinfo=UTC) + timedelta(hours=six, minutes=-1)
        assert watch.news() == []
        assert watch.news(2) == [f"began deadline bronze/sales {FIRST}"]
        assert watch.news(60) == []
        assert watch.news(24 * 60) == [f"grew deadline bronze/sales {SECOND}"]
        market.land(f"sales/sales_{FIRST}.csv", rows(1, day=FIRST))
        assert watch.news(1) == []
        market.land(f"sales/sales_{SECOND}.csv", rows(1, day=SECOND))
        assert watch.news(1) == [f"cleared deadline bronze/sales {SECOND}"]


def test_arrivals_that_were_late_by_a_clock_that_was_ahead_are_not_when_it_is_right(watch: Watch) -> None:
    watch.market.now = datetime(2024, 3, 3, 7, tzinfo=UTC)
    assert watch.news() == [f"began deadline bronze/sales {SECOND}"]
    watch.market.now += timedelta(days=200)
    (grown, *others) = sorted(watch.news())
    assert grown.startswith("began stale")
    assert others == ["grew deadline bronze/sales 2024-09-13,2024-09-14,2024-09-15,2024-09-16,2024-09-17"]
    watch.market.now -= timedelta(days=200)
    assert watch.news() == ["cleared stale silver/sales"]
    assert watch.tick() == "Open: deadline bronze/sales."
    watch.market.land(f"sales/sales_{SECOND}.csv", rows(1, day=SECOND))
    watch.market.settle()
    assert watch.news() == [f"cleared deadline bronze/sales {SECOND}"]


def test_the_failed_run_of_a_deadline_is_not_told_twice(watch: Watch) -> None:
    watch.market.now = datetime(2024, 3, 3, 6, 1, tzinfo=UTC)
    with watch.market.clock():
        job = watch.market.definitions().resolve_implicit_global_asset_job_def()
        key = dg.AssetKey(["bronze", "sales"])
        done = job.execute_in_process(instance=watch.market.instance, asset_selection=[key], partition_key=SECOND, raise_on_error=False)
    assert not done.success
    assert watch.news() == [f"began deadline bronze/sales {SECOND}"]


def test_stale_data_are_told_of_until_newer_ones_are_published(watch: Watch) -> None:
    assert watch.news() == []
    watch.market.now = datetime(2024, 3, 4, 0, 1, tzinfo=UTC)
    assert "began stale silver/sales" in watch.news()
    watch.market.land("sales/sales_2024-03-03.csv", rows(1, day="2024-03-03"))
    watch.market.settle()
    assert "cleared stale silver/sales" in watch.news()


def test_many_rows_in_quarantine_are_told_of_until_they_are_mended_or_a_steward_has_decided(watch: Watch) -> None:
    watch.declare("quarantineShare: 0.2\n")
    watch.market.land(f"sales/sales_{FIRST}.csv", rows(1, 1, 1, -1, -1, day=FIRST))
    watch.market.settle()
    assert watch.news() == [f"began quarantine silver/sales {FIRST}"]
    assert "2 of 5 rows of these partitions are in quarantine; 20.00% is" in json.loads(watch.posts.taken[-1][1])["subjects"][0]["why"]
    lake = watch.market.settings.lake
    held = View.open(lake, "sales").rows(Fate.HELD).filter(pl.col("source_row") == 4)
    decide(lake, "sales", Decision(Decided.DISCARD, "ada", datetime(2024, 3, 2, tzinfo=UTC), "a test"), held, 0, fence=fence_now(lake))
    assert watch.news() == [f"cleared quarantine silver/sales {FIRST}"]
    watch.declare("quarantineShare: {sales: 0.1}\n")
    assert watch.news() == [f"began quarantine silver/sales {FIRST}"]


def test_a_table_that_another_tool_has_changed_and_one_that_is_damaged_are_told_of(watch: Watch) -> None:
    from deltalake import DeltaTable

    table = watch.market.settings.lake / "silver/sales"
    DeltaTable(table).delete("number = 1")
    assert watch.news() == ["began altered silver/sales"]
    watch.market.settle()
    assert watch.news() == ["cleared altered silver/sales"]
    entry = max((table / "_delta_log").glob("*.json"))
    text = entry.read_bytes()
    entry.write_bytes(b"")
    assert "began blocked silver/sales" in watch.news()
    assert not [one for one in watch.news(60 * 24 * 3) if "stale" in one], "whether it is stale cannot be told"
    entry.write_bytes(text)
    assert "cleared blocked silver/sales" in watch.news()


def test_under_a_clock_that_was_set_back_nothing_else_is_judged(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.market.land(f"sales/sales_{FIRST}.csv", BROKEN)
    watch.market.settle()
    watch.news()
    with monkeypatch.context() as patch:
        patch.setattr("assay.orchestration.clock_rollback.wall_clock", lambda: datetime(2024, 1, 1, tzinfo=UTC))
        assert watch.news() == ["began clock"]
        assert watch.news(1) == []
    assert watch.news() == ["cleared clock"]
    assert watch.tick() == "Open: failed silver/sales."


def test_a_daemon_that_is_killed_between_sending_and_its_cursor_sends_the_same_message_with_the_same_key(watch: Watch) -> None:
    watch.market.land(f"sales/sales_{FIRST}.csv", BROKEN)
    watch.market.settle()
    watch.tick()
    watch.tick(keeps=False)
    watch.market.now += timedelta(minutes=1)
    watch.tick()
    first, second = watch.posts.taken
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert first[1] == second[1]
    assert watch.news(1) == []


def test_a_sink_that_is_down_for_a_while_gets_all_in_order_once_it_is_up_and_the_others_get_it_at_once(watch: Watch) -> None:
    with web_server(Posts(status=503)) as down:
        watch.declare("", f"down {down.url}")
        watch.market.land(f"sales/sales_{FIRST}.csv", BROKEN)
        watch.market.settle()
        assert watch.news() == [f"began failed silver/sales {FIRST}"]
        watch.market.land(f"sales/sales_{FIRST}.csv", rows(3, day=FIRST))
        watch.market.settle()
        assert watch.news() == [f"cleared failed silver/sales {FIRST}"]
        assert "2 messages wait to be sent" in watch.tick()
        assert len(down.taken) == 1, "it is left alone for a minute"
        down.status, down.taken = 200, []
        watch.news(2)
        assert [_short(json.loads(body)) for _, body in down.taken] == [
            f"began failed silver/sales {FIRST}",
            f"cleared failed silver/sales {FIRST}",
        ]
        assert down.keys() == watch.posts.keys()
    assert Memory.load(watch.cursor).waiting == ()


def test_what_is_told_of_a_table_with_personal_columns_has_no_value_of_them(tmp_path: Path) -> None:
    private = stall().replace("{name: number, logicalType: string}", "{name: number, logicalType: string, classification: restricted}")
    private = private.replace("physicalType: BIGINT, required: true, primaryKey: true", "physicalType: STRING, classification: restricted")
    with web_server(Posts()) as posts:
        market = Market.open(tmp_path, sales=private.replace("name: number, logicalType: integer", "name: number, logicalType: string"))
        (market.home / "masking.keys").write_text("k1:" + "A" * 43 + "=\n")
        market.land(f"sales/sales_{FIRST}.csv", f"day,number,quantity\n{FIRST},the-secret-7,nothing\n{FIRST},the-secret-8,nothing\n")
        market.settle()
        watch = Watch(market, posts).declare()
        assert watch.news() == [f"began failed silver/sales {FIRST}"]
        assert "the-secret" not in str(posts.taken) + str(watch.cursor)


def test_a_run_that_died_without_a_word_is_told_of_by_how_it_ended(watch: Watch) -> None:
    with watch.market.clock():
        job = watch.market.definitions().resolve_implicit_global_asset_job_def()
        tags = {"dagster/partition": FIRST}
        run = watch.market.instance.create_run_for_job(job, asset_selection=frozenset((dg.AssetKey(["bronze", "sales"]),)), tags=tags)
        watch.market.instance.report_run_failed(run, "The worker is gone.")
    assert watch.news() == [f"began failed bronze/sales {FIRST}"]
    assert "its run ended without a word (failure)" in json.loads(watch.posts.taken[-1][1])["subjects"][0]["why"]
