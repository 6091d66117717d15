"""What of a silver table goes when its calendar was changed: the step then replaces it whole, by what bronze has for the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.calendars import arrival_calendar
from assay.lake.migrations import calendar_changed, migration, outgrown
from assay.lake.publisher import current_tokens
from assay.refine.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.lake.slices import Partition, Slice
    from assay.lake.snapshots import Snapshot
    from assay.refine.inputs import Inputs


def leaving(inputs: Inputs, before: Snapshot | None, slice_: Slice, everything: Callable[[], Slice] | None) -> dict[str, int] | None:
    """The fingerprints of the published partitions that will not be there any more; None if the calendar is as it was.

    `everything` gives the slice of all partitions that there are now. Raises CalendarChanged if `slice_` lacks one that has rows, or if
    bronze was not read by the new calendar yet.
    """
    if outgrown(before, slice_.spec.calendar) is None:
        return None
    if why := outgrown(inputs.bronze, arrival_calendar(inputs.contract)):
        raise calendar_changed(slice_, f"{inputs.bronze.name} is to be built before, because {why}")
    kept = inputs.kept(everything()) if everything else None
    known = [partition.key for partition in kept.partitions if inputs.files(partition)] if kept else None
    others = migration(before, slice_, known) or {}
    built = {partition.key for partition in of_new_calendar(inputs, slice_)}
    left = [key for key in slice_.keys if key not in built]
    return others | {key: token for key, token in current_tokens(before, left).items() if token is not None}


def of_new_calendar(inputs: Inputs, slice_: Slice) -> list[Partition]:
    """The partitions of a slice that the table has then: those with rows, and those of which a file has landed without any."""
    empty = waiting(inputs.contract, slice_.partitions, inputs.empty_arrivals)
    return [partition for partition in slice_.partitions if partition.key in empty or inputs.files(partition)]
