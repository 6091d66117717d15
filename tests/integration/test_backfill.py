"""Backfills through Dagster: what is built, what is left alone, what fails by name."""

from __future__ import annotations

import gzip
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
import pytest
from small_world import FIRST, LAST, World, edit

from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from pathlib import Path

SILVER = dg.AssetKey(["silver", "flights"])
BRONZE = dg.AssetKey(["bronze", "flights"])
DAYS = ["2013-01-01", "2013-01-02", "2013-01-03"]


def checks(world: World, key: dg.AssetKey) -> dict[str | None, dg.AssetCheckEvaluation]:
    """The newest evaluation of an asset's contract check, by partition."""
    records = world.instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(key, "contract"), limit=50)
    found: dict[str | None, dg.AssetCheckEvaluation] = {}
    for record in records:
        if record.event.dagster_event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:  # type: ignore[union-attr]
            continue
        evaluation = record.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        found.setdefault(evaluation.partition, evaluation)
    return found


def test_three_days_flow_from_files_to_gold(built_world: World) -> None:
    flights = built_world.rows("silver/flights")
    assert flights["flight_date"].unique().sort().to_list() == [date(2013, 1, 1), date(2013, 1, 2), date(2013, 1, 3)]
    per_carrier = built_world.rows("gold/carrier_punctuality_daily")
    assert per_carrier["flights"].sum() == flights.height
    assert built_world.rows("gold/departures_weather").height == flights.height


def test_every_landed_flight_is_published_or_quarantined(built_world: World) -> None:
    bronze = built_world.rows("bronze/flights").filter(pl.col("_event_date") <= LAST)
    assert bronze.height == built_world.rows("silver/flights").height + built_world.rows("quarantine/flights").height


def test_a_second_backfill_finds_nothing_to_do_and_commits_nothing(world: World) -> None:
    before = world.versions()
    assert world.backfill() == []
    assert world.versions() == before


def test_a_forced_backfill_leaves_the_same_rows_in_new_versions(world: World) -> None:
    before, rows = world.versions(), {name: world.rows(name) for name in world.versions() if not name.startswith("quarantine")}
    assert all(ran.failure is None for ran in world.backfill(force=True))
    assert all(version > before[name] for name, version in world.versions().items())
    for name, frame in rows.items():
        assert world.rows(name).equals(frame), name


def test_materializations_carry_their_partition_and_row_count(built_world: World) -> None:
    records = built_world.instance.fetch_materializations(SILVER, limit=10).records
    counts = {record.partition_key: record.asset_materialization.metadata["dagster/partition_row_count"].value for record in records}  # type: ignore[union-attr]
    flights = built_world.rows("silver/flights")
    assert counts == {day: flights.filter(pl.col("flight_date").cast(pl.String) == day).height for day in DAYS}


def test_a_check_for_each_partition_names_the_broken_rules(built_world: World) -> None:
    found = checks(built_world, SILVER)
    assert sorted(str(key) for key in found) == DAYS
    table = found["2013-01-01"].metadata["broken_rules"].records  # type: ignore[union-attr]
    assert {(record.data["rule"], record.data["severity"]) for record in table} == {("dest_known", "error"), ("tailnum_known", "warning")}


def test_where_no_rule_is_broken_they_are_only_counted(built_world: World) -> None:
    (found,) = checks(built_world, dg.AssetKey(["silver", "airlines"])).values()
    said = {name: value.value for name, value in found.metadata.items()}
    assert "broken_rules" not in said
    assert said["rules"] > 0


def ruin(file: Path) -> None:
    """A line with too many columns in the middle."""
    lines = file.read_text().splitlines()
    lines[10] += ",surplus"
    file.write_text("\n".join(lines) + "\n")


def test_a_range_publishes_its_good_arrivals_and_fails_the_unreadable_one_by_name(empty_world: World) -> None:
    empty_world.drop()
    ruin(empty_world.settings.landing / "flights/flights_2013-01-02.csv")
    result = empty_world.materialize("bronze/flights", keys=("2013-01-01", "2013-01-03"))
    assert not result.success
    assert empty_world.instance.get_materialized_partitions(BRONZE) == {"2013-01-01", "2013-01-03"}
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data.user_failure_data
    assert failure is not None
    assert "flights_2013-01-02.csv" in str(failure.description)
    assert "11" in str(failure.description), "the line is named"
    arrivals = empty_world.rows("bronze/flights")["_arrival_date"].cast(pl.String).unique().sort().to_list()
    assert arrivals == ["2013-01-01", "2013-01-03"]


def test_a_range_publishes_its_good_days_and_fails_the_one_that_breaks_its_contract(world: World) -> None:
    """Half of the rows of one day have no carrier: more than the contract lets into quarantine."""
    file = world.settings.landing / "flights/flights_2013-01-02.csv"
    header, *lines = file.read_text().splitlines()
    ruined = [",".join([*fields[:9], "", *fields[10:]]) for fields in (line.split(",") for line in lines)]
    file.write_text("\n".join([header, *ruined]) + "\n")
    before = world.rows("silver/flights").filter(pl.col("flight_date") == date(2013, 1, 2))
    assert world.materialize("bronze/flights", key="2013-01-02").success
    result = world.materialize("silver/flights", keys=("2013-01-01", "2013-01-03"))
    assert not result.success
    assert world.instance.get_materialized_partitions(SILVER) == {"2013-01-01", "2013-01-03"}
    found = checks(world, SILVER)
    assert not found["2013-01-02"].passed
    said = found["2013-01-02"].metadata
    assert "published" not in said, "nothing was"
    assert 0 < said["would_be_published"].value < said["landed"].value  # type: ignore[operator]  # numbers
    assert "rejectedShare" in str(found["2013-01-02"].description)
    assert world.rows("silver/flights").filter(pl.col("flight_date") == date(2013, 1, 2)).equals(before), "the last good version stays"


def test_nothing_is_built_from_a_file_that_was_refused(world: World) -> None:
    ruin(world.settings.landing / "flights/flights_2013-01-02.csv")
    versions = world.versions()
    ran = world.backfill()
    assert [one.failure is None for one in ran] == [False]
    assert "flights_2013-01-02.csv" in str(ran[0].failure)
    assert world.versions() == versions


def test_a_day_whose_own_file_was_refused_waits_and_the_others_go_on_to_gold(empty_world: World) -> None:
    empty_world.drop()
    ruin(empty_world.settings.landing / "flights/flights_2013-01-02.csv")
    ran = empty_world.backfill()
    assert [one.request.keys[0].path[0] for one in ran if one.failure] == ["bronze"]
    assert next(one.said for one in ran if one.failure).startswith("3 published, 1 refused in "), "what was published is counted, too"
    days = empty_world.rows("silver/flights")["flight_date"].cast(pl.String).unique().sort().to_list()
    assert days == ["2013-01-01", "2013-01-03"], "the second day would have only the rows that came with the third day's file"
    assert empty_world.rows("gold/carrier_punctuality_daily")["flight_date"].n_unique() == 2


def test_held_flights_are_published_once_their_airport_arrives(world: World) -> None:
    held = world.rows("quarantine/flights").height
    published = world.rows("silver/flights").height
    assert held
    old = world.settings.landing / "airports/airports_2013-01-01.csv"
    lines = old.read_text().splitlines()
    added = [f"{code},{code} airport,18.4,-66.0,10,-4,N,America/Puerto_Rico" for code in ("SJU", "BQN", "STT", "PSE")]
    (old.parent / "airports_2013-02-01.csv").write_text("\n".join([*lines, *added]) + "\n")
    assert all(ran.failure is None for ran in world.backfill())
    assert world.rows("silver/flights").height == published + held
    assert world.rows("gold/departures_weather").height == published + held


def test_a_late_file_reopens_only_the_days_that_it_touches(world: World) -> None:
    """A flight of the first day lands on the third: the second day is not built again."""
    first = world.settings.landing / "flights/flights_2013-01-01.csv"
    late = first.read_text().splitlines()[1].split(",")
    late[10] = "9998"
    third = world.settings.landing / "flights/flights_2013-01-03.csv"
    third.write_text(third.read_text() + ",".join(late) + "\n")
    assert world.materialize("bronze/flights", key="2013-01-03").success
    assert world.planner().due([SILVER], FIRST, LAST)[0].partitions == ["2013-01-01"], "the file's other rows are as they were"
    assert all(ran.failure is None for ran in world.backfill())
    found = world.rows("silver/flights").filter((pl.col("flight") == 9998) & (pl.col("flight_date") == FIRST))
    assert found.height == 1


def test_compressed_files_are_read_as_well(empty_world: World) -> None:
    empty_world.drop()
    plain = empty_world.settings.landing / "flights/flights_2013-01-01.csv"
    with gzip.open(f"{plain}.gz", "wb") as packed:
        packed.write(plain.read_bytes())
    rows = len(plain.read_text().splitlines()) - 1
    plain.unlink()
    assert empty_world.materialize("bronze/flights", key="2013-01-01").success
    assert empty_world.rows("bronze/flights").height == rows


def test_a_failing_dbt_test_leaves_the_lake_as_it_was(world: World) -> None:
    project = world.own_dbt_project()
    model = project / "models/gold/carrier_punctuality_daily.sql"
    edit(model, "final as (", "broken as (select 1),\n\nfinal as (")
    (project / "tests").mkdir(exist_ok=True)
    (project / "tests" / "always_fails.sql").write_text("select * from {{ ref('carrier_punctuality_daily') }} limit 1\n")
    versions = world.versions()
    ran = world.backfill()
    assert [one.failure is None for one in ran] == [False]
    assert "always_fails" in str(ran[0].failure)
    assert world.versions() == versions


def test_a_changed_model_reopens_its_months_and_nothing_else(world: World) -> None:
    project = world.own_dbt_project()
    edit(project / "models/gold/route_delays_daily.sql", "final as (", "untouched as (select 1),\n\nfinal as (")
    ran = world.backfill()
    assert [key.to_user_string() for one in ran for key in one.request.keys] == ["gold/route_delays_daily"]


def test_a_changed_rule_reopens_silver_and_gold_but_not_bronze(world: World) -> None:
    edit(
        world.own_contracts() / "flights.odcs.yaml", "logicalTypeOptions: {minimum: 1, maximum: 12000}", "logicalTypeOptions: {minimum: 90}"
    )
    ran = world.backfill()
    assert all(one.failure is None for one in ran)
    layers = {key.path[0] for one in ran for key in one.request.keys}
    assert layers == {"silver", "gold"}
    assert world.rows("silver/flights")["distance_miles"].min() >= 90  # type: ignore[operator]


def test_a_changed_description_reopens_nothing(world: World) -> None:
    edit(world.own_contracts() / "flights.odcs.yaml", "description: Flight number.\n", "description: The number of the flight.\n")
    assert world.backfill() == []


def test_a_partition_without_files_fails_with_the_path_that_is_missing(world: World) -> None:
    result = world.materialize("bronze/flights", key="2013-05-05")
    failure = next(event for event in result.all_events if event.is_step_failure).step_failure_data.user_failure_data
    assert failure is not None
    assert "No file has landed for 2013-05-05" in str(failure.description)


def test_rows_that_are_gone_from_bronze_do_not_outlive_their_rebuild(world: World) -> None:
    """All observations of the month are withdrawn: its partition is due again, and its contract, which wants rows, says so by name."""
    for file in (world.settings.landing / "weather").iterdir():
        file.write_text(file.read_text().replace('"2013-01-', '"2013-02-'))
    ran = world.backfill(only={dg.AssetKey(["bronze", "weather"]), dg.AssetKey(["silver", "weather"])})
    refused = next(one for one in ran if one.failure)
    assert "rows_per_month" in str(refused.failure)


def test_datasets_that_refer_to_each_other_in_a_circle_are_refused(world: World) -> None:
    folder = world.own_contracts()
    reference = "        relationships:\n          - to: flights.carrier\n        description: Two-letter carrier code.\n"
    edit(folder / "airlines.odcs.yaml", "        description: Two-letter carrier code.\n        logical", reference + "        logical")
    with pytest.raises(ContractInvalid, match="circle"):
        _ = world.planner().stages
