"""Quarantine: rejected rows, stored so that they always agree with what was published beside them.

Two tables cannot be committed at once. So rejected rows are kept by partition AND by publication (the fingerprint of what made them), they
are committed first, and only those are visible whose publication is the one that the published table names now. A crash between the two
commits shows nothing; the sum, rows in = published + quarantined + duplicates, holds at every version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.lake.publisher import TOKEN, Provenance, newest, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.staging import stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from assay.lake.snapshots import DataFile, Snapshot

PARTITION, PUBLICATION = "_partition", "_publication"
ARRIVALS = "arrival/"
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

    def store(self, rejected: pl.DataFrame, tokens: Mapping[str, int], current: Mapping[str, int | None], provenance: Provenance) -> None:
        """Commit the rejected rows of some partitions under the publication that is about to be committed.

        `rejected` has the columns of COLUMNS without the last, PARTITION being the partition's key. `current` are the publications that
        are visible now: they stay until their partition is published again, anything older goes. Without rows nothing is committed.
        """
        import polars as pl

        there = newest(self.root, self.spec.name)
        old = self._outdated(there, tokens, current)
        if rejected.is_empty() and not old:
            return
        wanted = {self.prefix + key: str(token) for key, token in tokens.items()}
        frame = rejected.with_columns((pl.lit(self.prefix) + pl.col(PARTITION)).alias(PARTITION)).with_columns(
            pl.col(PARTITION).replace_strict(wanted, return_dtype=pl.String).alias(PUBLICATION)
        )
        values = dict.fromkeys([*wanted.items(), *old])
        slice_ = Slice(self.spec, tuple(Partition("@".join(pair), pair) for pair in values))
        publish(self.root, stage(self.root / self.spec.name, slice_, [frame]), {}, provenance=provenance)

    def _outdated(self, there: Snapshot | None, tokens: Mapping[str, int], current: Mapping[str, int | None]) -> list[tuple[str, str]]:
        kept = {(self.prefix + key, str(token)) for side in (tokens, current) for key, token in side.items()}
        touched = {self.prefix + key for key in tokens}
        present = dict.fromkeys((file.values[0], file.values[1]) for file in (there.files if there else []))
        return [pair for pair in present if pair[0] in touched and pair not in kept]


def visible_files(quarantine: Snapshot, published: Mapping[str, Snapshot | None]) -> Sequence[DataFile]:
    """The files of a quarantine snapshot that the published tables name. `published` maps a prefix to the table that it belongs to.

    Open the published snapshots first: a publication stays in quarantine until its partition has been published twice more.
    """
    named: dict[tuple[str, ...], bool] = {}
    for file in quarantine.files:
        if file.values not in named:
            partition, publication = file.values
            prefix = ARRIVALS if partition.startswith(ARRIVALS) else ""
            table = published.get(prefix)
            named[file.values] = table is not None and str(table.token(TOKEN + partition.removeprefix(prefix))) == publication
    return [file for file in quarantine.files if named[file.values]]
