"""A clock that was set back, noticed before anything is planned: by the lake's newest commits and by Dagster's newest run and ticks.

Under such a clock days are not over yet whose files were published, and an older snapshot would replace a newer one. A clock that is merely
ahead cannot be noticed; it is when it is set right, and then a person says which of the two was true. What is removed for its age does not
come back then, so whoever removes asks more: a clock that has leapt is not believed for a week.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import dagster as dg

from assay.errors import TransientFailure
from assay.lake.latest_commit_time import SHOWN, TOLERANCE, ahead, disbelieve, told
from assay.orchestration.clock import wall_clock
from assay.orchestration.ticks_ahead import forget, newest_ticks, release_sensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SETTLED, LEAP = timedelta(days=7), timedelta(days=31)
LEAPT = (
    "The clock shows {}, and the newest run that is older than a week is of {}. Either nothing ran here for so long, or the clock was set"
    " ahead; then all would be old. So nothing is removed for its age until there are runs of a week, or somebody says that it is right:"
    " `assay maintain --clock-is-right`."
)

KEPT_SECONDS = 10  # less than the tolerance by far: what was recorded then is not much older than what is now

_kept: WeakKeyDictionary[dg.DagsterInstance, tuple[float, Mapping[str, datetime]]] = WeakKeyDictionary()


class ClockSetBack(TransientFailure):
    """The clock shows a time before what was recorded already."""


class ClockLeapt(ClockSetBack):
    """The clock shows a time so long after what was recorded that it may be ahead."""


def set_back(lake: Path, instance: dg.DagsterInstance) -> str | None:
    """What to say of a clock that was set back; None if it can be believed."""
    return _set_back(lake, dict(_recorded(instance)))


def require_clock(lake: Path, instance: dg.DagsterInstance) -> None:
    """Raise ClockSetBack unless the clock can be believed. Each step of a run asks, so Dagster is asked again after some seconds only."""
    at, known = _kept.get(instance, (float("-inf"), {}))
    if time.monotonic() - at > KEPT_SECONDS:
        known = dict(_recorded(instance))
        _kept[instance] = time.monotonic(), known
    if words := _set_back(lake, known):
        raise ClockSetBack(words)


def require_steady_clock(lake: Path, instance: dg.DagsterInstance) -> None:
    """For whoever removes what is old. Raise ClockSetBack unless the clock can be believed, ClockLeapt unless it has run on for a week."""
    require_clock(lake, instance)
    now = wall_clock()
    for record in instance.get_run_records(dg.RunsFilter(created_before=now - SETTLED), limit=1):
        if (at := record.create_timestamp.replace(tzinfo=UTC)) < now - SETTLED - LEAP:
            raise ClockLeapt(LEAPT.format(f"{now:{SHOWN}}", f"{at:{SHOWN}}"))


def _set_back(lake: Path, recorded: Mapping[str, datetime]) -> str | None:
    now = wall_clock()
    return told(now, ahead(lake, now, recorded))


def believe(lake: Path, instance: dg.DagsterInstance) -> None:
    """Believe the clock, and not what was recorded later than it shows. Of ticks that lie ahead it is said that they were now."""
    disbelieve(lake, ahead(lake, wall_clock(), dict(_recorded(instance))))
    forget(instance, wall_clock())


def release(instance: dg.DagsterInstance) -> list[str]:
    """Let sensors tick that wait for a time to which the clock was ahead; returns their names. They tell then that it was set back."""
    return release_sensors(instance, wall_clock(), TOLERANCE)


def _recorded(instance: dg.DagsterInstance) -> Iterator[tuple[str, datetime]]:
    for record in instance.get_run_records(limit=1):
        run = f"run {record.dagster_run.run_id[:8]} was recorded"
        yield run, max(record.create_timestamp.replace(tzinfo=UTC), record.update_timestamp.replace(tzinfo=UTC))
    yield from newest_ticks(instance)
