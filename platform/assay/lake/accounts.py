"""Accounts: numbers that are kept in the log beside a partition's fingerprint, by which a later look tells that rows are missing.

Of an arrival in bronze the rows that it must have; of a partition of silver what it was made from, and the duplicates, which are stored
nowhere. Rows are counted where they are. A partition whose account does not close counts as never published, so that it is built again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lake.manifest import Day
from assay.lake.migrations import TOKEN
from assay.lake.publisher import fingerprint
from assay.lake.slices import WHOLE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from assay.lake.snapshots import Snapshot

LANDED, MADE_FROM, DUPLICATES = "landed/", "made-from/", "duplicates/"

Rows = tuple[str, str, Day]  # of one event day in one arrival


def arrived(rows: Iterable[Rows]) -> int:
    """Count the rows of some days."""
    return sum(day.rows for _, _, day in rows)


def rows_token(rows: Iterable[Rows]) -> int:
    """A number for the rows of some days: other rows have another."""
    return fingerprint(sorted((arrival, day, one.digest) for arrival, day, one in rows))


def rows_by_values(table: Snapshot | None) -> dict[tuple[str, ...], int]:
    """Count the rows of each partition, from the log alone."""
    found: dict[tuple[str, ...], int] = {}
    for file in table.files if table else ():
        found[file.values] = found.get(file.values, 0) + file.rows
    return found


def noted(table: Snapshot | None, kind: str, key: str) -> int | None:
    """The number that the newest publication of a partition kept; None for one that kept none."""
    return table.token(f"{TOKEN}{kind}{key}") if table else None


def standing(table: Snapshot | None, current: Mapping[str, int | None], changed: Collection[str]) -> dict[str, int | None]:
    """The fingerprints of some arrivals of bronze; None for one that is not as it was published any more, whoever changed it.

    `changed` are the arrivals of which files are others, or of which rows are missing in quarantine.
    """
    rows = {values[0] if values else WHOLE.key: count for values, count in rows_by_values(table).items()}
    lost = {key for key in current if noted(table, LANDED, key) not in {None, rows.get(key, 0)}} | {*changed}
    return {key: None if key in lost else token for key, token in current.items()}
