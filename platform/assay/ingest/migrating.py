"""What of a bronze table goes when its calendar was changed: the step then replaces it whole, by the files that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.arrivals import arrival_names
from assay.contracts.model import SOURCE_FILE, SOURCE_HASH
from assay.ingest.bronze import batches
from assay.lake.migrations import calendar_changed, migration, outgrown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from assay.contracts.model import Contract
    from assay.ingest.reading import Batch
    from assay.lake.slices import Slice
    from assay.lake.snapshots import Snapshot
    from assay.steps import Run


def leaving(
    run: Run, contract: Contract, before: Snapshot | None, slice_: Slice, everything: Callable[[], Slice] | None
) -> dict[str, int] | None:
    """The fingerprints of the published partitions that will not be there any more; None if the calendar is as it was.

    `everything` gives the slice of all partitions that there are now. Raises CalendarChanged if `slice_` lacks one for which files have
    landed, or if bronze has rows of files that are not there any more: only from them could its partitions be made again.
    """
    if before is None or (why := outgrown(before, slice_.spec.calendar)) is None:
        return None
    landed = batches(run.landing, contract, {p.values[0] for p in everything().partitions}.__contains__) if everything else None
    others = migration(before, slice_, landed)
    if lost := _withdrawn(before, slice_, (landed or {}).values(), contract):
        raise calendar_changed(
            slice_, f"{why}; {len(lost)} files that it has rows of are not in the landing folder, such as {lost[0]}. Bring them back first"
        )
    return others


def _withdrawn(before: Snapshot, slice_: Slice, landed: Iterable[Batch], contract: Contract) -> list[str]:
    """The files of bronze rows that are gone, but for those whose arrivals the calendar has no more."""
    names, calendar = arrival_names(contract.source.path), slice_.spec.calendar
    there = {told for batch in landed for file, digest in batch.files for told in (file.name, digest)}

    def belongs(name: str) -> bool:
        moment = names.moment(name)
        return moment is None or calendar is None or calendar.has(calendar.first_of(moment.date()))

    known = before.scan(columns=[SOURCE_FILE, SOURCE_HASH]).unique().collect().rows()
    return sorted({name for name, digest in known if not {name, digest} & there and belongs(name)})
