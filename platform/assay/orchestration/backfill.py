"""Backfills from the command line: single-run range backfills, executed in this process, recorded in the instance that the UI shows.

A Dagster run has one range of keys, so assets whose partitions differ (arrival days, event days, months) get a run each, one stage after
the other, all under one backfill tag. Each run covers a range of what is outdated; partitions of it that are up to date are left alone.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from assay import stopping
from assay.gold import dbt_process
from assay.gold.models import LAYER
from assay.ingest.folders import Look, one_look
from assay.lake.workplaces import sweep
from assay.orchestration.asked import RANGE_END, RANGE_START
from assay.orchestration.due import contiguous
from assay.orchestration.lake_assets import FORCE_TAG
from assay.orchestration.listing import label, list_run
from assay.orchestration.metadata import OUTCOME
from assay.orchestration.pools import free_the_dead, settle, watching
from assay.orchestration.recoveries import Mending
from assay.orchestration.reporting import REFUSED
from assay.orchestration.run_locks import BACKFILL_TAG, RunLocks
from assay.resource_exhaustion import told
from assay.steps import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from assay.orchestration.due import Due
    from assay.orchestration.plan import Planner, Stage
    from assay.stopping import Stopped

    Span = tuple[str, str]

# every event is in the instance; here the caller says one line per run
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
NOT_STARTED = "not started"  # instead of the id of a run
CUT_SHORT = "The backfill ended before this run did. What it published stays; run the backfill again."
STOPPED = "The backfill was stopped by {}. What it published stays; run the backfill again."


@dataclass(frozen=True, slots=True)
class Request:
    """One run: assets that share their partitions, and the range of keys; no range for assets without partitions."""

    keys: tuple[dg.AssetKey, ...]
    first: str | None
    last: str | None
    partitions: int
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What a person reads while it works."""
        names = ", ".join(key.to_user_string() for key in self.keys)
        span = "" if self.first is None else f" {self.first}" if self.first == self.last else f" {self.first} to {self.last}"
        return f"{names}{span}"


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished run: how long it took, what became of its partitions, and why each of its failed steps failed, one a line."""

    request: Request
    run_id: str
    seconds: float
    failure: str | None
    outcomes: Mapping[Status, int]

    @property
    def said(self) -> str:
        """What became of the partitions, as a person reads it; those of which nothing is known were not come to."""
        if self.run_id == NOT_STARTED:
            return f"{self.request.title} could not be planned"
        rest = self.request.partitions - sum(self.outcomes.values())
        counts = [(str(status), self.outcomes.get(status, 0)) for status in Status] + [("not done", rest)]
        said = ", ".join(f"{count} {what}" for what, count in counts if count > 0)
        return f"{said or 'nothing to do'} in {self.seconds:.1f} s (run {self.run_id[:8]})"


def requests(due: Sequence[Due]) -> Iterator[Request]:
    """Pack outdated assets of one stage into as few runs as Dagster allows: those with equal partitions and equal ranges share a run.

    What a person should know of an asset is said with the first of its runs.
    """
    grouped: dict[tuple[dg.PartitionsDefinition | None, Span | None], list[Due]] = {}
    for one in due:
        if not one.partitions:
            continue
        spans: list[Span | None] = [None] if one.definition is None else [*contiguous(one)]
        for span in spans:
            grouped.setdefault((one.definition, span), []).append(one)
    told = set[str]()
    for (_, span), members in grouped.items():
        first, last = span or (None, None)
        notes = tuple(one.note for one in members if one.note and one.note not in told)
        told.update(notes)
        yield Request(tuple(one.key for one in members), first, last, sum(len(one.between(first, last)) for one in members), notes)


def _unplanned(due: Due) -> Ran:
    """What is said of work that could not be planned."""
    return Ran(Request((due.key,), None, None, 0), NOT_STARTED, 0.0, f"{due.key.to_user_string()}: {due.problem}", Counter[Status]())


@dataclass(frozen=True)
class Backfill:
    """A backfill of a code location's assets over days [first, last], or over everything; the UI lists its runs under `location`.

    `tell` is given what a person should know while a run waits.
    """

    job: dg.JobDefinition
    planner: Planner
    instance: dg.DagsterInstance
    first: date | None = None
    last: date | None = None
    only: Collection[dg.AssetKey] | None = None
    location: str = ""
    tell: Callable[[str], None] = field(default=lambda _: None)

    def execute(self, announce: Callable[[Request], None]) -> Iterator[Ran]:
        """Plan and run one stage after the other; a stage sees what the one before has published, and waits for what it could not.

        First the runs whose process is gone are ended, and the pools freed that nobody holds. Raises Stopped after a run that was
        interrupted.
        """
        backfill = uuid.uuid4().hex[:8]
        free_the_dead(self.instance)
        sweep(self.planner.project.scratch)
        try:
            with self._guarded(backfill):
                look: Look = {}  # until something was made, what landed is as it was at the first stage
                for stage in self.planner.stages:
                    mending, due = Mending(self.instance, self.planner.run.lake), self._due(stage, look)
                    yield from (_unplanned(one) for one in due if one.problem)
                    for request in requests(mending.with_mended(due)):
                        self._get_ready()
                        look.clear()
                        announce(request)
                        yield self._run(request, backfill, mending.tags)
                        stopping.check()
        finally:
            dbt_process.stop()

    @contextmanager
    def _guarded(self, backfill: str) -> Iterator[None]:
        """Inside, others can tell that this process lives. If its end cannot be recorded, the run lock is left behind and tells them."""
        run_locks = RunLocks.of(self.instance)
        with run_locks.hold(backfill, "assay backfill"), stopping.at_the_end(partial(self._cancel, backfill)):
            try:
                yield
            finally:
                settle(backfill, self.instance, CUT_SHORT)
                run_locks.remove(backfill)

    def _get_ready(self) -> None:
        """Let dbt start while the stages before gold run."""
        project = self.planner.project
        if project.models and (self.only is None or any(key.path[0] == LAYER for key in self.only)):
            dbt_process.start(project.folder, project.manifest)

    def _due(self, stage: Stage, look: Look) -> list[Due]:
        keys = [key for key in stage.keys if self.only is None or key in self.only]
        with one_look(look):
            return self.planner.due(keys, self.first, self.last)

    def _run(self, request: Request, backfill: str, marks: Mapping[str, str]) -> Ran:
        tags = {BACKFILL_TAG: backfill, **marks, **label(self.location)} | ({FORCE_TAG: "true"} if self.planner.run.force else {})
        if request.first is not None and request.last is not None:
            tags |= {RANGE_START: request.first, RANGE_END: request.last}
        began, run_id = time.monotonic(), str(uuid.uuid4())
        with stopping.takes_itself_apart(), watching(self.instance, run_id, self.tell):
            result = self.job.execute_in_process(
                QUIET, self.instance, asset_selection=list(request.keys), run_id=run_id, tags=tags, raise_on_error=False
            )
        list_run(self.instance, result.dagster_run)
        failure = None if result.success else self._why(result, request)
        return Ran(request, result.run_id, time.monotonic() - began, failure, outcomes_of(self._events(result)))

    def _events(self, result: dg.ExecuteInProcessResult) -> Iterable[dg.DagsterEvent]:
        """What the steps of a run reported. Of a step that failed Dagster hands on the failure alone: what it had done is in the log."""
        if result.success:
            return result.all_events
        log = self.instance.all_logs(result.run_id, of_type={dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.STEP_FAILURE})
        return [entry.dagster_event for entry in log if entry.dagster_event]

    def _why(self, result: dg.ExecuteInProcessResult, request: Request) -> str:
        """What each failed step says itself, one a line; of an error that no retry helped, its own words and not Dagster's."""
        places = [self.planner.run.lake, Path(self.instance.root_directory), self.planner.project.folder]
        said = [_words(event, request, places) for event in result.all_events if event.is_step_failure]
        return "\n".join(said) or f"{request.title}: the run failed before a step began"

    def _cancel(self, backfill: str, stopped: Stopped) -> None:
        """In a thread, with connections of its own: those of the main thread are in use."""
        with dg.DagsterInstance.get() as instance:
            settle(backfill, instance, STOPPED.format(stopped.by), stopped=True)


def outcomes_of(events: Iterable[dg.DagsterEvent]) -> Counter[Status]:
    """How many partitions a run published, left as they were and refused, as its steps reported."""
    found = Counter[Status]()
    for event in events:
        if event.event_type_value == "ASSET_MATERIALIZATION":
            said = event.step_materialization_data.materialization.metadata.get(OUTCOME)
            if isinstance(said, dg.TextMetadataValue):
                found[Status(said.text or "")] += 1
        elif event.is_step_failure and (failure := event.step_failure_data.user_failure_data):
            lists = [value.value for name, value in failure.metadata.items() if name.startswith(REFUSED)]
            found[Status.REFUSED] += sum(len(keys) for keys in lists if isinstance(keys, list))
    return found


def _words(event: dg.DagsterEvent, request: Request, places: Sequence[Path]) -> str:
    data = event.step_failure_data
    error, depth = data.error, 0
    while error and error.cause:
        error, depth = error.cause, depth + 1
    own = data.user_failure_data.description if data.user_failure_data else None
    # a failure that nothing has caused is about rows, and may quote words that a system would use
    words = told(error.message, places) if error and (depth or not own) else None
    if own and not words:
        return str(own)
    names = [key.to_user_string() for key in request.keys if "_".join(key.path) == event.step_key]
    words = words or (" ".join(error.message.split()) if error else "the step failed")
    return f"{', '.join(names) or request.title}: {words}"
