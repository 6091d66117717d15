"""How the life of a dataset or column differs: its status, how long it stays, when it is delivered, how long data are kept.

A weakened promise breaks the readers who counted on it (not forward compatible); a stronger one asks more of producers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from assay.contracts.compatibility.change import Change, unclassified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from assay.contracts.model.about import Deprecation
    from assay.contracts.model.contract import Contract, Published

DEPRECATION = dict.fromkeys(("since", "until", "use_instead"))  # all that is compared of one
LIFECYCLE = dict.fromkeys(("general_availability", "end_of_support", "end_of_life"))
USABLE = {"active": 2, "deprecated": 1}
EARLY = ("proposed", "draft")
DAILY = re.compile(r"(\d+) +(\d+) +\* +\* +\*")


def status_changes(old: Published, new: Published) -> Iterator[Change]:
    """The lifecycle: proposed, draft, active, deprecated, retired. What is not active or deprecated promises nothing."""
    if old.status == new.status:
        return
    if new.status == "deprecated":
        kind = "status_deprecated"
    elif new.status == "active" or (old.status in EARLY and new.status in EARLY):
        kind = "status_advanced"
    else:
        kind = "status_withdrawn"
    yield Change(kind, "status", old.status, new.status)


def deprecation_changes(
    old: Deprecation | None, new: Deprecation | None, where: str = "dataset", column: str | None = None
) -> Iterator[Change]:
    """Something that will go: announced, put off, brought forward, or not going after all."""
    if old is None or new is None:
        if old != new:
            yield Change("deprecated" if old is None else "deprecation_withdrawn", where, old, new, column)
        return
    if old.until != new.until:
        kind = "deprecation_extended" if _is_later(old.until, new.until) else "deprecation_shortened"
        yield Change(kind, f"{where}, until", old.until, new.until, column)
    if (old.since, old.use_instead) != (new.since, new.use_instead):
        yield Change("deprecation_reworded", where, old, new, column)
    yield from unclassified(old, new, DEPRECATION, f"{where}, deprecated", column)


def _is_later(old: date | None, new: date | None) -> bool:
    return new is None or (old is not None and new > old)


def life_changes(old: Published, new: Published) -> Iterator[Change]:
    """The deprecation of the dataset, and the days from which it may be used and no longer be counted on."""
    yield from deprecation_changes(old.deprecated, new.deprecated)
    before, after = old.lifecycle, new.lifecycle
    for name in LIFECYCLE:
        day, day_now = getattr(before, name), getattr(after, name)
        if day == day_now:
            continue
        if name == "general_availability":
            kind = "life_shortened" if day and day_now and day_now > day else "life_extended"
        else:
            kind = "end_announced" if day is None else "life_extended" if _is_later(day, day_now) else "life_shortened"
        yield Change(kind, f"lifecycle, {name}", day, day_now)
    yield from unclassified(before, after, LIFECYCLE, "lifecycle")


def freshness_changes(old: Published, new: Published) -> Iterator[Change]:
    """How old the newest data may be, and how long data are kept. Freshness by another column is another measure: taken as weaker."""
    if (old.freshness, old.freshness_column) != (new.freshness, new.freshness_column):
        same = old.freshness is None or old.freshness_column == new.freshness_column
        stronger = new.freshness is not None and same and (old.freshness is None or new.freshness < old.freshness)
        yield Change("freshness_strengthened" if stronger else "freshness_weakened", "freshness", _freshness(old), _freshness(new))
    if old.retention != new.retention:
        longer = new.retention is None or (old.retention is not None and new.retention > old.retention)
        yield Change("retention_extended" if longer else "retention_shortened", "retention", old.retention, new.retention)


def _freshness(contract: Published) -> str | None:
    return f"{contract.freshness} by {contract.freshness_column or 'event time'}" if contract.freshness else None


def schedule_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """The deadline of an arrival (cron). Two daily deadlines can be compared; any other change is taken as weaker."""
    if old.schedule == new.schedule:
        return
    before, after = (_minute_of_day(side.schedule) for side in (old, new))
    stronger = old.schedule is None or (before is not None and after is not None and after < before)
    yield Change("freshness_strengthened" if stronger else "freshness_weakened", "frequency, schedule", old.schedule, new.schedule)


def _minute_of_day(schedule: str | None) -> int | None:
    found = DAILY.fullmatch(schedule or "")
    return int(found.group(2)) * 60 + int(found.group(1)) if found else None


def grain_changes(old: Published, new: Published) -> Iterator[Change]:
    """The words for what a row is. Where a key says it and stays, they are only words."""
    if old.granularity != new.granularity:
        words = (bool(old.key) and old.key == new.key) or not old.granularity
        yield Change("reworded" if words else "grain_reworded", "dataGranularityDescription", old.granularity, new.granularity)
