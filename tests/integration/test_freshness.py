"""Freshness acts: told by the data and not by when something ran, reported by a sensor without a run, and after each run of the asset."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from small_world import edit

from assay.contracts.reading.odcs import load_contracts
from assay.orchestration.freshness import freshness_sensor
from assay.refine.freshness import freshness

if TYPE_CHECKING:
    from collections.abc import Mapping

    from small_world import World

    from assay.contracts.model.contract import Contract

FREQUENCY = '  - {property: frequency, value: 1, unit: d, scheduler: dagster, schedule: "0 6 * * *"}\n'
DAYS = FREQUENCY + "  - {property: latency, value: 2, unit: d}\n"
BY_COLUMN = "slaProperties:\n  - {property: latency, value: 36, unit: h, element: weather.observed_at_utc}\n"
END_OF_THE_LAST_DAY = datetime(2013, 1, 4, 5, tzinfo=UTC)  # midnight in New York
KEY = dg.AssetCheckKey(dg.AssetKey(["silver", "flights"]), "freshness")


@pytest.fixture
def promising(world: World) -> World:
    """The built world, in which flights and weather promise how old their newest data may be."""
    folder = world.own_contracts()
    edit(folder / "flights.odcs.yaml", FREQUENCY, DAYS)
    weather = folder / "weather.odcs.yaml"
    text = weather.read_text()
    weather.write_text(text.partition("slaProperties:")[0] + BY_COLUMN)
    return world


def contracts_of(world: World) -> Mapping[str, Contract]:
    return load_contracts(world.contracts_folder)


def tick(world: World, now: datetime, cursor: str | None = None) -> tuple[list[dg.AssetCheckEvaluation], str | None]:
    """A tick of the sensor at some time; what it reports is stored as the daemon stores it."""
    sensor = freshness_sensor(world.settings.lake, contracts_of(world).values(), lambda: now)
    result = sensor(dg.build_sensor_context(instance=world.instance, cursor=cursor))
    if isinstance(result, dg.SkipReason):
        return [], cursor
    assert isinstance(result, dg.SensorResult)
    assert not result.run_requests
    events = [event for event in result.asset_events if isinstance(event, dg.AssetCheckEvaluation)]
    for event in events:
        world.instance.report_runless_asset_event(event)
    return events, result.cursor


def shown(world: World) -> bool | None:
    """Whether the UI shows the newest evaluation of flights as passed; None if there is none."""
    record = world.instance.event_log_storage.get_latest_asset_check_execution_by_key([KEY]).get(KEY)
    if record is None or record.event is None or record.event.dagster_event is None:
        return None
    return record.event.dagster_event.asset_check_evaluation_data.passed


def test_the_newest_day_is_fresh_until_its_end_and_the_latency_have_passed(promising: World) -> None:
    found = freshness(promising.settings.lake, contracts_of(promising)["flights"])
    assert found is not None
    assert found.deadline == END_OF_THE_LAST_DAY + timedelta(days=2)
    assert found.complaint(found.deadline) is None
    assert "due by 2013-01-06 05:00 UTC" in str(found.complaint(found.deadline + timedelta(seconds=1)))


def test_a_column_tells_by_the_newest_value_of_any_file(promising: World) -> None:
    found = freshness(promising.settings.lake, contracts_of(promising)["weather"])
    newest = promising.rows("silver/weather")["observed_at_utc"].max()
    assert found is not None
    assert found.began == found.until == newest
    assert found.deadline - found.until == timedelta(hours=36)


def test_a_table_without_events_is_as_old_as_its_last_publication(promising: World) -> None:
    airlines = replace(contracts_of(promising)["airlines"], freshness=timedelta(days=30))
    found = freshness(promising.settings.lake, airlines)
    assert found is not None
    assert timedelta(0) < datetime.now(UTC) - found.until < timedelta(hours=1)


def test_data_of_the_future_do_not_hide_how_old_the_others_are(promising: World) -> None:
    found = freshness(promising.settings.lake, contracts_of(promising)["weather"])
    assert found is not None
    assert "of the future" in str(found.complaint(found.began - timedelta(hours=2)))


def test_what_was_never_published_is_not_late(empty_world: World) -> None:
    contract = replace(contracts_of(empty_world)["flights"], freshness=timedelta(days=1))
    assert freshness(empty_world.settings.lake, contract) is None


def test_building_an_old_day_again_makes_nothing_fresh(promising: World) -> None:
    before = freshness(promising.settings.lake, contracts_of(promising)["flights"])
    promising.backfill(date(2013, 1, 1), date(2013, 1, 1), force=True)
    assert freshness(promising.settings.lake, contracts_of(promising)["flights"]) == before
    assert shown(promising) is False, "the check ran after the asset, by the clock on the wall"


def test_the_sensor_reports_when_a_promise_is_broken_and_kept_again_and_nothing_in_between(promising: World) -> None:
    early, late = END_OF_THE_LAST_DAY + timedelta(hours=1), END_OF_THE_LAST_DAY + timedelta(days=2, hours=1)
    events, cursor = tick(promising, early)
    assert {event.asset_key.to_user_string(): event.passed for event in events} == {"silver/flights": True, "silver/weather": True}
    assert shown(promising) is True
    assert tick(promising, early + timedelta(minutes=1), cursor) == ([], cursor)
    events, cursor = tick(promising, late, cursor)
    assert {event.asset_key.path[-1] for event in events} == {"flights", "weather"}
    assert {event.severity for event in events} == {dg.AssetCheckSeverity.WARN}
    assert shown(promising) is False
    assert tick(promising, late + timedelta(minutes=1), cursor)[0] == []

    promising.drop(date(2013, 1, 4), date(2013, 1, 5))
    promising.backfill(date(2013, 1, 4), date(2013, 1, 5))
    events, _ = tick(promising, late, cursor)
    assert {event.asset_key.path[-1]: event.passed for event in events} == {"flights": True, "weather": True}
    assert shown(promising) is True


def test_only_a_contract_that_promises_freshness_has_the_check_and_the_sensor(promising: World, built_world: World) -> None:
    graph = promising.definitions.resolve_asset_graph()
    checked = {key.asset_key.to_user_string() for key in graph.asset_check_keys if key.name == "freshness"}
    assert checked == {"silver/flights", "silver/weather"}
    assert {sensor.name for sensor in promising.definitions.sensors or []} == {"alerts", "arrivals", "freshness"}
    assert {sensor.name for sensor in built_world.definitions.sensors or []} == {"alerts", "arrivals"}
