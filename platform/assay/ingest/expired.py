"""Arrivals that have expired: they went from bronze with the partitions of silver that they fed, and landing may still have their files.

Of one whose files have other contents now nobody knows what is in it: it is ingested, and judged again when the next removal comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.model.calendars import event_calendar
from assay.errors import TableUnreadable
from assay.lake.expired import Expired, Mark
from assay.lake.migrations import partition_token
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from datetime import datetime

    from assay.contracts.model.contract import Contract
    from assay.lake.snapshots import Snapshot
    from assay.steps import Run


@dataclass(frozen=True, slots=True)
class ExpiredArrivals:
    """What has expired of a dataset, and its bronze, which says what went."""

    bronze: Snapshot | None
    events: Expired

    @classmethod
    def of(cls, run: Run, contract: Contract, bronze: Snapshot | None, now: datetime | None) -> ExpiredArrivals:
        """Look at what silver says of the retention. A table of another calendar is made again from all that there is.

        Where nothing expires, bronze does not need silver to be readable. Where something does and silver is not, the contract is asked:
        bronze says what has gone, and what has not is ingested. How far silver keeps is looked at again once it can be read.
        """
        calendar = event_calendar(contract)
        try:
            silver = newest(run.lake, f"silver/{contract.dataset}") if contract.retention else None
        except TableUnreadable:
            return cls(bronze, Expired.by_contract(calendar, contract.retention, now))
        return cls(bronze, Expired.of(silver, calendar, contract.retention, now))

    def may_have(self, key: str) -> bool:
        """Whether an arrival has expired, unless it has other contents now."""
        mark = Mark.read(self.bronze, key) if self.events.before else None
        return mark is not None and self.events.has_day(mark.last) and partition_token(self.bronze, key) is None

    def has(self, key: str, contents: str) -> bool:
        """Whether an arrival with these contents (a digest) has expired."""
        mark = Mark.read(self.bronze, key) if self.may_have(key) else None
        return mark is not None and mark.tells(contents)
