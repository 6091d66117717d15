"""Changes by others: a partition whose files are not those that were published, whoever has deleted, appended, updated or restored rows,
or lost a file.

The publication of a partition keeps a number for its files in the log, by which also the version is found in which they are as they were.
One that kept none, by an earlier version of Assay, is believed.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from assay.errors import TableMissing, TableUnreadable, few_of
from assay.lake.damage import damaged_files, file_damage
from assay.lake.migrations import TOKEN, partition_token
from assay.lake.provenance import history_of, root_of
from assay.lake.publisher import ATTEMPT_ID, PARTITIONS, fingerprint
from assay.lake.snapshots import open_snapshot, partition_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from assay.lake.snapshots import DataFile, Snapshot
    from assay.lake.staged import StagedFile, Staging

FILES = "files/"
BESIDE = ("quarantine", "claims")  # the layers of tables whose rows are published by the commit of another
LOOK_BACK = 100  # so many commits are looked through for who it was
NUMBERS = 100_000  # of so many partitions the number of their files is remembered, some 200 bytes each: a tick asks five times
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
    damaged = {*damage_by_key(table)}
    there = {key: number_of_files(files) for key, files in files_by_key(table).items()}
    known = {key: number for key, number in table.tokens(TOKEN + FILES).items() if partition_token(table, key) is not None}
    return damaged | {key for key, number in known.items() if number != there.get(key, number_of_files(()))}


def damage_by_key(table: Snapshot) -> dict[str, str]:
    """What a quick look finds damaged of each partition: the first file, and what is wrong with it."""
    found: dict[str, str] = {}
    for one in damaged_files(table):
        if one.file:
            found.setdefault(partition_key(one.file), f"{one.path} {one.found}")
    return found


def files_by_key(table: Snapshot) -> dict[str, list[DataFile]]:
    """The files of each partition that has any."""
    return by_key(table.files)


def by_key(files: Iterable[DataFile]) -> dict[str, list[DataFile]]:
    """Files by the key of the partition that they are of."""
    found: dict[str, list[DataFile]] = {}
    for file in files:
        found.setdefault(partition_key(file), []).append(file)
    return found


class AsPublished(NamedTuple):
    """A version of a table that has a partition as it was published, and the files that it is then."""

    table: Snapshot
    files: list[DataFile]


def before_it_was_altered(table: Snapshot, keys: Collection[str]) -> dict[str, AsPublished]:
    """For each altered partition a version that has it as it was published. Those of which no version is left are missing."""
    found: dict[str, AsPublished] = {}
    noted = {key: table.token(TOKEN + FILES + key) for key in keys}
    for version in range(table.version - 1, max(-1, table.version - 1 - LOOK_BACK), -1):
        if not (left := noted.keys() - found.keys()):
            break
        if (older := _at(table, version)) is None:
            break
        files = files_by_key(older)
        for key in left & files.keys():
            if noted[key] == number_of_files(files[key]) and not any(map(file_damage, files[key])):
                found[key] = AsPublished(older, files[key])
    return found


def _at(table: Snapshot, version: int) -> Snapshot | None:
    """An older version; None if the log does not reach back so far."""
    with suppress(TableMissing, TableUnreadable, OSError):
        return open_snapshot(root_of(table), table.name, version)
    return None


def noted_of(table: Snapshot, key: str) -> dict[str, Any]:
    """What the newest publication of a partition that the log still has noted of it."""
    for entry in history_of(table):
        if key in (notes := json.loads(entry.get(PARTITIONS, "{}"))):
            return dict(notes[key])
    return {}


def told(table: Snapshot, keys: Sequence[str]) -> str:
    """What a person reads of altered partitions: which, and by which commits that Assay did not write, or what is damaged."""
    shown = few_of(keys, 1)
    if damaged := [why for key, why in damage_by_key(table).items() if key in keys]:
        return f"{table.name}: {shown} not as it was published: {damaged[0]}. It is made again."
    others = _others(table)
    who = f"version {others} was written by another tool" if others else "no commit that is left says by whom"
    return f"{table.name}: {shown} not as it was published: {who}. It is made again."


def told_beside(table: Snapshot, beside: Iterable[Snapshot | None], keys: Sequence[str]) -> str:
    """What a person reads of partitions of which another tool has changed the rows beside; nothing if none has."""
    found = [f"version {others} of {one.name}" for one in beside if one and keys and (others := _others(one))]
    said = f"{' and '.join(found)} {'were' if len(found) > 1 else 'was'} written by another tool"
    return f"{table.name}: {few_of(keys, 1)} not as it was published: {said}. It is made again." if found else ""


def _others(table: Snapshot) -> str:
    """The newest commits that change rows and that Assay did not write: their versions and what they did."""
    commits = [entry for entry in table.history(limit=LOOK_BACK) if ATTEMPT_ID not in entry]
    found = [f"{one['version']} ({one['operation']})" for one in commits if not one["operation"].startswith(WITHOUT_ROWS)]
    return ", ".join(reversed(found))


def number_of_files(files: Iterable[DataFile | StagedFile]) -> int:
    """The number by which a log tells the files of a partition."""
    return _number(file.digest for file in files)


def _number(digests: Iterable[str]) -> int:
    return _number_once(tuple(sorted(digests)))


@lru_cache(NUMBERS)
def _number_once(digests: tuple[str, ...]) -> int:
    return fingerprint(digests)
