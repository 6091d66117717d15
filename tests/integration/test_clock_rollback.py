"""A clock that was set back is noticed by what was recorded later than it shows, and takes nothing back that is published."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from live_market import Market, rows, stall

from assay.lake.snapshot_cache import newest_commit
from assay.orchestration import clock_rollback
from assay.orchestration.clock_rollback import ClockLeapt, ClockSetBack, believe, require_clock, require_steady_clock
from command_line import assay, shell

if TYPE_CHECKING:
    from pathlib import Path

FIRST, NEXT = "2024-03-01", "2024-03-02"


@pytest.fixture
def market(tmp_path: Path) -> Market:
    """A stall of days, and one whose newest file is the whole table, published by a clock that was as it is now."""
    market = Market.open(tmp_path / "home", sales=stall(), prices=stall("prices", grain="none"))
    market.land(f"sales/sales_{FIRST}.csv", rows(1, day=FIRST))
    for day in (FIRST, NEXT):
        market.land(f"prices/prices_{day}.csv", rows(7, day=day))
    assert market.settle()
    return market


def recorded_later(market: Market, name: str, later: timedelta) -> None:
    """What a commit says that was made when the clock showed a later time. To set the clock back leaves the same."""
    table = market.settings.lake / name
    commit = newest_commit(table)
    assert commit
    file = table / "_delta_log" / f"{commit.version:020}.json"
    lines = file.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith('{"commitInfo"'))
    said = json.loads(lines[place])
    said["commitInfo"]["timestamp"] += int(later.total_seconds() * 1000)
    lines[place] = json.dumps(said, separators=(",", ":"))
    file.write_text("\n".join(lines) + "\n")


# by the first clock no day of the lake is over, and no price has come; the second has no battery
@pytest.mark.parametrize("shown", [datetime(2024, 2, 20, tzinfo=UTC), datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)])
def test_the_sensor_asks_for_nothing_and_says_why_and_what_waits(market: Market, shown: datetime) -> None:
    before = market.versions()
    recorded_later(market, "silver/sales", timedelta(days=2))
    market.land(f"sales/sales_{NEXT}.csv", rows(2, day=NEXT))
    market.now = shown
    tick = market.tick()
    said = str(tick.skip_message if isinstance(tick, dg.SkipReason) else tick.skip_reason)
    assert said.startswith("The clock was set back: it shows 20")
    assert "but silver/sales was published at 20" in said
    assert "still to come" in said
    assert market.versions() == before
    market.now = datetime(2024, 3, 5, 12, tzinfo=UTC)
    assert market.started(market.tick()) == []


def test_a_run_of_the_ui_takes_no_older_snapshot_for_the_newest(market: Market) -> None:
    before = market.versions()
    recorded_later(market, "bronze/prices", timedelta(hours=5))
    market.now = datetime(2024, 3, 1, 12, tzinfo=UTC)  # by this clock the first file of prices is the newest
    with market.clock():
        job = market.definitions().resolve_implicit_global_asset_job_def()
        ran = job.execute_in_process(
            instance=market.instance,
            asset_selection=[dg.AssetKey(["bronze", "prices"])],
            raise_on_error=False,
            tags={"assay/force": "true"},
        )
    assert not ran.success
    assert any("The clock was set back" in str(event.step_failure_data.error) for event in ran.all_events if event.is_step_failure)
    assert market.versions() == before


def test_who_says_that_the_clock_is_right_goes_on_and_is_told_of_the_next_time(market: Market) -> None:
    lake = market.settings.lake
    recorded_later(market, "silver/sales", timedelta(days=400))
    with pytest.raises(ClockSetBack, match="silver/sales was published"):
        require_clock(lake, market.instance)
    believe(lake, market.instance)
    require_clock(lake, market.instance)
    market.land(f"sales/sales_{NEXT}.csv", rows(2, day=NEXT))
    assert market.settle()
    assert market.quantities() == {FIRST: [1], NEXT: [2]}
    recorded_later(market, "silver/sales", timedelta(days=1))
    with pytest.raises(ClockSetBack, match="silver/sales was published"):
        require_clock(lake, market.instance)


def test_a_correction_of_minutes_and_the_clocks_of_other_tools_are_let_be(market: Market) -> None:
    recorded_later(market, "silver/sales", timedelta(minutes=4))
    require_clock(market.settings.lake, market.instance)
    table = market.settings.lake / "silver/sales"
    commit = newest_commit(table)
    assert commit
    info = {"timestamp": 4102444800000, "operation": "OPTIMIZE", "engineInfo": "another"}
    (table / "_delta_log" / f"{commit.version + 1:020}.json").write_text(json.dumps({"commitInfo": info}) + "\n")
    require_clock(market.settings.lake, market.instance)


def test_the_newest_run_tells_too(market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(clock_rollback, "wall_clock", lambda: datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(ClockSetBack, match=r"run .* was recorded at"):
        require_clock(tmp_path / "nothing", market.instance)


def test_the_steps_of_a_run_ask_dagster_once_and_notice_a_clock_that_is_set_back_between_them(
    market: Market, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require_clock(tmp_path / "nothing", market.instance)
    monkeypatch.setattr(clock_rollback, "_recorded", lambda _: pytest.fail("Dagster was asked again"))
    require_clock(tmp_path / "nothing", market.instance)
    monkeypatch.setattr(clock_rollback, "wall_clock", lambda: datetime.now(UTC) - timedelta(hours=1))
    with pytest.raises(ClockSetBack, match=r"run .* was recorded at"):
        require_clock(tmp_path / "nothing", market.instance)


@pytest.mark.slow
def test_a_backfill_says_so_instead_of_nothing_to_do(market: Market) -> None:
    environment = shell(market.home, ASSAY_CONTRACTS=str(market.home / "contracts"), ASSAY_DBT_PROJECT=str(market.home / "dbt"))
    assert assay("backfill", environment=environment).returncode == 0
    recorded_later(market, "silver/sales", timedelta(days=2))
    before = market.versions()
    for _ in range(2):
        done = assay("backfill", environment=environment)
        assert done.returncode == 3
        assert "assay: The clock was set back: it shows 20" in done.stderr
        assert "Nothing to do" not in done.stdout
    assert "The clock was set back" in assay("summary", environment=environment).stdout
    assert market.versions() == before
    done = assay("backfill", "--clock-is-right", environment=environment)
    assert done.returncode == 0, done.stderr
    assert "Nothing to do" in done.stdout
    assert "clock" not in assay("backfill", environment=environment).stderr


@dg.job
def some_work() -> None:
    """A run of it is a record."""


@pytest.mark.parametrize(("days", "leapt"), [(0, False), (37, False), (39, True), (365, True)])
def test_whoever_removes_what_is_old_does_not_believe_a_clock_that_has_leapt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, *, leapt: bool
) -> None:
    began = datetime.now(UTC)
    with dg.DagsterInstance.ephemeral() as instance:
        instance.create_run_for_job(some_work)
        monkeypatch.setattr(clock_rollback, "wall_clock", lambda: began + timedelta(days=days))
        require_clock(tmp_path, instance)
        if leapt:
            with pytest.raises(ClockLeapt, match=r"nothing is removed for its age until .* `assay maintain --clock-is-right`"):
                require_steady_clock(tmp_path, instance)
        else:
            require_steady_clock(tmp_path, instance)


@pytest.mark.slow
def test_maintenance_by_a_clock_that_has_leapt_removes_nothing_unless_somebody_says_that_it_is_right(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = shell(market.home, ASSAY_CONTRACTS=str(market.home / "contracts"), ASSAY_DBT_PROJECT=str(market.home / "dbt"))
    for quantity in (2, 3):
        market.land(f"sales/sales_{FIRST}.csv", rows(quantity, day=FIRST))
        assert assay("backfill", environment=environment).returncode == 0
    there = set(market.home.rglob("*.parquet"))
    monkeypatch.setattr(clock_rollback, "wall_clock", lambda: datetime.now(UTC) + timedelta(days=365))
    for arguments in ((), ("--retention",)):
        done = assay("maintain", *arguments, environment=environment)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("assay: The clock shows 20")
    assert set(market.home.rglob("*.parquet")) == there
    assert assay("maintain", "--dry-run", environment=environment).returncode == 0
    assert assay("maintain", "--clock-is-right", environment=environment).returncode == 0
