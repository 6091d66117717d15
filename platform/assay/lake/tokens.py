"""Tokens: all `txn` versions that a Delta log holds at one version, read at once.

`DeltaTable.transaction_version` replays the log for each application it is asked about (1.5 ms), and a year of days has 365 of them. The
log's format is Delta's own protocol: a checkpoint holds the state so far, each later commit is a file of JSON lines.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.errors import TableDamaged
from assay.lake.format import FORMAT_APP
from assay.lake.log import entry
from assay.lake.log_entries import checkpoints_of, versions_of, what_is_short

if TYPE_CHECKING:
    from pathlib import Path

TXN_LINE = '{"txn"'
FORMAT_LINE = f'{TXN_LINE}:{{"appId":"{FORMAT_APP}",'


def tokens_at(log: Path, version: int) -> dict[str, int]:
    """The newest `txn` version of every application, as of `version` of the table whose `_delta_log` folder is `log`."""
    parts = checkpoints_of(log, version)
    base = max(parts, default=-1)
    found = _of_checkpoint(parts[base]) if parts else {}
    for number in range(base + 1, version + 1):
        found |= _of_commit(entry(log, number))
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
