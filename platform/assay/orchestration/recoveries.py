"""What is mended by going back: a partition is as it should be, while the newest word on it is that it failed.

When a broken file or model is put back, what is published is again what would be made, so nothing is due and Dagster would show the failure
for ever. Such partitions are given to a run all the same. It leaves them unchanged and says so: a materialization, and a passed check. Not
events without a run: of these Dagster keeps one evaluation of a check for each partition, and fails at the second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.orchestration.calendars import keys_of
from assay.orchestration.partition_status import failed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import dagster as dg

    from assay.orchestration.due import Due

RECORD_TAG = "assay/record"  # of a run that also says of partitions without a change that they are good


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
        bad = failed(self.instance, due.key, due.definition)
        mended = {key: value for key, value in due.settled.items() if key in bad}
        self.found, self.left = self.found or bool(mended), self.left or bool(bad)
        if not mended:
            return due
        both = {**due.fingerprints, **mended}
        order = keys_of(due.definition) if due.definition else [*both]
        return replace(due, fingerprints={key: both[key] for key in order if key in both})
