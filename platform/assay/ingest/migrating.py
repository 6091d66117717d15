"""What of a bronze table goes when its calendar was changed: the step then replaces it whole, by what lies in landing and
by its own rows of files that were archived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.ingest.bronze import batches
from assay.ingest.bronze_contents import Holdings
from assay.ingest.landing import Told
from assay.lake.migrations import calendar_changed, migration, outgrown

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.contracts.model.contract import Contract
    from assay.lake.slices import Slice
    from assay.lake.snapshots import Snapshot
    from assay.steps import Run


def leaving(
    run: Run, contract: Contract, before: Snapshot | None, slice_: Slice, everything: Callable[[], Slice] | None
) -> dict[str, int] | None:
    """The fingerprints of the published partitions that will not be there any more; None if the calendar is as it was.

    `everything` gives the slice of all partitions that there are now. Raises CalendarChanged if `slice_` lacks one for which files have
    landed, archived ones too, or if only bronze has the rows of a file outside the new calendar: they would be gone for good.
    """
    if before is None or (why := outgrown(before, slice_.spec.calendar)) is None:
        return None
    holdings = Holdings.of_table(before, contract)
    known = {p.values[0] for p in everything().partitions} if everything else set[str]()
    others = migration(
        before, slice_, batches(run.landing, contract, known.__contains__, holdings=holdings, linked=run.linked) if everything else None
    )
    there = Told.look(run.landing, contract, run.linked)
    left = {file.landed for arrival in holdings.arrivals.keys() - known for file in holdings.of(arrival)} if everything else ()
    if lost := sorted(one.name for one in left if one.rows > one.erased and not there.has(one.name, one.hash)):
        raise calendar_changed(
            slice_, f"{why}; of {len(lost)} files outside the new calendar, such as {lost[0]}, only bronze has the rows."
            " Bring them back into the landing folder, or let the contract's arrivals cover them"
        )  # fmt: skip
    return others
