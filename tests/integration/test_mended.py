"""A refusal that is mended by going back: the lake was right all the time, and Dagster says so afterwards, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest
from live_market import Market, rows, stall

from ageing import aged
from assay.orchestration import recoveries
from assay.orchestration.data_versions import TAG, versions_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST, SECOND, THIRD = "2024-03-01", "2024-03-02", "2024-03-03"
FILE = f"sales/sales_{FIRST}.csv"
BAD = "day,number,quantity\n" + f"{FIRST},1,-1\n" * 3
BRONZE, SILVER = dg.AssetKey(["bronze", "sales"]), dg.AssetKey(["silver", "sales"])


def statuses(market: Market, key: dg.AssetKey) -> dict[str, str]:
    """What the UI shows of the partitions of an asset that it knows of."""
    with market.clock():
        definition = market.definitions().resolve_asset_graph().get(key).partitions_def
        assert definition is not None
        found = market.instance.get_status_by_partition(key, definition.get_partition_keys(), definition) or {}
    return {partition: status.value for partition, status in found.items() if status is not None}


def judged(market: Market) -> list[tuple[str | None, bool]]:
    """The evaluations of silver's contract, the newest first."""
    key = dg.AssetCheckKey(SILVER, "contract")
    found = market.instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
    events = [one.event.dagster_event for one in found if one.event and one.event.dagster_event]
    return [(one.asset_check_evaluation_data.partition, one.asset_check_evaluation_data.passed) for one in events]


def backfilled(market: Market) -> list[str]:
    return [ran.request.title for ran in market.backfill()]


MENDERS: list[Callable[[Market], list[str]]] = [Market.settle, backfilled]


@pytest.fixture
def market(tmp_path: Path) -> Market:
    market = Market.open(tmp_path, sales=stall())
    market.land(FILE, rows(1, day=FIRST))
    market.land(f"sales/sales_{SECOND}.csv", rows(2, day=SECOND))
    market.settle()
    return market


@pytest.mark.parametrize("mend", MENDERS)
def test_a_file_that_is_put_back_turns_its_day_green(market: Market, mend: Callable[[Market], list[str]]) -> None:
    for again in range(2):
        market.land(FILE, "no header\n")
        mend(market)
        assert statuses(market, BRONZE) == {FIRST: "FAILED", SECOND: "MATERIALIZED"}, again
        market.land(FILE, rows(1, day=FIRST))
        assert mend(market) == [f"bronze/sales {FIRST}"]
        assert statuses(market, BRONZE) == {FIRST: "MATERIALIZED", SECOND: "MATERIALIZED"}
        assert mend(market) == [], "it is recorded once"


def test_while_no_run_has_ended_badly_no_asset_is_asked_what_it_shows(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recoveries, "failed", lambda *_: pytest.fail("an asset was asked"))
    assert backfilled(market) == []
    market.land(FILE, "no header\n")
    with pytest.raises(pytest.fail.Exception, match="an asset was asked"):  # once bronze has failed
        market.backfill()


@pytest.mark.parametrize("mend", MENDERS)
def test_a_contract_that_is_put_back_turns_the_check_green(market: Market, mend: Callable[[Market], list[str]]) -> None:
    versions = market.versions()
    for _ in range(2):
        market.say("sales", stall().replace("minimum: 0", "minimum: 5"))
        mend(market)
        assert statuses(market, SILVER) == {FIRST: "FAILED", SECOND: "FAILED"}
        assert dict(judged(market)[:2]) == {FIRST: False, SECOND: False}
        market.say("sales", stall())
        assert mend(market) == [f"silver/sales {FIRST} to {SECOND}"]
        assert statuses(market, SILVER) == {FIRST: "MATERIALIZED", SECOND: "MATERIALIZED"}
        assert dict(judged(market)[:2]) == {FIRST: True, SECOND: True}
        assert mend(market) == []
    assert {name: market.versions()[name] for name in versions} == versions, "nothing was published"


def test_bad_rows_that_are_published_again_as_they_were_turn_green(market: Market) -> None:
    """Bronze took the bad file, so the good one is ingested anew; silver had refused it and is as it was."""
    market.land(FILE, BAD)
    market.settle()
    assert statuses(market, SILVER) == {FIRST: "FAILED", SECOND: "MATERIALIZED"}
    market.land(FILE, rows(1, day=FIRST))
    assert market.settle() == [f"bronze/sales {FIRST}", f"silver/sales {FIRST}"]
    assert statuses(market, SILVER) == {FIRST: "MATERIALIZED", SECOND: "MATERIALIZED"}
    assert judged(market)[0] == (FIRST, True)


def test_what_is_still_broken_stays_red_and_the_rest_is_left_alone(market: Market) -> None:
    market.land(FILE, "no header\n")
    market.land(f"sales/sales_{SECOND}.csv", "no header\n")
    market.settle()
    market.land(f"sales/sales_{SECOND}.csv", rows(2, day=SECOND))
    assert market.settle() == [f"bronze/sales {SECOND}"]
    assert statuses(market, BRONZE) == {FIRST: "FAILED", SECOND: "MATERIALIZED"}
    assert market.settle() == []


@pytest.mark.parametrize("mend", MENDERS)
def test_a_snapshot_that_is_put_back_turns_green(tmp_path: Path, mend: Callable[[Market], list[str]]) -> None:
    market = Market.open(tmp_path, sales=stall(grain="none"))
    market.land(FILE, rows(1, day=FIRST))
    market.settle()
    market.land(FILE, "no header\n")
    mend(market)
    market.land(FILE, rows(1, day=FIRST))
    assert mend(market) == ["bronze/sales"]
    assert mend(market) == []


def test_a_cancelled_run_of_what_is_up_to_date_turns_green(market: Market) -> None:
    with market.clock():
        job = market.definitions().resolve_implicit_global_asset_job_def()
        run = market.instance.create_run_for_job(
            job, asset_selection=frozenset({BRONZE}), status=dg.DagsterRunStatus.STARTED, tags={"dagster/partition": FIRST}
        )
        market.instance.report_run_canceled(run)
    before = statuses(market, BRONZE)
    market.settle()
    assert before[FIRST] in {"FAILED", "MATERIALIZED"}
    assert statuses(market, BRONZE) == {FIRST: "MATERIALIZED", SECOND: "MATERIALIZED"}


def make_elsewhere(market: Market) -> None:
    """Publish what is due without a record of it in the instance: as a run that ends before it can say so."""
    kept, market.instance, cursor, market.cursor = market.instance, dg.DagsterInstance.ephemeral(), market.cursor, None
    market.settle()
    market.instance, market.cursor = kept, cursor


def begun_run(market: Market, key: dg.AssetKey, partition: str) -> dg.DagsterRun:
    """A run that is at work on a partition."""
    with market.clock():
        job = market.definitions().resolve_implicit_global_asset_job_def()
        return market.instance.create_run_for_job(
            job, asset_selection=frozenset({key}), status=dg.DagsterRunStatus.STARTED, tags={"dagster/partition": partition}
        )


def cancelled(market: Market, partition: str) -> None:
    """Between the commit and the record."""
    runs = [begun_run(market, key, partition) for key in (BRONZE, SILVER)]
    make_elsewhere(market)
    for run in runs:
        market.instance.report_run_canceled(run)


def deleted_at_work(market: Market, partition: str) -> None:
    runs = [begun_run(market, key, partition) for key in (BRONZE, SILVER)]
    make_elsewhere(market)
    market.tick()  # the sensor sees them at work
    for run in runs:
        market.instance.delete_run(run.run_id)


def deleted_afterwards(market: Market, _: str) -> None:
    known = {run.run_id for run in market.instance.get_runs()}
    market.settle()
    for run in market.instance.get_runs():
        if run.run_id not in known:
            market.instance.delete_run(run.run_id)


def recorded(market: Market, key: dg.AssetKey) -> dict[str, str]:
    """The data versions of the partitions, as Dagster has them."""
    log = market.instance.event_log_storage
    found = log.get_latest_tags_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION, [TAG])
    return {partition: tags[TAG] for partition, tags in found.items()}


@pytest.mark.parametrize("mend", MENDERS)
@pytest.mark.parametrize(
    ("end", "day"),
    [(cancelled, FIRST), (cancelled, THIRD), (deleted_at_work, THIRD), (deleted_afterwards, THIRD)],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_what_a_run_published_that_could_not_record_it_is_recorded_once(
    market: Market, day: str, end: Callable[[Market, str], None], mend: Callable[[Market], list[str]]
) -> None:
    market.land(f"sales/sales_{day}.csv", rows(7, day=day))
    end(market, day)
    versions = market.versions()
    assert recorded(market, SILVER).get(day) != versions_of(market.settings.lake, SILVER, [day])[day]
    assert mend(market) == [f"bronze/sales {day}", f"silver/sales {day}"]
    for key in (BRONZE, SILVER):
        assert recorded(market, key)[day] == versions_of(market.settings.lake, key, [day])[day]
        assert statuses(market, key) == dict.fromkeys(sorted({FIRST, SECOND, day}), "MATERIALIZED")
    assert market.versions() == versions, "nothing was published"
    assert market.quantities()[day] == [7]
    assert mend(market) == [], "it is recorded once"


def test_after_runs_that_went_well_no_asset_is_asked_what_dagster_knows_of_it(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    market.settle()
    monkeypatch.setattr(recoveries, "unrecorded", lambda *_: pytest.fail("an asset was asked"))
    market.land(f"sales/sales_{THIRD}.csv", rows(3, day=THIRD))
    market.settle()
    assert market.quantities()[THIRD] == [3]
    market.instance.delete_run(market.instance.get_runs(limit=1)[0].run_id)
    with pytest.raises(pytest.fail.Exception, match="an asset was asked"):
        market.tick()


@pytest.mark.parametrize("mend", MENDERS)
def test_a_history_that_begins_anew_does_not_take_up_all_that_is_published(market: Market, mend: Callable[[Market], list[str]]) -> None:
    aged(market.settings.lake, 2000)  # published before the time that it is in the market
    market.instance, market.cursor = dg.DagsterInstance.ephemeral(), None
    assert mend(market) == []
    market.land(f"sales/sales_{THIRD}.csv", rows(3, day=THIRD))
    assert mend(market) == [f"bronze/sales {THIRD}", f"silver/sales {THIRD}"]
    assert mend(market) == []


def test_a_partition_that_a_run_is_at_work_on_is_left_to_it(market: Market) -> None:
    begun_run(market, BRONZE, FIRST)
    assert backfilled(market) == []
