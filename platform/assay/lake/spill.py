"""Spill: rows that wait on disk and not in memory, in a file that has no name: it goes with its process, however that ends.

What is sorted and merged out of it is for others to say. It is written first and read then, in any order.
"""

from __future__ import annotations

import tempfile
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl
    import pyarrow as pa


class Spill:
    """Frames of one schema, on the disk of `folder`, numbered from 0 in the order in which they were added.

    There are so many `rows` in so many `frames`, and `size` bytes of them on the disk, until nobody has this any more.
    """

    def __init__(self, folder: Path) -> None:
        self.rows, self.frames, self.size = 0, 0, 0
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # it lives as long as this
        weakref.finalize(self, self._file.close)
        self._writer: pa.ipc.RecordBatchFileWriter | None = None
        self._reader: pa.ipc.RecordBatchFileReader | None = None

    def add(self, frame: pl.DataFrame) -> None:
        """Write a frame, if it has rows."""
        import polars as pl
        import pyarrow as pa

        if frame.is_empty():
            return
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
        if self._writer is None:
            self._writer = pa.ipc.new_file(self._file, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4"))
        for batch in table.to_batches():
            self._writer.write_batch(batch)
            self.frames += 1
        self.rows += frame.height
        self.size = self._file.tell()

    def read(self, number: int) -> pl.DataFrame:
        """One of the frames. None can be added from then on."""
        import polars as pl
        import pyarrow as pa

        if self._reader is None:
            assert self._writer is not None  # noqa: S101  # there is a frame
            self._writer.close()
            self._reader = pa.ipc.open_file(self._file)
        frame = pl.from_arrow(pa.Table.from_batches([self._reader.get_batch(number)]))
        assert isinstance(frame, pl.DataFrame)  # noqa: S101  # from_arrow of a table is a frame
        return frame

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """All frames, one after the other."""
        return map(self.read, range(self.frames))
