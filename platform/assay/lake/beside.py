"""Beside a published table: rows of another table that must agree with it at every instant, stored by partition AND by publication.

Two tables cannot be committed at once. So these rows are committed first, under the fingerprint that the published table's commit will
name, and only those count whose publication it names now. A crash between the two commits shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.lake.publisher import Provenance, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import newest
from assay.lake.staging import stage

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from assay.lake.snapshots import DataFile


@dataclass(frozen=True, slots=True)
class Beside:
    """A table under `root` with two partition columns: the key of a partition of the published table, and a publication of it."""

    root: Path
    spec: TableSpec

    def store(
        self,
        rows: pl.DataFrame,
        tokens: Mapping[str, int],
        current: Mapping[str, int | None],
        provenance: Provenance,
        also: Collection[str] = (),
    ) -> list[DataFile]:
        """Commit the rows of some partitions under the publication that is about to be committed.

        `rows` have the table's columns without the publication. `current` are the publications that are visible now. Without rows nothing
        is committed, unless an attempt that was killed left some under the same publication. Returns the files of publications of these
        partitions, and of `also`, that nobody will see once that commit has succeeded: `clear` them then, and not before, because until
        then another writer may be about to name one of them.
        """
        import polars as pl

        there, owned = newest(self.root, self.spec.name), {*tokens, *also}
        partition, publication = self.spec.partition_by
        files = [file for file in (there.files if there else []) if file.values[0] in owned]
        wanted = {key: str(token) for key, token in tokens.items()}
        mine: set[tuple[str, ...]] = {*wanted.items()}
        kept = mine | {(key, str(token)) for key, token in current.items()}
        if not rows.is_empty() or any(file.values in mine for file in files):
            frame = rows.with_columns(pl.col(partition).replace_strict(wanted, return_dtype=pl.String).alias(publication))
            publish(self.root, stage(self.root / self.spec.name, self._slice(wanted.items()), [frame]), {}, provenance=provenance)
        return [file for file in files if file.values not in kept]

    def clear(self, outdated: Sequence[DataFile], provenance: Provenance) -> None:
        """Remove publications that `store` said nobody will see, but for those that another attempt has stored again since."""
        there = newest(self.root, self.spec.name) if outdated else None
        if there is None:
            return
        old = {file.path for file in outdated}
        stored_again = {file.values for file in there.files if file.path not in old}
        if values := {file.values for file in there.files if file.path in old} - stored_again:
            publish(self.root, stage(self.root / self.spec.name, self._slice(sorted(values)), []), {}, provenance=provenance)

    def _slice(self, values: Iterable[tuple[str, ...]]) -> Slice:
        return Slice(self.spec, tuple(Partition("@".join(pair), pair) for pair in values))
