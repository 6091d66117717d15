"""The entries of a Delta log as they lie on the disk, without replaying them: which are there, and whether each is whole.

A file that a power cut has emptied is an entry without a word to delta-rs, and the rows that it had added are gone without a complaint. A
commit of ours says in its first line how many files and tokens it has, so that one which was cut between two lines is seen as well.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assay.lake.log import ACTIONS, COUNTED_ACTIONS, entry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTED = re.compile(rf'"{re.escape(ACTIONS)}":"(\d+)"')
KNOWN = {"add", "remove", "txn", "commitInfo", "metaData", "protocol", "cdc", "domainMetadata", "checkpointMetadata", "sidecar"}
COUNTED = tuple(f'{{"{name}"' for name in COUNTED_ACTIONS)
ABOUT = re.compile(r'\s*{\s*"commitInfo"')
ENTRY = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(?:\.\d{10}\.\d{10})?\.parquet")
HINT = "_last_checkpoint"


def versions_of(log: Path) -> list[int]:
    """The versions that have an entry, in order."""
    return sorted(int(match.group(1)) for path in log.iterdir() if (match := ENTRY.fullmatch(path.name)))


def commits_of(log: Path, version: int) -> Iterator[dict[str, Any]]:
    """What the commits up to a version say of themselves, newest first, as far back as there are entries: each with its `version`.

    A commit need not say anything. delta-rs leaves such a one out, and numbers those before it one too high. When it was made is then
    when its entry was written (`timestamp`, milliseconds of the epoch).
    """
    for number in range(version, -1, -1):
        path = entry(log, number)
        said: dict[str, Any] = {}
        try:
            with suppress(ValueError, IsADirectoryError), path.open(encoding="utf-8") as lines:  # what is damaged says nothing either
                said = next((json.loads(line)["commitInfo"] for line in lines if ABOUT.match(line)), {})
        except FileNotFoundError:
            return
        yield {"timestamp": path.stat().st_mtime_ns // 1_000_000, "operation": "", **said, "version": number}


def committed_at(log: Path, version: int) -> datetime:
    """When a version was committed, in UTC; of one of which only a checkpoint is left, when the log was changed last."""
    newest = next(commits_of(log, version), None)
    return datetime.fromtimestamp(newest["timestamp"] / 1000 if newest else log.stat().st_mtime, UTC)


def checkpoints_of(log: Path, version: int | None = None) -> dict[int, list[Path]]:
    """The checkpoints of a log, up to a version, by theirs, in order; one may have several parts."""
    found: dict[int, list[Path]] = {}
    for path in sorted(log.glob("*.checkpoint*.parquet")):
        if (match := CHECKPOINT.fullmatch(path.name)) and (version is None or int(match.group(1)) <= version):
            found.setdefault(int(match.group(1)), []).append(path)
    return found


def what_is_wrong(path: Path) -> str | None:
    """Why an entry is not what was committed; None if it is, as far as it says."""
    if not path.exists():
        return "is missing"
    if not path.is_file():
        return "is no file"
    try:
        text = path.read_bytes().decode()
        _read(text)
    except ValueError as error:
        return f"is no JSON lines: {error}"
    return what_is_short(text)


def what_is_short(text: str) -> str | None:
    """What an entry lacks by its own words; None if nothing. It costs a glance, so that it can be asked of each entry that is read."""
    if not text.strip():
        return "is empty"
    said, found = NOTED.search(text.partition("\n")[0]), sum(line.startswith(COUNTED) for line in text.splitlines())
    return f"has {found} of the {said[1]} actions that it was committed with" if said and int(said[1]) != found else None


def _read(text: str) -> None:
    """Raise ValueError for what is no action of Delta."""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            action = json.loads(line) if line.strip() else {}
        except ValueError as error:
            raise ValueError(f"line {number} cannot be read") from error
        if not isinstance(action, dict) or not action.keys() <= KNOWN:
            raise ValueError(f"line {number} is no action")
