"""Changes by others: a partition whose files are not those that were published, whoever has deleted, appended, updated or restored rows,
or lost a file.

The publication of a partition keeps a number for its files in the log. One that kept none, by an earlier version of Assay, is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lake.damage import damaged_files
from assay.lake.migrations import TOKEN, partition_token
from assay.lake.publisher import ATTEMPT_ID, fingerprint
from assay.lake.snapshots import partition_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assay.lake.snapshots import Snapshot
    from assay.lake.staged import Staging

FILES = "files/"
LOOK_BACK = 100  # so many commits are looked through for who it was
WITHOUT_ROWS = ("CREATE", "ADD", "DROP", "SET", "VACUUM")  # how operations begin that change no rows


def files_noted(staging: Staging) -> dict[str, int]:
    """The tokens that tell later whether partitions still have the files of this publication."""
    digests: dict[str, list[str]] = {key: [] for key in staging.slice.keys}
    for file in staging.files:
        digests[file.partition.key].append(file.digest)
    return {FILES + key: _number(found) for key, found in digests.items()}


def altered(table: Snapshot | None) -> set[str]:
    """The partitions that have other files than were published, or of which a file is not there as it was committed."""
    if table is None:
        return set()
    damaged = {partition_key(one.file) for one in damaged_files(table) if one.file}
    digests: dict[str, list[str]] = {}
    for file in table.files:
        digests.setdefault(partition_key(file), []).append(file.digest)
    known = {key: number for key, number in table.tokens(TOKEN + FILES).items() if partition_token(table, key) is not None}
    return damaged | {key for key, number in known.items() if number != _number(digests.get(key, []))}


def told(table: Snapshot, keys: Sequence[str]) -> str:
    """What a person reads of altered partitions: which, and by which commits that Assay did not write, or what is damaged."""
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    if damaged := [one for one in damaged_files(table) if one.file and partition_key(one.file) in keys]:
        return f"{table.name}: {keys[0]}{more} not as it was published: {damaged[0].path} {damaged[0].found}. It is made again."
    commits = [entry for entry in table.history(limit=LOOK_BACK) if ATTEMPT_ID not in entry]
    others = [f"{one['version']} ({one['operation']})" for one in commits if not one["operation"].startswith(WITHOUT_ROWS)]
    who = f"version {', '.join(reversed(others))} was written by another tool" if others else "no commit that is left says by whom"
    return f"{table.name}: {keys[0]}{more} not as it was published: {who}. It is made again."


def _number(digests: Iterable[str]) -> int:
    return fingerprint(sorted(digests))
