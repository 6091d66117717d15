"""Clean-up of Delta logs: entries before a checkpoint that nobody opens a version by any more. What they say is kept as provenance first.

An entry stays as long as it names a file that is on the disk and that the table does not have any more: it says whose that file is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from assay.lake.log import CHECKPOINT_EVERY, LOG, entry
from assay.lake.log_entries import checkpoints_of, commits_of, versions_of
from assay.lake.monthly import MONTH, replace_months
from assay.lake.provenance import COMMITS, SCHEMA, SPEC, root_of, row_of
from assay.lake.snapshots import newest
from assay.maintenance.checkpoints import KEPT, beginning
from assay.maintenance.unfinished import changed_at

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from assay.lake.snapshots import Snapshot

LEAST = CHECKPOINT_EVERY  # entries that are removed at once, and that stay behind the newest version
FILES = ('{"add"', '{"remove"')


def spent_entries(folder: Path, stale: Collection[str], before: datetime) -> list[Path]:
    """The entries of a table's log that can go, the oldest first. `stale` are the files, below it, that are there and not live.

    Whoever has opened the table since `before` has begun at the checkpoint that is kept, or at a newer one.
    """
    log = folder / LOG
    if not log.is_dir():
        return []
    checkpoints, versions = checkpoints_of(log), versions_of(log)
    base = sorted(checkpoints)[-KEPT] if len(checkpoints) >= KEPT else 0
    if (
        base == 0
        or beginning(versions) > base
        or versions[-1] - base < LEAST
        or any(changed_at(path) >= before.timestamp() for path in checkpoints[base])
    ):
        return []
    found: list[Path] = []
    for version in [one for one in versions if one < base]:
        path = entry(log, version)
        if changed_at(path) >= before.timestamp() or (stale and not _files_of(path).isdisjoint(stale)):
            break
        found.append(path)
    return found if len(found) >= LEAST else []


def keep_provenance(table: Snapshot, entries: Sequence[Path]) -> None:
    """Write down what some entries of a table's log say, unless it is there already. Of provenance itself nothing is kept."""
    if table.name == COMMITS or not entries:
        return
    import polars as pl

    wanted, root = {int(path.stem) for path in entries}, root_of(table)
    said = [row_of(table, next(commits_of(table.folder / LOG, version))) for version in sorted(wanted)]
    fresh = pl.DataFrame(said, schema=pl.Schema(SCHEMA), orient="row")
    months = {month.isoformat() for month in fresh[MONTH]}
    there = newest(root, COMMITS)
    if there is not None:
        known = there.scan(lambda file: file.values[0] in months, SCHEMA.names).collect()
        fresh = pl.concat([known, fresh]).unique(["table", "table_id", "version"], keep="first", maintain_order=True)
    replace_months(root, SPEC, fresh.sort(MONTH, "table", "version"))


def _files_of(path: Path) -> set[str]:
    """The files that an entry names."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith(FILES)]
    return {unquote(action["path"]) for line in lines for action in line.values()}
