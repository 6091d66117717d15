"""Spent runs: those that ended long ago and that nothing rests on which Dagster still shows or asks. Their events are in `spent_events`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import dagster as dg
import sqlalchemy as sa

from assay.orchestration.partition_status import UNFINISHED
from assay.orchestration.run_requests import REQUEST_TAG
from assay.orchestration.spent_events import RUNS_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from assay.orchestration.spent_events import Resting

PAGE = 1000
_RUNS, _TAGS = (sa.table(name, sa.column("run_id")) for name in ("runs", "run_tags"))
SENSOR, SCHEDULE, RUN_KEY, BACKFILL = "dagster/sensor_name", "dagster/schedule_name", "dagster/run_key", "dagster/backfill"
OVER = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}  # how a backfill ends


@dataclass(frozen=True)
class SpentRuns:
    """A look at the runs of an instance that ended before a moment; `resting` is what its event log still shows of some."""

    instance: dg.DagsterInstance
    before: datetime
    resting: Resting

    def found(self) -> list[str]:
        """The ids of those that are spent. Not the newest of each job, schedule and sensor, nor one that a run which stays tries again."""
        spent, shown, tried_again = list[str](), set[tuple[str, str]](), set[str]()
        begun = {one.backfill_id for one in self.instance.get_backfills() if one.status.value not in OVER}
        for record in self._records():
            run = record.dagster_run
            names = {(kind, name) for kind, name in _asked_by(run) if name}
            stays = not names <= shown or self._is_needed(record, begun)
            shown |= names
            if stays:
                tried_again |= {one for one in (run.root_run_id, run.parent_run_id) if one}
            else:
                spent.append(run.run_id)
        return [run_id for run_id in spent if run_id not in tried_again]

    def _is_needed(self, record: dg.RunRecord, begun: Collection[str]) -> bool:
        run = record.dagster_run
        if run.status in UNFINISHED or record.update_timestamp.replace(tzinfo=UTC) >= self.before:
            return True
        if run.tags.get(BACKFILL) in begun or run.run_id in self.resting.newest:
            return True
        if run.status is dg.DagsterRunStatus.FAILURE and run.run_id in self.resting.attempts:
            return True
        # a sensor that asks by key asks again for what has no run: those of Assay never give a key twice, those of others may
        return RUN_KEY in run.tags and SENSOR in run.tags and REQUEST_TAG not in run.tags

    def _records(self) -> Iterator[dg.RunRecord]:
        """All runs, the newest first."""
        cursor = None
        while page := self.instance.get_run_records(limit=PAGE, cursor=cursor):
            yield from page
            cursor = page[-1].dagster_run.run_id


def forget(storage: Any, runs: Sequence[str]) -> None:  # noqa: ANN401  # its base class does not declare how each storage connects
    """Delete runs, hundreds in a transaction: Dagster's own deletes one in each, which takes a thousand of them half a minute on a disk."""
    for first in range(0, len(runs), RUNS_AT_ONCE):
        some = runs[first : first + RUNS_AT_ONCE]
        with storage.connect() as connection:
            connection.execute(_TAGS.delete().where(_TAGS.c.run_id.in_(some)))
            connection.execute(_RUNS.delete().where(_RUNS.c.run_id.in_(some)))


def unfinished(instance: dg.DagsterInstance, but: str | None) -> int:
    """How many runs are at work, or wait for it; without one that asks."""
    return sum(run.run_id != but for run in instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED))))


def _asked_by(run: dg.DagsterRun) -> Iterator[tuple[str, str]]:
    yield "job", run.job_name
    for tag in (SCHEDULE, SENSOR):
        yield tag, run.tags.get(tag, "")
