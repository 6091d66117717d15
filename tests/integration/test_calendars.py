"""Datasets of different calendars in one product: the graph loads, each keeps its own, and a gold model has those of its inputs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from calendar_products import Calendars, totals

from assay.contracts.reading.odcs import load_contracts
from assay.orchestration.build import assemble
from assay.orchestration.triggers import deadline_schedules

if TYPE_CHECKING:
    from pathlib import Path

    from small_world import World


def definitions_of(world: World) -> dict[str, dg.TimeWindowPartitionsDefinition]:
    specs = world.definitions.resolve_all_asset_specs()
    return {
        one.key.to_user_string(): one.partitions_def for one in specs if isinstance(one.partitions_def, dg.TimeWindowPartitionsDefinition)
    }


MONTHLY = 'slaProperties:\n  - {property: frequency, value: 1, unit: m, schedule: "0 6 3 * *", scheduler: cron}\n'


@pytest.mark.parametrize(
    ("now", "asked"),
    [
        ("2024-06-03T06:00", "2024-05-01"),
        ("2024-03-03T06:00", "2024-02-01"),
        ("2024-02-03T06:00", "2024-01-01"),
        ("2024-07-03T06:00", None),
    ],
)
def test_the_deadline_of_monthly_arrivals_asks_for_the_month_before(tmp_path: Path, now: str, asked: str | None) -> None:
    product = Calendars(tmp_path).readings(
        "meters", arrival="month", arrival_start="2024-01-15", arrival_end="2024-05-20", levels=MONTHLY, zone="Pacific/Apia"
    )
    key = dg.AssetKey(["bronze", "meters"])
    (schedule,) = deadline_schedules(load_contracts(product.contracts), {"a_job": [key]})
    assert schedule.execution_timezone == "Pacific/Apia"
    with dg.build_schedule_context(
        scheduled_execution_time=datetime.fromisoformat(now).replace(tzinfo=ZoneInfo("Pacific/Apia"))
    ) as context:
        found = schedule(context)
    assert (found.partition_key if isinstance(found, dg.RunRequest) else None) == asked
    assert isinstance(found, dg.RunRequest) or "2024-06-01 is in no arrival partition" in str(found.skip_message)  # type: ignore[union-attr]


@pytest.mark.slow
def test_datasets_of_every_calendar_live_in_one_product_and_models_have_the_calendars_of_their_inputs(tmp_path: Path) -> None:
    product = Calendars(tmp_path).reference("places")
    product.readings("india", zone="Asia/Kolkata", start="2024-01-10", end="2024-03-20")
    product.readings("world", grain="month", arrival="month", start="2024-01-15", end="2024-03-10")
    product.readings("other", start="2023-12-01", end="2024-02-01", arrival_start="2023-12-01")
    product.model("india_monthly", ["india"]).model("world_monthly", ["world"]).model("both", ["india", "world"])
    product.model("india_moments", ["india"], kind="timestamp").model("moments_again", ["gold/india_moments"], kind="timestamp")
    product.land("places", "2024-01-01", ["Pune"])
    # 19:00 in UTC on the last of January is the first of February in India
    product.land("india", "2024-02-01", [("2024-01-31T19:00:00Z", 1), ("2024-01-31T18:00:00Z", 2), ("2024-01-10T00:00:00Z", 4)])
    product.land("india", "2024-03-20", [("2024-03-19T18:00:00Z", 8)])
    product.land("world", "2024-01-31", [("2024-01-31T19:00:00Z", 16)])
    product.land("world", "2024-03-09", [("2024-03-09T23:00:00Z", 32)])
    product.land("other", "2023-12-31", [("2023-12-31T23:00:00Z", 64)])
    done, world = product.backfill(), product.world

    assert set(done.values()) == {None}, done
    found = {name: (one.start.date().isoformat(), one.timezone) for name, one in definitions_of(world).items()}
    assert found["gold/india_monthly"] == ("2024-01-01", "Asia/Kolkata")
    assert found["gold/world_monthly"] == ("2024-01-01", "UTC")
    assert found["gold/india_moments"] == ("2024-01-01", "UTC")
    assert found["gold/both"] == ("2024-01-01", "UTC"), "it is over in UTC after it is over in India"
    assert definitions_of(world)["gold/india_monthly"].get_partition_keys() == ["2024-01-01", "2024-02-01", "2024-03-01"]
    assert totals(world, "gold/india_monthly") == {"2024-01-01": 6, "2024-02-01": 1, "2024-03-01": 8}
    assert totals(world, "gold/india_moments") == {"2024-01-01": 7, "2024-03-01": 8}
    assert totals(world, "gold/moments_again") == totals(world, "gold/india_moments")
    assert totals(world, "gold/world_monthly") == {"2024-01-01": 16, "2024-03-01": 32}
    assert totals(world, "gold/both") == {"2024-01-01": 22, "2024-02-01": 1, "2024-03-01": 40}
    assert product.backfill() == {}, "the second time there is nothing to do"


def test_a_new_dataset_beside_the_flights_loads_and_renames_no_job(empty_world: World) -> None:
    before = {job.name for job in empty_world.definitions.resolve_all_job_defs()}
    contracts = empty_world.own_contracts()
    Calendars(contracts.parent).readings("tickets").readings("a_first", zone="Pacific/Apia", grain="month")
    assembly = assemble(empty_world.settings, contracts)
    assert assembly.left_out == ()
    dg.Definitions.validate_loadable(assembly.definitions)
    added = {job.name for job in assembly.definitions.resolve_all_job_defs()} - before
    assert added == {
        "daily_bronze_from_20240101_UTC", "daily_silver_from_20240101_UTC", "daily_bronze_from_20240101_Pacific_Apia",
        "monthly_silver_from_20240101_Pacific_Apia",
    }  # fmt: skip
    specs = {one.key.to_user_string(): one.partitions_def for one in assembly.definitions.resolve_all_asset_specs()}
    assert specs["gold/route_delays_daily"] == specs["gold/carrier_ranking_7d"]
    assert "America/New_York" in str(specs["gold/route_delays_daily"])
