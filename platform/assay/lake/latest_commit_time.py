"""What time it must be at least: the newest commits say when they were made, and the clock cannot have been later then than it is now.

Clocks are set back: by a machine that wakes up wrong, by a virtual machine that was restored, by hand. Whoever plans asks here whether the
clock can be believed. What else was recorded, by Dagster, is told by the caller.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from assay.lake.durable import replace_file
from assay.lake.log import LOG
from assay.lake.log_entries import commits_of
from assay.lake.publisher import ATTEMPT_ID
from assay.lake.snapshot_cache import newest_commit
from assay.lake.snapshots import table_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.lake.snapshot_cache import Commit

TOLERANCE = timedelta(minutes=5)  # clocks are corrected by seconds all the time, and processes write down the time before they commit
MOST_TABLES = 10_000  # of so many it is remembered when their newest entry was made
DISBELIEVED = "_clock.json"
SHOWN = "%Y-%m-%d %H:%M:%S UTC"
SET_BACK = (
    "The clock was set back: it shows {}, but {} at {}. Until it is later than that nothing is planned or published: what has landed"
    " waits, what is published stays as it is. Set the clock right. If it is right now, and was ahead before:"
    " `assay backfill --clock-is-right`."
)


def ahead(root: Path, now: datetime, others: Mapping[str, datetime]) -> dict[str, datetime]:
    """What was recorded later than it is now, by what was done then; `others` is what was recorded outside of the lake."""
    known = _disbelieved(root)
    found = _published(root) | dict(others)
    return {what: at for what, at in found.items() if at > now + TOLERANCE and known.get(what) != at.isoformat()}


def told(now: datetime, found: Mapping[str, datetime]) -> str | None:
    """What to say of records that are ahead; None if there are none."""
    if not found:
        return None
    what = max(found, key=lambda one: found[one])
    return SET_BACK.format(f"{now:{SHOWN}}", what, f"{found[what]:{SHOWN}}")


def disbelieve(root: Path, found: Mapping[str, datetime]) -> None:
    """From now on these records, and no others, are known to be of a clock that was ahead."""
    if found:
        known = _disbelieved(root) | {what: at.isoformat() for what, at in found.items()}
        root.mkdir(parents=True, exist_ok=True)
        replace_file(root / DISBELIEVED, json.dumps(known, indent=1).encode())


def disbelieved_at(root: Path) -> int | None:
    """When somebody last said that the clock is right (nanoseconds since 1970); None if nobody ever did."""
    with suppress(OSError):
        return (root / DISBELIEVED).stat().st_mtime_ns
    return None


def _disbelieved(root: Path) -> dict[str, str]:
    with suppress(FileNotFoundError, ValueError):  # what cannot be read excuses no record: the clock is told to be set back again
        found: dict[str, str] = json.loads((root / DISBELIEVED).read_text(encoding="utf-8"))
        return found
    return {}


def _published(root: Path) -> dict[str, datetime]:
    """When the newest version of each table was committed, if by Assay: what other tools say of the time binds nobody."""
    found = {}
    for name in table_names(root):
        newest = newest_commit(f"{root}/{name}")
        if newest and (at := _committed(f"{root}/{name}/{LOG}", newest)):
            found[f"{name} was published"] = at
    return found


@lru_cache(MOST_TABLES)
def _committed(log: str, newest: Commit) -> datetime | None:
    """When Assay has made the newest commit of a log; None if another tool has."""
    said = next(commits_of(Path(log), newest.version), {})
    return datetime.fromtimestamp(said["timestamp"] / 1000, UTC) if ATTEMPT_ID in said else None
