"""What Dagster shows of the partitions of an asset: which have failed, are being made, or are not known. It is not what the plan knows."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import dagster as dg

from assay.orchestration.calendars import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

ENDED_BADLY = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
UNFINISHED = {
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
}  # fmt: skip
WHOLE, FAILED, BEING_MADE = "all", "FAILED", "IN_PROGRESS"


def bad_ends(instance: dg.DagsterInstance) -> str:
    """A mark of the runs that have not succeeded: while it stays, no partition has failed anew."""
    newest = instance.get_runs(ENDED_BADLY, limit=1)
    return f"{instance.get_runs_count(ENDED_BADLY)}:{newest[0].run_id}" if newest else ""


def ends_of_runs(instance: dg.DagsterInstance) -> str:
    """The same mark, and how many runs there are: see `none_ended_badly`."""
    return f"{bad_ends(instance)}:{instance.get_runs_count()}"


def none_ended_badly(before: str, now: str) -> bool:
    """Whether, by two marks, no run has ended badly or was deleted in between."""
    (bad, _, runs), (still_bad, _, still_there) = before.rpartition(":"), now.rpartition(":")
    return bad == still_bad and runs.isdecimal() and int(runs) <= int(still_there)


def may_show_failures(instance: dg.DagsterInstance) -> bool:
    """Whether any run has ended badly: without one no partition is shown as failed. To ask that of each asset takes 10 ms and more."""
    return bool(instance.get_runs(ENDED_BADLY, limit=1))


def shown(instance: dg.DagsterInstance, key: dg.AssetKey, definition: dg.TimeWindowPartitionsDefinition | None) -> Mapping[str, str]:
    """The partitions that are FAILED or BEING_MADE, by key, in order; the key of an asset without partitions is WHOLE."""
    if definition is None:
        found = _of_whole(instance, key)
        return {WHOLE: found} if found else {}
    statuses = instance.get_status_by_partition(key, keys_of(definition), definition) or {}
    told = {part: status.value for part, status in statuses.items() if status is not None}
    return {part: told[part] for part in keys_of(definition) if told.get(part) in (FAILED, BEING_MADE)}


def failed(instance: dg.DagsterInstance, key: dg.AssetKey, definition: dg.TimeWindowPartitionsDefinition | None) -> set[str]:
    """The partitions that Dagster shows as failed."""
    return {part for part, status in shown(instance, key, definition).items() if status == FAILED}


def unrecorded(
    instance: dg.DagsterInstance,
    key: dg.AssetKey,
    definition: dg.TimeWindowPartitionsDefinition | None,
    published: Collection[str],
    published_since: Callable[[Collection[str], float], set[str]],
) -> set[str]:
    """The partitions, of some that are published, of which Dagster does not say what was made of them last.

    The run that made them was cancelled before it could record it, or was deleted with its records. `published_since` says which of some
    were published since a moment (seconds since 1970). What is older than the oldest run that Dagster knows is left: its history has begun
    anew since.
    """
    if definition is None or not published:
        return set()  # of an asset without partitions `failed` says it
    tried = instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
    run_ids = list({run_id for run_id, _ in tried.values()})
    runs = instance.get_runs(dg.RunsFilter(run_ids=run_ids, statuses=list(UNFINISHED))) if run_ids else ()
    at_work = {run.run_id for run in runs}
    found = {part for part, (run_id, _) in tried.items() if part in published and run_id not in at_work}
    if missing := {*published} - instance.get_materialized_partitions(key) - tried.keys():
        for oldest in instance.get_run_records(limit=1, ascending=True):
            found |= published_since(missing, oldest.create_timestamp.replace(tzinfo=UTC).timestamp())
    return found


def _of_whole(instance: dg.DagsterInstance, key: dg.AssetKey) -> str:
    """How the last run that was to make an asset without partitions stands, if nothing has made it since."""
    entry = next((record.asset_entry for record in instance.get_asset_records([key])), None)
    if entry is None or entry.last_run_id is None:
        return ""
    run, made = instance.get_run_by_id(entry.last_run_id), entry.last_materialization_record
    if run is None or (made is not None and made.run_id == run.run_id):
        return ""
    return FAILED if run.is_failure_or_canceled else BEING_MADE if run.status in UNFINISHED else ""
