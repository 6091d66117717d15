"""Dagster's own view of what is Unsynced agrees with the plan: data versions change when rows do, code versions when contracts do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from live_market import Market, rows, stall

from assay.orchestration import event_log
from assay.orchestration.data_versions import TAG

if TYPE_CHECKING:
    from collections.abc import Iterator

DAYS = ["2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04"]
BRONZE, SILVER = dg.AssetKey(["bronze", "sales"]), dg.AssetKey(["silver", "sales"])
RULE = "logicalTypeOptions: {minimum: 0}"


@pytest.fixture
def market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """Four days, published by one run of each layer, and recorded in our event log."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    shutil.copy(Path(event_log.__file__).with_name("dagster.yaml"), folder)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        market = Market.open(tmp_path, sales=stall().replace("lateness: 2", "lateness: 0"))
        market.instance = instance
        for day in DAYS:
            market.land(f"sales/sales_{day}.csv", rows(1, 2, day=day))
        market.settle()
        yield market


def unsynced(market: Market, key: dg.AssetKey) -> list[str]:
    """The partitions that the UI shows as Unsynced."""
    with market.clock():
        graph = market.definitions().resolve_asset_graph()
        resolver = CachingStaleStatusResolver(market.instance, graph, LoadingContextForTest(market.instance))
        return [day for day in DAYS if resolver.get_status(key, day) is StaleStatus.STALE]


def outdated(market: Market, key: dg.AssetKey) -> list[str]:
    with market.clock():
        return [part for one in market.planner().due([key]) for part in one.partitions]


def run(market: Market, key: dg.AssetKey, first: str, last: str, **tags: str) -> None:
    span = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    with market.clock():
        job = market.definitions().resolve_implicit_global_asset_job_def()
        job.execute_in_process(instance=market.instance, asset_selection=[key], tags=span | tags, raise_on_error=False)


def versions(market: Market, key: dg.AssetKey) -> dict[str, str]:
    found = market.instance.fetch_materializations(dg.AssetRecordsFilter(key), limit=100).records
    return {str(one.partition_key): (one.asset_materialization.tags or {})[TAG] for one in reversed(found) if one.asset_materialization}


def test_a_corrected_file_makes_its_day_unsynced_and_no_other_until_it_is_made_again(market: Market) -> None:
    assert (unsynced(market, SILVER), outdated(market, SILVER)) == ([], [])
    assert len(set(versions(market, BRONZE).values())) == len(DAYS), "each partition of a range has a version of its own"
    market.land(f"sales/sales_{DAYS[1]}.csv", rows(7, day=DAYS[1]))
    run(market, BRONZE, DAYS[0], DAYS[3])
    assert unsynced(market, SILVER) == outdated(market, SILVER) == [DAYS[1]]
    market.settle()
    assert unsynced(market, SILVER) == outdated(market, SILVER) == []


def test_what_is_made_again_and_is_as_it_was_makes_nothing_unsynced(market: Market) -> None:
    before = versions(market, BRONZE)
    run(market, BRONZE, DAYS[1], DAYS[2])
    run(market, BRONZE, DAYS[0], DAYS[3], **{"assay/force": "true"})
    assert versions(market, BRONZE) == before
    assert unsynced(market, SILVER) == outdated(market, SILVER) == []


def test_a_changed_rule_makes_all_of_silver_unsynced_and_nothing_of_bronze(market: Market) -> None:
    market.say("sales", stall().replace("lateness: 2", "lateness: 0").replace(RULE, "logicalTypeOptions: {minimum: 1}"))
    for key in (BRONZE, SILVER):
        assert unsynced(market, key) == outdated(market, key) == (DAYS if key == SILVER else [])
    market.settle()
    assert unsynced(market, SILVER) == outdated(market, SILVER) == []


def test_words_of_a_contract_and_a_column_that_files_may_lack_make_nothing_unsynced(market: Market) -> None:
    said = stall().replace("lateness: 2", "lateness: 0").replace("Sales of a stall.", "Sales, of a stall.")
    said = said.replace(
        "      - {name: quantity, logicalType: string}\n",
        "      - {name: quantity, logicalType: string}\n      - {name: note, logicalType: string, required: false}\n",
    )
    market.say("sales", said.replace("    customProperties:", "      - {name: note, logicalType: string}\n    customProperties:"))
    for key in (BRONZE, SILVER):
        assert unsynced(market, key) == outdated(market, key) == []


def test_the_good_days_of_a_range_that_was_partly_refused_have_versions_like_those_of_a_good_range(market: Market) -> None:
    market.land(f"sales/sales_{DAYS[0]}.csv", rows(5, day=DAYS[0]))
    market.land(f"sales/sales_{DAYS[1]}.csv", "no header\n")
    run(market, BRONZE, DAYS[0], DAYS[3])
    run(market, SILVER, DAYS[0], DAYS[0])
    assert unsynced(market, SILVER) == []
    run(market, BRONZE, DAYS[2], DAYS[3])
    assert unsynced(market, SILVER) == []
    market.land(f"sales/sales_{DAYS[3]}.csv", rows(9, day=DAYS[3]))
    run(market, BRONZE, DAYS[0], DAYS[3])
    assert unsynced(market, SILVER) == [DAYS[3]]
