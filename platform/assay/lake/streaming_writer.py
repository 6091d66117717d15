"""Growing: the one file of a partition too large to be held, written row group by row group where no reader looks yet.

What `staging` does with a frame, for rows that come in their order, some at a time. The same rows make the same row groups, however many
come at once. Until it is whole the file has a name that begins with a dot, and its writer holds a lock of the kernel on it: what a killed
run leaves of it is told from a data file, and from one that still grows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from assay.errors import RowsOutsideSlice
from assay.lake.schemas import union
from assay.lake.staged import StagedFile, Staging
from assay.lake.staging import (
    OPTIONS,
    ROW_GROUP,
    SMALL_BYTES,
    compression_of,
    folder_of,
    name_of,
    nothing_staged,
    refuse_nulls,
    refuse_strays,
    split,
    sync_folders,
    to_arrow,
)
from assay.lake.statistics import footer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import polars as pl
    import pyarrow as pa
    import pyarrow.parquet as pq

    from assay.lake.slices import Slice

PREFIX = ".part-"
GROUP_BYTES = 32 << 20  # in memory: of wide rows there are fewer in a group
BLOCK = 1 << 20
TAIL = 8  # bytes of a Parquet file behind its footer: the footer's length, and what the file begins with


class Growing:
    """A file of the only partition of a slice, below `root`. It is closed by `finish` or taken away by `discard`."""

    def __init__(self, root: Path, slice_: Slice) -> None:
        (self.partition,) = slice_.partitions
        self.root, self.slice, self.rows = root, slice_, 0
        self.sizes: dict[str, int] = {}  # bytes in memory of each column that was written
        folder = root / folder_of(slice_, self.partition)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{PREFIX}{uuid.uuid4().hex[:12]}.tmp"
        self._file = self.path.open("w+b")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._writer: pq.ParquetWriter | None = None
        self._pending: list[pa.Table] = []
        self._added: pa.Schema | None = None

    def add(self, frame: pl.DataFrame | pa.Table) -> None:
        """Take the next rows. Raises SchemaDrift, NullsInRequiredColumn, RowsOutsideSlice; then nothing is left but to `discard`."""
        import pyarrow as pa

        table, added = to_arrow(frame, self.slice)
        self._added = added if self._added is None else union(self._added, added)
        refuse_nulls(table, self.slice)
        for owner, body in split(table, self.slice):
            if owner is not self.partition:
                raise RowsOutsideSlice(f"Tried to publish {self.partition.key!r}; found rows of {owner.key!r}.")
            self.rows += body.num_rows
            self._pending.append(body)
        while self._pending and self._is_enough():
            rest = pa.concat_tables(self._pending)
            self._write(rest.slice(0, ROW_GROUP), compression_of(rest))
            self._pending = [rest.slice(ROW_GROUP)] if rest.num_rows > ROW_GROUP else []

    def close(self) -> Path:
        """Write what is left, so that the rows can be read; the file has still to be finished."""
        import pyarrow as pa

        from assay.lake.schemas import conform

        if self._pending:
            rest = pa.concat_tables(self._pending)
            self._write(rest, compression_of(rest))
        if self._writer is None:
            spec = self.slice.spec
            nothing = conform(pa.Table.from_arrays([], names=[]), spec.schema, spec.partition_by)
            self._write(nothing, compression_of(nothing))
        self._pending = []
        assert self._writer is not None  # noqa: S101  # a row group was written
        self._writer.close()
        self._file.flush()
        return self.path

    def finish(self, footer_says: Mapping[str, str] | None = None) -> Staging:
        """Give the file its footer and its name, durably. `close` it first. Raises RowsOutsideSlice; then it has to be discarded."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if footer_says:
            self._say(footer_says)
        os.fsync(self._file.fileno())
        self._file.seek(0)
        hashed = hashlib.blake2b(digest_size=8)
        while block := self._file.read(BLOCK):
            hashed.update(block)
        nulls, bounds = footer(pq.read_metadata(self.path), self.slice.spec.without_bounds)
        status, digest = os.fstat(self._file.fileno()), hashed.hexdigest()
        self._file.close()
        target = self.path.with_name(name_of(digest))
        staged = StagedFile(
            str(target.relative_to(self.root)),
            self.partition,
            status.st_size,
            self.rows,
            int(status.st_mtime * 1000),
            digest,
            nulls,
            bounds,
        )
        refuse_strays(staged, self.slice)
        self.path.rename(target)
        staging = Staging(self.root, self.slice, uuid.uuid4().hex[:12], [staged], pa.schema([]) if self._added is None else self._added)
        sync_folders(staging)
        return staging

    def discard(self) -> None:
        """Take it away, unless it has its name already."""
        with suppress(OSError):  # what could not be written is not missed
            self._file.close()
        self.path.unlink(missing_ok=True)

    def _is_enough(self) -> bool:
        rows, size = (sum(getattr(one, name) for one in self._pending) for name in ("num_rows", "nbytes"))
        return bool(rows >= ROW_GROUP or size >= GROUP_BYTES) and (self._writer is not None or size > SMALL_BYTES)

    def _write(self, table: pa.Table, compression: str) -> None:
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, compression=compression, **OPTIONS)
        self._writer.write_table(table.combine_chunks(), row_group_size=ROW_GROUP)
        for name, column in zip(table.column_names, table.columns, strict=True):
            self.sizes[name] = self.sizes.get(name, 0) + column.nbytes

    def _say(self, footer_says: Mapping[str, str]) -> None:
        """Write the footer once more, with what it says besides: that is only known now, and the row groups stay where they are."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        written = pq.read_metadata(self.path)
        sink = pa.BufferOutputStream()
        with pq.ParquetWriter(sink, written.schema.to_arrow_schema(), **OPTIONS) as writer:
            writer.add_key_value_metadata(dict(footer_says))
        whole = pq.read_metadata(pa.BufferReader(sink.getvalue()))
        whole.append_row_groups(written)
        sink = pa.BufferOutputStream()
        whole.write_metadata_file(sink)
        end = self._file.seek(-TAIL, os.SEEK_END)
        self._file.seek(end - int.from_bytes(self._file.read(TAIL)[:4], "little"))
        self._file.truncate()
        self._file.write(memoryview(sink.getvalue())[4:])  # without the mark at the beginning of a file of its own
        self._file.flush()


def grown(
    root: Path, slice_: Slice, frames: Iterable[pl.DataFrame], footer_says: Callable[[Growing], Mapping[str, str]] | None = None
) -> Staging:
    """Write the rows of the only partition of a slice, which come in their order, into one file. Without a row there is none.

    If its footer has something to say, made once all rows are written, there is a file whatever comes. Raises what `add` raises; then
    nothing is left.
    """
    growing = Growing(root, slice_)
    try:
        for frame in frames:
            growing.add(frame)
        if growing.rows or footer_says:
            growing.close()
            return growing.finish(footer_says(growing) if footer_says else None)
    except BaseException:
        growing.discard()
        raise
    growing.discard()
    return nothing_staged(root, slice_)


def is_left(path: Path) -> bool:
    """Whether nobody will finish a file that somebody began to write. One without a byte may be about to be locked."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return os.fstat(file.fileno()).st_size > 0
    except (BlockingIOError, FileNotFoundError):
        return False
