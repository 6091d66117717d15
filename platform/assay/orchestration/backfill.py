"""Backfills from the command line: single-run range backfills, executed in this process, recorded in the instance that the UI shows.

A Dagster run has one range of keys, so assets whose partitions differ (arrival days, event days, months) get a run each, one stage after
the other, all under one backfill tag. Each run covers a range of what is outdated; partitions of it that are up to date are left alone.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.gold import dbt_process
from assay.gold.models import LAYER
from assay.orchestration.due import contiguous
from assay.orchestration.lake_assets import FORCE_TAG
from assay.orchestration.lifeline import BACKFILL_TAG, end_abandoned_runs, lifeline
from assay.orchestration.listing import label, list_run
from assay.orchestration.mended import Mending

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import date

    import dagster as dg

    from assay.orchestration.due import Due
    from assay.orchestration.plan import Planner, Stage

    Span = tuple[str, str]

# every event is in the instance; here the caller says one line per run
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dataclass(frozen=True, slots=True)
class Request:
    """One run: assets that share their partitions, and the range of keys; no range for assets without partitions."""

    keys: tuple[dg.AssetKey, ...]
    first: str | None
    last: str | None
    partitions: int

    @property
    def title(self) -> str:
        """What a person reads while it works."""
        names = ", ".join(key.to_user_string() for key in self.keys)
        span = "" if self.first is None else f" {self.first}" if self.first == self.last else f" {self.first} to {self.last}"
        return f"{names}{span}"


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished run: how long it took and, if it failed, why."""

    request: Request
    run_id: str
    seconds: float
    failure: str | None


def requests(due: Sequence[Due]) -> Iterator[Request]:
    """Pack outdated assets of one stage into as few runs as Dagster allows: those with equal partitions and equal ranges share a run."""
    grouped: dict[tuple[dg.PartitionsDefinition | None, Span | None], list[Due]] = {}
    for one in due:
        if not one.partitions:
            continue
        spans: list[Span | None] = [None] if one.definition is None else [*contiguous(one)]
        for span in spans:
            grouped.setdefault((one.definition, span), []).append(one)
    for (_, span), members in grouped.items():
        first, last = span or (None, None)
        yield Request(tuple(one.key for one in members), first, last, sum(len(one.partitions) for one in members))


@dataclass(frozen=True)
class Backfill:
    """A backfill of a code location's assets over days [first, last], or over everything; the UI lists its runs under `location`."""

    job: dg.JobDefinition
    planner: Planner
    instance: dg.DagsterInstance
    first: date | None = None
    last: date | None = None
    only: Collection[dg.AssetKey] | None = None
    location: str = ""

    def execute(self, announce: Callable[[Request], None]) -> Iterator[Ran]:
        """Plan and run one stage after the other; a stage sees what the one before has published, and waits for what it could not.

        First the runs of backfills whose process was killed are ended, because they hold pools that nobody else would free.
        """
        backfill = uuid.uuid4().hex[:8]
        lifelines = self.planner.project.scratch / "backfills"
        end_abandoned_runs(lifelines, self.instance)
        try:
            with lifeline(lifelines, backfill):
                for stage in self.planner.stages:
                    mending = Mending(self.instance)
                    for request in self._requests(stage, mending):
                        self._get_ready()
                        announce(request)
                        yield self._run(request, backfill, mending.tags)
        finally:
            dbt_process.stop()

    def _get_ready(self) -> None:
        """Let dbt start while the stages before gold run."""
        project = self.planner.project
        if self.only is None or any(key.path[0] == LAYER for key in self.only):
            dbt_process.start(project.folder, project.manifest)

    def _requests(self, stage: Stage, mending: Mending) -> list[Request]:
        keys = [key for key in stage.keys if self.only is None or key in self.only]
        return list(requests(mending.with_mended(self.planner.due(keys, self.first, self.last))))

    def _run(self, request: Request, backfill: str, marks: Mapping[str, str]) -> Ran:
        tags = {BACKFILL_TAG: backfill, **marks, **label(self.location)} | ({FORCE_TAG: "true"} if self.planner.run.force else {})
        if request.first is not None and request.last is not None:
            tags |= {RANGE_START: request.first, RANGE_END: request.last}
        began = time.monotonic()
        result = self.job.execute_in_process(
            run_config=QUIET, instance=self.instance, asset_selection=list(request.keys), tags=tags, raise_on_error=False
        )
        list_run(self.instance, result.dagster_run)
        return Ran(request, result.run_id, time.monotonic() - began, None if result.success else _why(result))


def _why(result: dg.ExecuteInProcessResult) -> str:
    """The first failed step's own words."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return str(data.user_failure_data.description)
            return data.error_display_string.strip().splitlines()[0] if data.error else "the step failed"
    return "the run failed before a step began"
