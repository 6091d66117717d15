"""Unfinished files: what killed writers have left of files that have no name yet. Nobody reads them, and no commit can name them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from assay.lake.log import UNFINISHED as CHECKPOINT
from assay.lake.streaming_writer import PREFIX as GROWING
from assay.lake.streaming_writer import is_left

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

PATTERNS = (".*.tmp", "*.json.tmp", "*.parquet#*")  # as Assay and delta-rs write before they rename


def unfinished(folder: Path, before: datetime) -> list[Path]:
    """Files and folders below a folder that nobody will finish, in order.

    Of those since `before` the writer may still live. One that grows may have been begun long before: there it is asked whether the writer
    lives.
    """
    limit = before.timestamp()
    files = sorted({path for pattern in PATTERNS for path in folder.rglob(pattern) if path.is_file() and not path.is_symlink()})
    found = [path for path in files if (is_left(path) if path.name.startswith(GROWING) else changed_at(path) < limit)]
    return found + sorted(path for path in folder.rglob(f"{CHECKPOINT}*") if path.is_dir() and changed_at(path) < limit)


def remove_unfinished(folder: Path, before: datetime) -> int:
    """Remove them; returns how many."""
    found = unfinished(folder, before)
    for path in found:
        remove(path)
    return len(found)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; one that is not there any more is removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def bytes_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; none of one that is not there."""
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    return sum(one.lstat().st_size for one in files if one.is_file() and not one.is_symlink())


def changed_at(path: Path) -> float:
    """When a file was changed last, in seconds since 1970; 0 for one that is not there."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
