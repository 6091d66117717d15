"""Lost: landing files whose rows nothing has any more, because landing was archived and the data file of bronze that had them is damaged.

What an arrival was made from its publication has noted. Bronze is not made again without them: their rows would be gone, and nobody told.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from assay.errors import TableDamaged
from assay.ingest.landing import landed, with_hashes
from assay.lake.damage import damaged_files
from assay.lake.manifest import manifest_of
from assay.lake.slices import WHOLE
from assay.lake.snapshots import partition_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model import Contract
    from assay.lake.damage import Damage
    from assay.lake.snapshots import Snapshot

UNKNOWN = "one of which nobody knows the name"


class Lost(NamedTuple):
    """What is lost with a damaged data file: its rows, and the landing files that are not in landing any more. Without any, nothing is."""

    damage: Damage
    key: str
    names: Sequence[str]


def lost_files(landing: Path, contract: Contract, table: Snapshot | None, damaged: Sequence[Damage] | None = None) -> list[Lost]:
    """What is lost with the damaged data files of bronze (default: those that a quick look finds), by arrival."""
    found = [one for one in (damaged_files(table) if damaged is None and table else damaged or []) if one.file]
    if table is None or not found:
        return []
    there = {told for file, digest in with_hashes(landed(landing, contract.source)) for told in (file.name, digest)}
    noted, broken = _made_from(table), {one.path for one in found}
    return [Lost(one, key, _missing(noted.get(key), there | _held(table, key, broken))) for one in found if (key := _key(one))]


def refuse_lost(landing: Path, contract: Contract, table: Snapshot | None) -> None:
    """Raise TableDamaged if making an arrival again would lose rows for good."""
    lost = [one for one in lost_files(landing, contract, table) if one.names]
    if table is not None and lost:
        first, names = lost[0], sorted({name for one in lost for name in one.names})
        raise TableDamaged(
            f"Tried to make {first.key} of {table.name} again; {first.damage.path} {first.damage.found}, and only it has the rows of"
            f" {len(names)} landing files, such as {names[0]}.",
            hint=f"Put them back into the landing folder. To go on without their rows: `assay check-lake {table.name} --mend`.",
        )


def _key(damage: Damage) -> str:
    return partition_key(damage.file) if damage.file else WHOLE.key


def _made_from(table: Snapshot) -> Mapping[str, Sequence[tuple[str, str]]]:
    """The files that the newest publication of each arrival was made from, as (name, hash)."""
    found: dict[str, Sequence[tuple[str, str]]] = {}
    for commit in table.history():
        for key, said in json.loads(commit.get("assay.partitions", "{}")).items():
            if "files" in said:
                found.setdefault(key, [(name, digest) for name, digest in said["files"]])
    return found


def _held(table: Snapshot, key: str, broken: Collection[str]) -> set[str]:
    """The files of an arrival whose rows another data file of it has."""
    whole = [file for file in table.files if partition_key(file) == key]
    kept = [file for file in whole if not any(file.path.endswith(path) for path in broken)]
    return {told for file in kept for source in manifest_of(file.path).sources for told in (source.name, source.hash)}


def _missing(files: Sequence[tuple[str, str]] | None, there: Collection[str]) -> list[str]:
    return [UNKNOWN] if files is None else [name for name, digest in files if not {name, digest} & {*there}]
