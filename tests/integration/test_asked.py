"""A run that was sent with any partition key, as GraphQL lets it: it makes what it names, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
import pytest
from live_market import Market, rows, stall

from assay.orchestration.asked import PARTITION, RANGE_END, RANGE_START

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = "Nothing was changed"


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """Stalls by the month and by the day, and one without partitions; it is the middle of April."""
    market = Market.open(
        tmp_path_factory.mktemp("asked") / "home", monthly=stall("monthly", grain="month", start="2024-02-01"),
        daily=stall("daily", start="2024-03-01"), whole=stall("whole", grain="none"),
    )  # fmt: skip
    market.now = market.now.replace(month=4, day=15)
    for name in ("monthly", "daily", "whole"):
        market.land(f"{name}/{name}_2024-03-01.csv", rows(1, 2, day="2024-03-01"))
    market.backfill()
    return market


def sent(market: Market, tags: Mapping[str, str], *assets: str) -> dg.ExecuteInProcessResult:
    job = market.definitions().resolve_implicit_global_asset_job_def()
    with market.clock():
        return job.execute_in_process(
            instance=market.instance, asset_selection=[dg.AssetKey(one.split("/")) for one in assets], tags=tags, raise_on_error=False
        )


def failures(done: dg.ExecuteInProcessResult) -> dict[str, str]:
    """What each step that failed says, by its name. Fails if one was tried again."""
    assert "STEP_UP_FOR_RETRY" not in {event.event_type_value for event in done.all_events}
    failed = {event.step_key or "": event.step_failure_data for event in done.all_events if event.is_step_failure}
    return {step: str(data.user_failure_data.description if data.user_failure_data else data.error) for step, data in failed.items()}


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({PARTITION: "2024-03-02"}, "Tried to make 2024-03-02 of silver/monthly, which has no such partition now. It has 2024-02-01 to 2024-03-01"),
        ({PARTITION: "2024-04-01"}, "Tried to make 2024-04-01 of silver/monthly, which has no such partition now"),
        ({RANGE_START: "2024-03-01", RANGE_END: "2031-01-01"}, "Tried to make 2031-01-01 of silver/monthly"),
        ({RANGE_START: "2024-03-01", RANGE_END: "2024-02-01"}, "which begins after its end"),
    ],
)  # fmt: skip
def test_a_run_of_a_partition_that_there_is_not_changes_nothing(market: Market, tags: Mapping[str, str], why: str) -> None:
    before = market.versions()
    said = failures(sent(market, {**tags, "assay/force": "true"}, "silver/monthly"))
    assert why in said["silver_monthly"]
    assert KEPT in said["silver_monthly"]
    assert market.versions() == before


def test_a_key_of_one_asset_makes_no_other_partition_of_the_next(market: Market) -> None:
    before = market.versions()
    said = failures(sent(market, {PARTITION: "2024-03-31", "assay/force": "true"}, "silver/daily", "silver/monthly"))
    assert [*said] == ["silver_monthly"]  # the day is made; Dagster would have made April of it
    after = market.versions()
    assert (after.pop("silver/daily"), after) == (before.pop("silver/daily") + 1, before)


def test_a_table_without_partitions_is_made_whole_beside_one_that_has_some(market: Market) -> None:
    done = sent(market, {PARTITION: "2024-03-01", "assay/force": "true"}, "silver/daily", "silver/whole")
    assert done.success
    made = [event.step_materialization_data.materialization for event in done.all_events if event.is_step_materialization]
    assert {(one.asset_key.to_user_string(), one.partition) for one in made} == {("silver/daily", "2024-03-01"), ("silver/whole", None)}
