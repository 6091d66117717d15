"""Quarantine: rejected rows, stored so that they always agree with what was published beside them.

Two tables cannot be committed at once. So rejected rows are kept by partition AND by publication (see `side_tables`), they are committed
first, and only those are visible whose publication is the one that the published table names now. A crash between the two commits shows
nothing; the sum, rows in = published + quarantined + duplicates, holds at every version. The rows of a refused partition are kept apart,
under the publication that stayed: they are shown until the partition is published again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.lake.damage import file_damage
from assay.lake.side_tables import SideTable, altered_beside, noted_beside, publications_of
from assay.lake.slices import TableSpec
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from assay.lake.publisher import Provenance
    from assay.lake.quarantine.rejected import Rejected
    from assay.lake.snapshots import DataFile, Snapshot
    from assay.lake.staged import Staging

PARTITION, PUBLICATION = "_partition", "_publication"
ARRIVALS, REFUSED = "arrival/", "refused/"
NEVER = -1  # the publication that a partition names as long as it was never published
ORIGIN = ("rule", "source_file", "source_row", "source_hash")
COLUMNS = pa.schema(
    [
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),
        pa.field("source_hash", pa.string(), nullable=False),
        pa.field("run_id", pa.string(), nullable=False),
        pa.field("contract_version", pa.string(), nullable=False),
        pa.field("raw", pa.string(), nullable=False),
        pa.field(PARTITION, pa.string(), nullable=False),
        pa.field(PUBLICATION, pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The rejected rows of one dataset. `prefix` tells partitions of bronze (by arrival) from those of silver (by event)."""

    root: Path
    dataset: str
    prefix: str = ""

    @property
    def spec(self) -> TableSpec:
        """The quarantine table: rule, severity, reason, origin, run, contract version and the raw row as JSON."""
        return TableSpec(f"quarantine/{self.dataset}", COLUMNS, (PARTITION, PUBLICATION))

    def stage(self, rejected: Rejected, publications: Mapping[str, int]) -> Staging:
        """Write the rejected rows of some partitions under the publications that are about to be committed."""
        import polars as pl

        named = rejected.held.with_columns((pl.lit(self.prefix) + pl.col(PARTITION)).alias(PARTITION))
        spilled = {self.prefix + key: one.rows for key, one in rejected.spilled.items()}
        return SideTable(self.root, self.spec).stage(named, {self.prefix + key: number for key, number in publications.items()}, spilled)

    def store(self, staged: Staging, current: Mapping[str, int | None], provenance: Provenance) -> list[DataFile]:
        """Commit what was staged. `current` are the publications that are visible now. Returns what to `clear`, as that of a SideTable."""
        # a partition that is published now is not refused any more
        refused = [] if self.prefix else [REFUSED + partition.values[0] for partition in staged.slice.partitions]
        return SideTable(self.root, self.spec).store(
            staged, {self.prefix + key: number for key, number in current.items()}, provenance, refused
        )

    def staged_rows(self, staged: Staging, key: str) -> pl.LazyFrame:
        """What was staged of one partition, as `held` has it."""
        import polars as pl

        files = [staged.root / file.path for file in staged.files if file.partition.values[0] == self.prefix + key]
        if not files:
            return self.held({})
        return pl.scan_parquet(files, glob=False, hive_partitioning=False).select(pl.lit(key).alias(PARTITION), *ORIGIN)

    def refuse(self, rejected: Rejected, current: Mapping[str, int | None], refusals: Mapping[str, str], provenance: Provenance) -> None:
        """Keep the rejected rows of partitions that were refused, in place of those of the attempt before. `refusals` says why, by key.

        They are stored under the publication that stays (`current`), so whatever is published next hides them by that same commit.
        """
        stays = {key: NEVER if number is None else number for key, number in current.items()}
        rules, kept = rejected.by_rule(), replace(self, prefix=REFUSED)
        notes = {f"{REFUSED}{key}@{stays[key]}": {"refusal": why, "held": rules.get(key, {})} for key, why in refusals.items()}
        self.clear(kept.store(kept.stage(rejected, stays), {}, replace(provenance, notes=notes)), provenance)

    def held(self, current: Mapping[str, int | None]) -> pl.LazyFrame:
        """The rows that are visible now of some partitions: PARTITION (the key) and ORIGIN. `current` are the publications they name.

        Of damaged files there are none: a partition that is published again must not need what it replaces.
        """
        import polars as pl

        named = {(self.prefix + key, str(number)) for key, number in current.items() if number is not None}
        there = newest(self.root, self.spec.name) if named else None
        if there is None:
            return pl.LazyFrame(schema={**dict.fromkeys((PARTITION, *ORIGIN), pl.String), "source_row": pl.Int64})
        rows = there.scan(lambda file: file.values in named and not file_damage(file), [PARTITION, *ORIGIN])
        return rows.with_columns(pl.col(PARTITION).str.strip_prefix(self.prefix))

    def visible_rows(self, published: Snapshot | None) -> dict[str, int]:
        """The rows of each partition that a reader sees, those that a steward discarded among them, by its key."""
        there, found = newest(self.root, self.spec.name), dict[str, int]()
        for file in visible_files(there, {self.prefix: published}) if there else ():
            if file.values[0].startswith(self.prefix):
                key = file.values[0].removeprefix(self.prefix)
                found[key] = found.get(key, 0) + file.rows
        return found

    def altered(self, published: Snapshot | None) -> set[str]:
        """The partitions of which a reader sees other rows here than were stored, or misses some, because another tool has changed them or
        a file is damaged: their table has to publish them again.
        """
        there = newest(self.root, self.spec.name)
        mine = [key for key in noted_beside(there) if key.startswith(self.prefix) and not key.startswith(_others(self.prefix))]
        keys = {key: key.removeprefix(self.prefix) for key in mine}
        named = publications_of(published, keys.values())
        return {keys[key] for key in altered_beside(there, {key: named[plain] for key, plain in keys.items()})}

    def held_elsewhere(self, keys: Collection[str]) -> list[DataFile]:
        """The files of all partitions but these, of the table that this is the quarantine of."""
        return self._elsewhere(self.prefix, keys)

    def refused_elsewhere(self, keys: Collection[str]) -> list[DataFile]:
        """The files of refused attempts at all partitions but these."""
        return [] if self.prefix else self._elsewhere(REFUSED, keys)

    def _elsewhere(self, prefix: str, keys: Collection[str]) -> list[DataFile]:
        there, kept = newest(self.root, self.spec.name), {prefix + key for key in keys}
        others = _others(prefix)
        mine = [
            file for file in (there.files if there else []) if file.values[0].startswith(prefix) and not file.values[0].startswith(others)
        ]
        return [file for file in mine if file.values[0] not in kept]

    def clear(self, outdated: Sequence[DataFile], provenance: Provenance) -> None:
        """Remove publications that `store` said nobody will see."""
        SideTable(self.root, self.spec).clear(outdated, provenance)


def _others(prefix: str) -> tuple[str, ...]:
    """How the partitions begin that are not of a prefix."""
    return tuple({ARRIVALS, REFUSED} - {prefix})


def visible_files(quarantine: Snapshot, published: Mapping[str, Snapshot | None]) -> Sequence[DataFile]:
    """The files of a quarantine snapshot that the published tables name. `published` maps a prefix to the table that it belongs to.

    Open the published snapshots first: a publication stays in quarantine until its partition has been published twice more.
    """
    named: dict[tuple[str, ...], bool] = {}
    for file in quarantine.files:
        if file.values not in named:
            partition, publication = file.values
            prefix = next((one for one in (ARRIVALS, REFUSED) if partition.startswith(one)), "")
            named[file.values] = _named(published.get(prefix), partition.removeprefix(prefix)) == publication
    return [file for file in quarantine.files if named[file.values]]


def refused_files(quarantine: Snapshot, silver: Snapshot | None) -> Sequence[DataFile]:
    """The files of partitions whose newest attempt was refused: those kept under the publication that silver still names."""
    refused = [file for file in quarantine.files if file.values[0].startswith(REFUSED)]
    return [file for file in refused if file.values[1] == (_named(silver, file.values[0].removeprefix(REFUSED)) or str(NEVER))]


def unseen_files(quarantine: Snapshot, silver: Snapshot | None, bronze: Snapshot | None) -> Sequence[DataFile]:
    """The files of quarantine, or of claims, that no reader sees: of publications before those of now, of writers who were overtaken, or
    who are not there yet.
    """
    seen = {file.path for file in (*visible_files(quarantine, {"": silver, ARRIVALS: bronze}), *refused_files(quarantine, silver))}
    return [file for file in quarantine.files if file.path not in seen]


def _named(published: Snapshot | None, key: str) -> str | None:
    number = publications_of(published, [key])[key]
    return None if number is None else str(number)
