"""A refusal that is mended by going back: the lake was right all the time, and Dagster says so afterwards, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest
from live_market import Market, rows, stall

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST, SECOND = "2024-03-01", "2024-03-02"
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
