"""What is mended by going back: a partition is as it should be, while the newest word on it is that it failed.

When a broken file or model is put back, what is published is again what would be made, so nothing is due and Dagster would show the failure
for ever. Such partitions are given to a run all the same. It leaves them unchanged and says so: a materialization, and a passed check. Not
events without a run: of these Dagster keeps one evaluation of a check for each partition, and fails at the second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import dagster as dg

from assay.orchestration.calendars import keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.orchestration.due import Due

RECORD_TAG = "assay/record"  # of a run that also says of partitions without a change that they are good
ENDED_BADLY = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])


def bad_ends(instance: dg.DagsterInstance) -> str:
    """A mark of the runs that have not succeeded: while it stays, no partition has failed anew."""
    newest = instance.get_runs(ENDED_BADLY, limit=1)
    return f"{instance.get_runs_count(ENDED_BADLY)}:{newest[0].run_id}" if newest else ""


@dataclass(slots=True)
class Mending:
    """Adds to what is due what is only shown as failed. `found`: it has added something. `left`: something is shown as failed."""

    instance: dg.DagsterInstance
    found: bool = False
    left: bool = False

    def with_mended(self, due: Sequence[Due]) -> list[Due]:
        """The work of a stage, and the partitions of its assets that a run has only to record."""
        return [self._one(one) for one in due]

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of the runs that do this work."""
        return {RECORD_TAG: "true"} if self.found else {}

    def _one(self, due: Due) -> Due:
        failed = _failed(self.instance, due)
        mended = {key: value for key, value in due.settled.items() if key in failed}
        self.found, self.left = self.found or bool(mended), self.left or bool(failed)
        if not mended:
            return due
        both = {**due.fingerprints, **mended}
        order = keys_of(due.definition) if due.definition else [*both]
        return replace(due, fingerprints={key: both[key] for key in order if key in both})


def _failed(instance: dg.DagsterInstance, due: Due) -> set[str]:
    """The partitions that Dagster shows as failed."""
    if due.definition is None:
        return {"all"} if _failed_last(instance, due.key) else set()
    found = instance.get_status_by_partition(due.key, keys_of(due.definition), due.definition) or {}
    return {key for key, status in found.items() if status is not None and status.value == "FAILED"}


def _failed_last(instance: dg.DagsterInstance, key: dg.AssetKey) -> bool:
    """Whether the last run that was to make an asset without partitions has failed, and nothing has made it since."""
    entry = next((record.asset_entry for record in instance.get_asset_records([key])), None)
    if entry is None or entry.last_run_id is None:
        return False
    run, made = instance.get_run_by_id(entry.last_run_id), entry.last_materialization_record
    return run is not None and run.is_failure_or_canceled and (made is None or made.run_id != run.run_id)
