"""What only has to be recorded: a partition is as it should be, while the newest word of Dagster's on it is that it failed, or is none.

When a broken file or model is put back, what is published is again what would be made, so nothing is due and Dagster would show the failure
for ever. When a run is cancelled between its commit and its record, or deleted afterwards, it would show nothing, or what was there before.
Such partitions are given to a run all the same. It leaves them unchanged and says so: a materialization, and a passed check. Not events
without a run: of these Dagster keeps one evaluation of a check for each partition, and fails at the second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from assay.lake.snapshots import newest, partition_key
from assay.maintenance.unfinished import changed_at
from assay.orchestration.calendars import keys_of
from assay.orchestration.partition_status import failed, may_show_failures, unrecorded

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import dagster as dg

    from assay.orchestration.due import Due

RECORD_TAG = "assay/record"  # of a run that also says of partitions without a change that they are good


@dataclass(slots=True)
class Mending:
    """Adds to what is due what is shown as failed, or not at all. `found`: it has added something. `left`: something is shown as failed."""

    instance: dg.DagsterInstance
    lake: Path
    found: bool = False
    left: bool = False

    def with_mended(self, due: Sequence[Due]) -> list[Due]:
        """The work of a stage, and the partitions of its assets that a run has only to record."""
        has_failed = may_show_failures(self.instance)
        return [self._one(one, has_failed=has_failed) for one in due]

    @property
    def tags(self) -> Mapping[str, str]:
        """The tags of the runs that do this work."""
        return {RECORD_TAG: "true"} if self.found else {}

    def _one(self, due: Due, *, has_failed: bool) -> Due:
        bad = failed(self.instance, due.key, due.definition) if has_failed else set[str]()
        unknown = unrecorded(self.instance, due.key, due.definition, due.settled.keys(), partial(_published_since, self.lake, due.key))
        mended = {key: value for key, value in due.settled.items() if key in bad | unknown}
        self.found, self.left = self.found or bool(mended), self.left or bool(bad)
        if not mended:
            return due
        both = {**due.fingerprints, **mended}
        order = keys_of(due.definition) if due.definition else [*both]
        return replace(due, fingerprints={key: both[key] for key in order if key in both})


def _published_since(lake: Path, key: dg.AssetKey, parts: Collection[str], moment: float) -> set[str]:
    """Those of some partitions of which a file was written since a moment. Of one that is published empty nobody can tell."""
    table = newest(lake, "/".join(key.path))
    files = [file for file in (table.files if table else ()) if partition_key(file) in parts]
    return {partition_key(file) for file in files if changed_at(Path(file.path)) >= moment}  # one that is missing is for others to say
