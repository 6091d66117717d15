"""What is staged: files that wait for the commit that makes them visible, as values.

Writing them is the work of `staging`, naming them in a commit that of the publisher.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.lake.schemas import union
from assay.lake.slices import Slice
from assay.lake.statistics import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

    from assay.lake.slices import Partition


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One Parquet file that waits for its commit. `path` is relative to the table; `digest` is of its bytes; `bounds` are (min, max)."""

    path: str
    partition: Partition
    size: int
    rows: int
    modified_ms: int
    digest: str
    nulls: dict[str, int]
    bounds: dict[str, tuple[Any, Any]]

    def statistics(self) -> dict[str, Any]:
        """Delta statistics. Delta keeps milliseconds, so a timestamp's maximum is rounded up, never down."""
        low = {name: encoded for name, (lo, _) in self.bounds.items() if (encoded := encode(lo, up=False)) is not None}
        high = {name: encoded for name, (_, hi) in self.bounds.items() if (encoded := encode(hi, up=True)) is not None}
        both = low.keys() & high.keys()
        return {
            "numRecords": self.rows,
            "minValues": {name: low[name] for name in low if name in both},
            "maxValues": {name: high[name] for name in high if name in both},
            "nullCount": self.nulls,
        }


@dataclass(slots=True)
class Staging:
    """The files of one attempt to publish a slice, checked; `added` are the columns that the table does not have yet."""

    root: Path
    slice: Slice
    attempt: str
    files: list[StagedFile]
    added: pa.Schema

    @property
    def publication(self) -> int:
        """A positive number that no other attempt has: by it a table names what is stored beside it (see `side_tables`)."""
        return int.from_bytes(hashlib.blake2b(self.attempt.encode(), digest_size=8).digest()) >> 1

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(file.size for file in self.files)

    def rows_of(self, key: str) -> int:
        """Count the rows staged for one partition."""
        return sum(file.rows for file in self.files if file.partition.key == key)

    def digest_of(self, key: str) -> str:
        """The digest of what is staged for one partition: equal bytes in equal files give equal digests."""
        return combine(file.digest for file in self.files if file.partition.key == key)

    def summaries(self) -> dict[str, dict[str, Any]]:
        """The rows and the digest of each partition of the slice, by key."""
        files: dict[str, list[StagedFile]] = {key: [] for key in self.slice.keys}
        for file in self.files:
            files[file.partition.key].append(file)
        return {
            key: {"rows": sum(file.rows for file in found), "digest": combine(file.digest for file in found)}
            for key, found in files.items()
        }

    def only(self, keys: Sequence[str]) -> Staging:
        """The files of some partitions, still of this attempt."""
        slice_ = self.slice.only(keys)
        return Staging(self.root, slice_, self.attempt, [file for file in self.files if file.partition.key in slice_.keys], self.added)

    @property
    def missing(self) -> list[str]:
        """The files that are not there any more: after a writer had stood still for days, maintenance took them for those of a dead one."""
        return [file.path for file in self.files if not (self.root / file.path).exists()]

    def discard(self) -> None:
        """Remove the files. Only for an attempt that was never offered to the log: a commit of unknown outcome may need them."""
        for file in self.files:
            with suppress(FileNotFoundError):
                (self.root / file.path).unlink()


def combine(digests: Iterable[str]) -> str:
    """One digest for a set of files, whatever their order."""
    return hashlib.blake2b("\n".join(sorted(digests)).encode(), digest_size=8).hexdigest()


def together(stagings: Sequence[Staging]) -> Staging:
    """What was staged for several slices of one table, none of whose partitions they share, as one attempt to publish them all."""
    first, *others = stagings
    if not others:
        return first
    added = first.added
    for other in others:
        added = union(added, other.added)
    slice_ = Slice(first.slice.spec, tuple(partition for staging in stagings for partition in staging.slice.partitions))
    return Staging(first.root, slice_, first.attempt, [file for staging in stagings for file in staging.files], added)
