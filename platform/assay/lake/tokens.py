"""Tokens: all `txn` versions that a Delta log holds at one version, read at once.

`DeltaTable.transaction_version` replays the log for each application it is asked about (1.5 ms), and a year of days has 365 of them. The
log's format is Delta's own protocol: a checkpoint holds the state so far, each later commit is a file of JSON lines.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from assay.errors import TableDamaged
from assay.lake.bounded_cache import BoundedCache
from assay.lake.format import FORMAT_APP
from assay.lake.log import entry
from assay.lake.log_entries import checkpoints_of, versions_of, what_is_short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Stamp = tuple[int, int, int]

MOST_REMEMBERED = 500_000  # tokens of all logs together, some 100 bytes each
TXN_LINE = '{"txn"'
FORMAT_LINE = f'{TXN_LINE}:{{"appId":"{FORMAT_APP}",'


class Read(NamedTuple):
    """What was read of a log: its last checkpoint and the entries after it, each by inode, bytes and time, and what they say together."""

    stamps: list[Stamp | None]
    tokens: Mapping[str, int]


NOTHING_READ = Read([], {})
_remembered: BoundedCache[Path, Read] = BoundedCache(lambda read: len(read.tokens) + len(read.stamps), MOST_REMEMBERED)


def tokens_at(log: Path, version: int) -> Mapping[str, int]:
    """The newest `txn` version of every application, as of `version` of the table whose `_delta_log` folder is `log`.

    What was read of the log before is remembered, and only what came after it is read, as long as its files are those that were read.
    """
    parts = checkpoints_of(log, version)
    base = max(parts, default=-1)
    checkpoint, commits = parts.get(base, []), [entry(log, number) for number in range(base + 1, version + 1)]
    stamps = [_stamp(path) for path in (*checkpoint, *commits)]
    known = _remembered.get(log) or NOTHING_READ
    start = len(known.stamps) if known.stamps and known.stamps == stamps[: len(known.stamps)] else 0
    found = dict(known.tokens) if start else _of_checkpoint(checkpoint)
    for path in commits[max(start - len(checkpoint), 0) :]:
        found |= _of_commit(path)
    if known.stamps[: len(stamps)] != stamps:  # an older version of the same log was not asked for
        _remembered.keep(log, Read(stamps, found))
    return found


def tokens_left(log: Path) -> dict[str, int]:
    """The newest `txn` versions that can still be read of a log whose entries are damaged; its checkpoints are sound."""
    parts, found = checkpoints_of(log), dict[str, int]()
    if parts:
        found = _of_checkpoint(parts[max(parts)])
    for version in sorted(versions_of(log)):
        with suppress(TableDamaged, OSError, ValueError):
            if version > max(parts, default=-1):
                found |= _of_commit(entry(log, version))
    return found


def format_of(log: Path, version: int) -> int:
    """The version of the format of a table, as of `version` of it: 1 if its log does not say.

    Each entry of ours says it near its beginning, so that mostly the newest is all that is opened, and little of it is read.
    """
    if found := _format_in(entry(log, version)):
        return found
    parts = checkpoints_of(log, version)
    base = max(parts, default=-1)
    for number in range(version - 1, base, -1):
        if found := _format_in(entry(log, number)):
            return found
    return _of_checkpoint(parts[base]).get(FORMAT_APP, 1) if parts else 1


def format_left(log: Path) -> int:
    """The newest version of the format that anything says which can still be read of a damaged log."""
    import pyarrow as pa

    found = [1]
    for version in versions_of(log):
        with suppress(OSError, ValueError, LookupError):
            found.append(_format_in(entry(log, version)) or 1)
    for parts in checkpoints_of(log).values():
        with suppress(pa.ArrowException, OSError, ValueError):
            found.append(_of_checkpoint(parts).get(FORMAT_APP, 1))
    return max(found)


def _format_in(path: Path) -> int | None:
    try:
        with path.open(encoding="utf-8") as lines:
            return next((int(json.loads(line)["txn"]["version"]) for line in lines if line.startswith(FORMAT_LINE)), None)
    except FileNotFoundError:  # a checkpoint is left of it
        return None


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except FileNotFoundError:  # whoever reads it says so
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _of_checkpoint(paths: list[Path]) -> dict[str, int]:
    import pyarrow.parquet as pq

    found: dict[str, int] = {}
    for path in paths:
        with pq.ParquetFile(path) as file:
            if "txn" not in file.schema_arrow.names:  # a checkpoint has only the columns that it needs
                continue
            column = file.read(columns=["txn"]).column("txn").drop_null()
        found |= {action["appId"]: action["version"] for action in column.to_pylist() if action["appId"] is not None}
    return found


def _of_commit(path: Path) -> dict[str, int]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as missing:
        raise TableDamaged(
            f"Tried to read the log of {path.parent.parent}; the commit {path.name} is missing and no checkpoint covers it.",
            hint="Restore the file, or open a version that is still in the log.",
        ) from missing
    if why := what_is_short(text):
        raise TableDamaged(f"Tried to read the log of {path.parent.parent}; the commit {path.name} {why}.")
    try:
        actions = [json.loads(line)["txn"] for line in text.splitlines() if line.startswith(TXN_LINE)]
    except ValueError as error:
        raise TableDamaged(f"Tried to read the log of {path.parent.parent}; the commit {path.name} is no JSON lines: {error}.") from error
    return {action["appId"]: action["version"] for action in actions}
