"""Contracts of gold on a real lake: judged by real dbt before anything is published, shown in Dagster, and named in what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from small_world import World, edit

from assay.lake.snapshots import open_snapshot
from assay.orchestration.build import assemble

if TYPE_CHECKING:
    from pathlib import Path

PUNCTUALITY = "carrier_punctuality_daily"


@pytest.fixture
def own(world: World) -> World:
    """A world whose contracts and models a test may change."""
    world.own_contracts()
    world.own_dbt_project()
    return world


def contract_of(world: World, model: str) -> Path:
    return world.contracts_folder / "gold" / f"{model}.odcs.yaml"


def evaluation(world: World, model: str) -> dg.AssetCheckEvaluation:
    key = dg.AssetCheckKey(dg.AssetKey(["gold", model]), "contract")
    for record in world.instance.event_log_storage.get_asset_check_execution_history(key, limit=5):
        event = record.event
        if event is not None and event.dagster_event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            assert event.dagster_event is not None
            return event.dagster_event.asset_check_evaluation_data
    raise AssertionError(f"{model} was not judged")


def broken(found: dg.AssetCheckEvaluation) -> dict[str, Any]:
    table: Any = found.metadata["broken_rules"].records
    return {record.data["rule"]: record.data for record in table}


# a rule of every kind, changed so that real flights break it
BREAKING = {
    "on_time_share_maximum": ("logicalTypeOptions: {minimum: 0, maximum: 1}", "logicalTypeOptions: {minimum: 0, maximum: 0.5}"),
    "carrier_enum": ("        relationships:\n", "        enum: [{value: AA}, {value: it's}]\n        relationships:\n"),
    "carrier_pattern": ("        enum:", "        logicalTypeOptions: {pattern: '^[A-Z]{2}$'}\n        enum:"),
    "flights_add_up": ("implementation: flights = departed + cancelled", "implementation: flights < departed"),
    "carrier_is_known": ("to: airlines.carrier", "to: planes.tailnum"),
    "few_are_cancelled": ("mustBeLessThan: 50\n        severity: warning", "mustBeGreaterThan: 50"),
}
ADDED = """\
    quality:
      - {name: days_differ, metric: duplicateValues, arguments: {properties: [flight_date]}, unit: percent, mustBeLessThan: 1, description: A.}
      - {name: has_many_rows, metric: rowCount, mustBeGreaterThan: 100000, description: A month has many rows.}
"""


@pytest.mark.slow
def test_broken_rules_are_named_with_their_rows_and_leave_the_lake_as_it_was(own: World) -> None:
    for old, new in (*BREAKING.values(), ("    quality:\n", ADDED)):
        edit(contract_of(own, PUNCTUALITY), old, new)
    own.compile()
    before = own.versions()
    ran = own.backfill()
    assert [one.failure is None for one in ran] == [False]
    assert own.versions() == before
    found = broken(evaluation(own, PUNCTUALITY))
    assert set(found) == {*BREAKING, "days_differ", "has_many_rows"}
    assert {row["severity"] for row in found.values()} == {"error"}
    assert all(row["rows"] > 0 and row["promise"] for row in found.values())
    rows = own.rows(f"gold/{PUNCTUALITY}")
    assert found["carrier_enum"]["rows"] == rows.filter(rows["carrier"] != "AA").height
    assert found["on_time_share_maximum"]["rows"] == rows.filter(rows["on_time_share"] > 0.5).height


@pytest.mark.slow
def test_a_broken_warning_is_counted_and_published_with_the_contracts_version(own: World) -> None:
    edit(contract_of(own, PUNCTUALITY), "mustBeLessThan: 50\n", "mustBeGreaterThan: 50\n")
    edit(contract_of(own, PUNCTUALITY), "version: 2.0.0", "version: 2.7.0")
    own.compile()
    assert [one.failure for one in own.backfill()] == [None]
    judged = evaluation(own, PUNCTUALITY)
    assert judged.passed
    assert {name: (row["severity"], row["rows"]) for name, row in broken(judged).items()} == {"few_are_cancelled": ("warning", 1)}
    commit = open_snapshot(own.settings.lake, f"gold/{PUNCTUALITY}").table.history(limit=1)[0]
    assert commit["assay.contract_version"] == "2.7.0"


@pytest.mark.slow
def test_a_changed_rule_reopens_the_model_and_what_reads_it_and_changed_words_nothing(own: World) -> None:
    edit(contract_of(own, PUNCTUALITY), "Number of flights that never left.", "How many flights never left.")
    own.compile()
    assert own.backfill() == []
    edit(contract_of(own, PUNCTUALITY), "departed_on_time between 0 and departed", "departed_on_time >= 0 and departed_on_time <= departed")
    own.compile()
    due = [key.to_user_string() for one in own.backfill() for key in one.request.keys]
    assert due == [f"gold/{PUNCTUALITY}", "gold/carrier_ranking_7d"]


def test_dagster_shows_what_the_contract_says(built_world: World) -> None:
    spec = next(one for one in built_world.definitions.resolve_all_asset_specs() if one.key.path == ["gold", PUNCTUALITY])
    columns = {column.name: column for column in spec.metadata["dagster/column_schema"].columns}
    assert list(spec.owners) == ["flight-data@example.org"]
    assert (spec.tags["domain"], spec.metadata["contract_version"]) == ("operations", "2.0.0")
    assert columns["p95_dep_delay_minutes"].description.endswith("Unit: min.")
    assert (columns["flights"].type, columns["flights"].constraints.nullable) == ("BIGINT", False)
    assert {dict(column.tags)["classification"] for column in columns.values()} == {"public"}
    assert str(spec.metadata["contract"].path).endswith(f"contracts/gold/{PUNCTUALITY}.odcs.yaml")
    check = built_world.definitions.resolve_asset_graph().get_check_spec(dg.AssetCheckKey(spec.key, "contract"))
    assert check.description == f"The 26 rules of gold/{PUNCTUALITY}.odcs.yaml and of dbt."


def test_a_model_that_its_contract_does_not_rule_is_left_out_by_name_with_what_reads_it_and_the_others_go_on(own: World) -> None:
    edit(contract_of(own, PUNCTUALITY), "flights = departed + cancelled", "flights >= departed")
    contract_of(own, "route_delays_daily").rename(own.home / "kept")
    assembly = assemble(own.settings, own.contracts_folder)
    left = {one.name: one.why for one in assembly.left_out}
    assert set(left) == {f"model {PUNCTUALITY}", "model carrier_ranking_7d", "model route_delays_daily"}
    assert f"{PUNCTUALITY} are not what gold/{PUNCTUALITY}.odcs.yaml says now. Run `assay contracts" in left[f"model {PUNCTUALITY}"]
    assert left["model carrier_ranking_7d"] == f"it reads gold/{PUNCTUALITY}, which is not there or left out."
    assert "The gold model route_delays_daily has no contract" in left["model route_delays_daily"]
    keys = {key.to_user_string() for key in assembly.definitions.resolve_asset_graph().materializable_asset_keys}
    assert {key for key in keys if key.startswith("gold/")} == {"gold/departures_weather"}
    assert {"silver/flights", "silver/weather", "silver/airports"} <= keys


def test_a_contract_without_a_model_is_named(own: World) -> None:
    (own.dbt_project / "models/gold/departures_weather.sql").unlink()
    left = {one.name: one.why for one in assemble(own.settings, own.contracts_folder).left_out}
    assert "rules the model departures_weather, which dbt does not have" in left["model departures_weather"]
