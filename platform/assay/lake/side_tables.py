"""Beside a published table: rows of another table that must agree with it at every instant, stored by partition AND by publication.

Two tables cannot be committed at once. So these rows are committed first, under a number that only this attempt to publish has, and the
published table's commit names it. Only those rows count whose publication the table names now: a crash between the two commits shows
nothing. The fingerprint of what a partition is made from would not do for a name: it comes back when the inputs do, and with it rows that
another writer has taken away meanwhile. With the rows of a partition its log keeps a number for their files, and of which publication they
are: so it is seen when another tool has changed them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.lake.damage import file_damage
from assay.lake.foreign import FILES, number_of_files
from assay.lake.migrations import TOKEN, partition_token
from assay.lake.publisher import Provenance, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import newest
from assay.lake.staged import StagedFile, Staging, together
from assay.lake.staging import stage
from assay.lake.streaming_writer import grown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from assay.lake.snapshots import DataFile, Snapshot
    from assay.lake.spill import Spill

PUBLICATION = "publication/"  # before a partition's key in the published table's log: the publication that it names
OF = "files-of/"  # before a partition's key in the log of the table beside: the publication whose files have the number kept there


def publications_of(published: Snapshot | None, keys: Iterable[str]) -> dict[str, int | None]:
    """The publications that a table names now; None for a partition that was never published, or is gone."""
    return {key: _publication(published, key) for key in keys}


def _publication(published: Snapshot | None, key: str) -> int | None:
    if published is None or partition_token(published, key) is None:
        return None
    return published.token(TOKEN + PUBLICATION + key)


def as_published(published: Snapshot | None, keys: Iterable[str]) -> dict[str, int | None]:
    """What a table's log must still say if nobody has published these partitions since.

    A partition that went with its calendar names no publication, but the log still has the number of the last.
    """
    return {PUBLICATION + key: partition_token(published, PUBLICATION + key) for key in keys}


def altered_beside(there: Snapshot | None, named: Mapping[str, int | None]) -> set[str]:
    """The partitions whose visible rows lie in other files than were stored, or in one that is damaged; `named` are their publications.

    Of one that was stored before this was noted, or while another publication of it was on its way, only damage is known.
    """
    if there is None:
        return set()
    visible: dict[tuple[str, ...], list[DataFile]] = {(key, str(number)): [] for key, number in named.items() if number is not None}
    for file in there.files:
        if file.values in visible:
            visible[file.values].append(file)
    known = {key: number for key, number in there.tokens(TOKEN + OF).items() if number == named.get(key)}
    noted = {key: number for key, number in there.tokens(TOKEN + FILES).items() if key in known}
    return {
        key
        for (key, *_), files in visible.items()
        if any(map(file_damage, files)) or noted.get(key, numbered := number_of_files(files)) != numbered
    }


def noted_beside(there: Snapshot | None) -> set[str]:
    """The partitions that have rows beside, or had some when they were stored."""
    return {*there.tokens(TOKEN + OF), *(file.values[0] for file in there.files)} if there else set()


def noted_again(there: Snapshot, values: tuple[str, ...], staging: Staging) -> dict[str, int]:
    """The tokens for the rows of one publication that are written again: none unless they are as they were stored."""
    key, number = values[0], there.token(TOKEN + OF + values[0])
    if str(number) != values[-1] or altered_beside(there, {key: number}):
        return {}
    return {FILES + key: number_of_files(staging.files)}


def _noted(staged: Staging) -> dict[str, int]:
    """What the log keeps of each partition: a number for its files, and of which publication they are."""
    publications = {key: int(number) for key, number in (partition.values for partition in staged.slice.partitions)}
    files: dict[str, list[StagedFile]] = {key: [] for key in publications}
    for file in staged.files:
        files[file.partition.values[0]].append(file)
    return {FILES + key: number_of_files(found) for key, found in files.items()} | {OF + key: publications[key] for key in files}


@dataclass(frozen=True, slots=True)
class SideTable:
    """A table under `root` with two partition columns: the key of a partition of the published table, and a publication of it."""

    root: Path
    spec: TableSpec

    def stage(self, rows: pl.DataFrame, publications: Mapping[str, int], spilled: Mapping[str, Spill] | None = None) -> Staging:
        """Write the rows of some partitions under the publications that are about to be committed.

        `rows` have the table's columns without the publication; those `spilled` of a partition lack the partition as well.
        """
        import polars as pl

        partition, publication = self.spec.partition_by
        wanted = {key: str(number) for key, number in publications.items()}
        there = {key: spill for key, spill in (spilled or {}).items() if spill.rows}
        staged = list[Staging]()
        try:
            if held := {key: number for key, number in wanted.items() if key not in there}:
                frame = rows.with_columns(pl.col(partition).replace_strict(wanted, return_dtype=pl.String).alias(publication))
                staged.append(stage(self.root / self.spec.name, self._slice(held.items()), [frame]))
            for key, spill in there.items():
                named = (pl.lit(key).alias(partition), pl.lit(wanted[key]).alias(publication))
                frames = (frame.with_columns(named) for frame in spill)
                staged.append(grown(self.root / self.spec.name, self._slice([(key, wanted[key])]), frames))
        except BaseException:
            for one in staged:
                one.discard()
            raise
        return together(staged)

    def store(
        self, staged: Staging, current: Mapping[str, int | None], provenance: Provenance, also: Collection[str] = ()
    ) -> list[DataFile]:
        """Commit what was staged of some partitions.

        `current` are the publications that are visible now. Without rows nothing is committed. Returns the files of other publications of
        these partitions, and of `also`, that nobody will see once the published table's commit has succeeded: `clear` them then, and not
        before, because until then another writer may be about to name one of them.
        """
        there, to_come = newest(self.root, self.spec.name), {partition.values for partition in staged.slice.partitions}
        owned, kept = {key for key, _ in to_come} | {*also}, to_come | {(key, str(number)) for key, number in current.items()}
        outdated = [file for file in (there.files if there else []) if file.values[0] in owned and file.values not in kept]
        if staged.files or (there is not None and any(file.values in to_come for file in there.files)):
            publish(self.root, staged, _noted(staged), provenance=provenance)
        return outdated

    def clear(self, outdated: Sequence[DataFile], provenance: Provenance) -> None:
        """Remove publications that `store` said nobody will see."""
        there = newest(self.root, self.spec.name) if outdated else None
        if there is None:
            return
        old = {file.path for file in outdated}
        if values := {file.values for file in there.files if file.path in old}:
            publish(self.root, stage(self.root / self.spec.name, self._slice(sorted(values)), []), {}, provenance=provenance)

    def _slice(self, values: Iterable[tuple[str, ...]]) -> Slice:
        return Slice(self.spec, tuple(Partition("@".join(pair), pair) for pair in values))
