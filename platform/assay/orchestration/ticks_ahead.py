"""Ticks that lie ahead, of a clock that was ahead: Dagster waits in silence for their time, and so does the sensor that would tell of it.

A sensor is looked at again when its newest tick is as old as its interval, and a schedule begins after its newest tick and its newest look.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    import dagster as dg

STAMP = "_timestamp"  # so end the names of moments, in seconds since 1970, in what Dagster keeps of a sensor or a schedule


def newest_ticks(instance: dg.DagsterInstance) -> Iterator[tuple[str, datetime]]:
    """What has ticked, and when last. Of a sensor its tick is asked, too, which `release_sensors` leaves as it was."""
    for state in _states(instance):
        moments = [*_moments(state.instigator_data).values()]
        if _is_sensor(state):
            moments += [tick.timestamp for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)]
        if moments:
            yield f"the {state.instigator_type.value.lower()} {state.instigator_name} ticked", datetime.fromtimestamp(max(moments), UTC)


def release_sensors(instance: dg.DagsterInstance, now: datetime, tolerance: timedelta) -> list[str]:
    """Let the sensors tick that wait for a time later than that by more than a tolerance; returns their names. That they had ticked then
    stays known.
    """
    late = (now + tolerance).timestamp()
    found = [one for one in _states(instance) if _is_sensor(one) and max(_moments(one.instigator_data).values(), default=0) > late]
    return [state.instigator_name for state in found if _date_back(instance, state, now)]


def forget(instance: dg.DagsterInstance, now: datetime) -> None:
    """Say of all that has ticked later than `now` that it was now. A daemon that runs remembers of schedules what it knew."""
    for state in _states(instance):
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, after=now.timestamp()):
            instance.update_tick(tick._replace(tick_data=tick.tick_data._replace(timestamp=now.timestamp())))
        _date_back(instance, state, now)


def _date_back(instance: dg.DagsterInstance, state: Any, now: datetime) -> bool:  # noqa: ANN401  # Dagster exports no type of it
    """Date back what is later than `now`; whether anything was. Read again just before: a daemon writes it down after each tick."""
    fresh: Any = instance.get_instigator_state(state.instigator_origin_id, state.selector_id)
    later = {name: now.timestamp() for name, at in _moments(fresh.instigator_data).items() if at > now.timestamp()} if fresh else {}
    if later:
        instance.update_instigator_state(fresh.with_data(fresh.instigator_data._replace(**later)))
    return bool(later)


def _states(instance: dg.DagsterInstance) -> list[Any]:
    storage = instance.schedule_storage  # an instance in memory has none
    return [state for state in storage.all_instigator_state() if state.instigator_data] if storage else []


def _is_sensor(state: Any) -> bool:  # noqa: ANN401
    return bool(state.instigator_type.value == "SENSOR")


def _moments(data: Any) -> dict[str, float]:  # noqa: ANN401
    return {name: at for name in data._fields if name.endswith(STAMP) and (at := getattr(data, name))}
