"""Checkpoints that newer ones have replaced. Each holds all that a table then was, so that they grow with the square of its years.

The entries of the log say the same. An older version is opened from them, as long as all of them are there. Of a log that lacks its
beginning only those go that are older than what is left of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lake.log_entries import checkpoints_of, versions_of
from assay.maintenance.unfinished import changed_at

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

KEPT = 2  # the newest one, and another should that be damaged


def replaced_checkpoints(log: Path, before: datetime) -> list[Path]:
    """The files of checkpoints that can go: who reads the log since `before` begins at a newer one."""
    if not log.is_dir():
        return []
    found, versions = checkpoints_of(log), versions_of(log)
    if not versions:
        return []
    newest = sorted(found)[-KEPT:]
    if any(changed_at(path) >= before.timestamp() for version in newest for path in found[version]):
        return []
    replaced = sorted(found)[:-KEPT]
    if (first := beginning(versions)) > 0:  # it was cleaned up: what it still has is opened from the checkpoint at its beginning
        replaced = [version for version in replaced if version < first]
    return [path for version in replaced for path in found[version]]


def beginning(versions: list[int]) -> int:
    """The first version since which a log has every entry. After a power cut some of those that were removed may be there again."""
    missing = next((number for number, version in enumerate(reversed(versions)) if version != versions[-1] - number), len(versions))
    return versions[len(versions) - missing]
