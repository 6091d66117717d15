"""What Dagster shows of the partitions of an asset: which have failed, and which are being made. It is not what the plan knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from assay.orchestration.calendars import keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def _of_whole(instance: dg.DagsterInstance, key: dg.AssetKey) -> str:
    """How the last run that was to make an asset without partitions stands, if nothing has made it since."""
    entry = next((record.asset_entry for record in instance.get_asset_records([key])), None)
    if entry is None or entry.last_run_id is None:
        return ""
    run, made = instance.get_run_by_id(entry.last_run_id), entry.last_materialization_record
    if run is None or (made is not None and made.run_id == run.run_id):
        return ""
    return FAILED if run.is_failure_or_canceled else BEING_MADE if run.status in UNFINISHED else ""
