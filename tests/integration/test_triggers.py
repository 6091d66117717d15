"""Sensor and schedules: what arrives is started, what is due and absent fails, nothing is started twice."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

if TYPE_CHECKING:
    from small_world import World

NEW_YORK = ZoneInfo("America/New_York")


def tick(world: World, cursor: str | None) -> dg.SensorResult | dg.SkipReason:
    definitions = world.definitions
    sensor = definitions.resolve_sensor_def("arrivals")
    context = dg.build_sensor_context(instance=world.instance, cursor=cursor, definitions=definitions)
    found = sensor(context)
    assert isinstance(found, dg.SensorResult | dg.SkipReason)
    return found


def requested(result: dg.SensorResult | dg.SkipReason) -> dict[str, tuple[str | None, str | None]]:
    assert isinstance(result, dg.SensorResult)
    return {
        key.to_user_string(): (
            request.tags.get("dagster/asset_partition_range_start"),
            request.tags.get("dagster/asset_partition_range_end"),
        )
        for request in result.run_requests or []
        for key in request.asset_selection or []
    }


def execute(world: World, result: dg.SensorResult | dg.SkipReason) -> None:
    """Run what the sensor asked for, as the daemon would."""
    assert isinstance(result, dg.SensorResult)
    for request in result.run_requests or []:
        job = world.definitions.resolve_job_def(str(request.job_name))
        selection = list(request.asset_selection or [])
        job.execute_in_process(instance=world.instance, asset_selection=selection, tags=request.tags, raise_on_error=False)


def test_files_that_land_are_carried_to_gold_stage_by_stage(empty_world: World) -> None:
    empty_world.drop()
    stages, cursor = [], None
    for _ in range(6):
        result = tick(empty_world, cursor)
        if isinstance(result, dg.SensorResult) and result.run_requests:
            stages.append({key.partition("/")[0] for key in requested(result)})
            execute(empty_world, result)
        cursor = result.cursor if isinstance(result, dg.SensorResult) else cursor
    assert stages == [{"bronze"}, {"silver"}, {"silver"}, {"gold"}]
    assert empty_world.rows("gold/carrier_punctuality_daily").height
    assert isinstance(tick(empty_world, cursor), dg.SkipReason)


def test_arrivals_are_requested_as_one_range(empty_world: World) -> None:
    empty_world.drop()
    assert requested(tick(empty_world, None))["bronze/flights"] == ("2013-01-01", "2013-01-04")


def test_a_sent_again_file_with_the_same_content_starts_nothing(world: World) -> None:
    settled = tick(world, None)
    assert isinstance(settled, dg.SensorResult)
    assert not settled.run_requests
    assert isinstance(tick(world, settled.cursor), dg.SkipReason)
    file = world.settings.landing / "flights/flights_2013-01-02.csv"
    file.write_bytes(file.read_bytes())
    assert isinstance(tick(world, settled.cursor), dg.SkipReason)


def test_a_broken_file_is_asked_for_once_and_does_not_hold_up_the_others(empty_world: World) -> None:
    empty_world.drop()
    (empty_world.settings.landing / "flights/flights_2013-01-02.csv").write_text("no header\n")
    first = tick(empty_world, None)
    assert isinstance(first, dg.SensorResult)
    execute(empty_world, first)
    second = tick(empty_world, first.cursor)
    assert {key.partition("/")[0] for key in requested(second)} == {"silver"}, "the next stage goes on with what is there"


def test_run_keys_differ_exactly_when_the_work_differs(empty_world: World) -> None:
    empty_world.drop()
    keys = [{request.run_key for request in tick(empty_world, None).run_requests or []} for _ in range(2)]  # type: ignore[union-attr]
    assert keys[0] == keys[1]
    file = empty_world.settings.landing / "flights/flights_2013-01-02.csv"
    file.write_text(file.read_text().replace("AA", "DL", 1))
    changed = {request.run_key for request in tick(empty_world, None).run_requests or []}  # type: ignore[union-attr]
    assert len(keys[0] - changed) == 1


@pytest.mark.parametrize(("now", "expected"), [("2013-06-02T06:00", "2013-06-01"), ("2013-03-11T06:00", "2013-03-10")])
def test_the_deadline_asks_for_yesterday(world: World, now: str, expected: str) -> None:
    schedule = world.definitions.resolve_schedule_def("flights_deadline")
    moment = datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)
    with dg.build_schedule_context(scheduled_execution_time=moment) as context:
        request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == expected


def test_after_the_end_of_the_data_the_deadline_is_skipped_with_the_day(world: World) -> None:
    schedule = world.definitions.resolve_schedule_def("flights_deadline")
    with dg.build_schedule_context(scheduled_execution_time=datetime(2020, 5, 2, 6, tzinfo=NEW_YORK)) as context:
        skipped = schedule(context)
    assert isinstance(skipped, dg.SkipReason)
    assert "2020-05-01" in str(skipped.skip_message)
