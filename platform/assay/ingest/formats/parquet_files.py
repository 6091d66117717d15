"""Parquet files as text: every value in its one spelling (`text_values`), in the order of the file.

A small file can hold much: one value repeated a billion times takes some bytes. So strings are read with their dictionary and sizes are
counted before they are spelled out. What types mean that Arrow does not know is the business of `parquet_types`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from assay.ingest.formats.content import BIGGER, BLOCK, unreadable
from assay.ingest.formats.file_faults import columns_fault, named, one_line, words_of
from assay.ingest.formats.legacy_calendar import HINT, Legacy, OldCalendar, refuse_old, refuse_old_ticks
from assay.ingest.formats.parquet_footer import DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY, Malformed, Promise, promise_of
from assay.ingest.formats.parquet_types import ENUM, fault_of_types, told
from assay.ingest.formats.streamed_content import Stored, anywhere
from assay.ingest.formats.text_values import NoText, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow.parquet as pq

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.formats.content import Content
    from assay.ingest.landing_file import LandingFile

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
ROWS, BATCH_BYTES = 1 << 16, 1 << 26
USUAL = 16  # bytes that a value may well have as text
SHORTEST = 5  # bytes of the shortest value in an Arrow array of text
INT96 = "INT96"


def read_parquet(file: LandingFile, source: LandingSource, content: Content) -> pa.Table:
    """Read a Parquet file into its contract's landing columns, all text. Raises FileUnreadable, naming the row group where there is one."""
    return pa.concat_tables(_tables(file, source, content))


def stream_parquet(file: LandingFile, source: LandingSource, size: int) -> Iterator[pa.Table]:
    """The same, batch by batch, from the file where it lies; `size` is about what each may take in memory. Raises FileUnreadable late."""
    with anywhere(file, source.most_bytes) as opened:
        yield from _tables(file, source, Stored(opened), size)


def _tables(file: LandingFile, source: LandingSource, content: Content | Stored, size: int = BATCH_BYTES) -> Iterator[pa.Table]:
    """The rows, batch by batch, after a table without any."""
    if fault := _fault_of_ends(content):
        raise unreadable(file, fault)
    group, found = None, 0
    try:
        readers = Readers.of(content, source.most_bytes, size)
        if fault := readers.fault(source):
            raise unreadable(file, fault, hint=BIGGER if "bytes" in fault else None)
        yield pa.table({name: pa.array([], pa.string()) for name in source.columns})
        for group in range(readers.groups):
            for batch in readers.batches(group):
                found += sum(map(_size_of, batch.columns))
                if found > source.most_bytes:
                    raise unreadable(file, f"its values have more than {source.most_bytes:,} bytes", hint=BIGGER)
                yield _text(batch, source)
    except OldCalendar as error:
        raise unreadable(file, one_line(error), hint=HINT) from error
    except (pa.ArrowException, Malformed, NoText, OSError, UnicodeDecodeError, RecursionError) as error:
        where = "" if group is None else f"row group {group}: "
        ours = isinstance(error, (Malformed, NoText))
        raise unreadable(file, where + (one_line(error) if ours else words_of(error, source))) from error


def _fault_of_ends(content: Content | Stored) -> str | None:
    first, last = content[: len(MAGIC)], content[-len(MAGIC) :]
    if ENCRYPTED in (first, last):
        return "it is an encrypted Parquet file"
    if first != MAGIC:
        return "it is no Parquet file: it does not begin with PAR1"
    return None if last == MAGIC and len(content) > len(MAGIC) * 2 else "it was cut: it does not end with PAR1"


@dataclass(frozen=True, slots=True)
class Readers:
    """A Parquet file, opened to read strings with their dictionary, where Arrow can: not those whose pages have the encodings of deltas.

    INT96 times span more than Arrow's nanoseconds, which wrap around unseen: so `micros` reads them once more. `rows` are read at once:
    fewer where strings that are read without a dictionary could be much longer than their pages.
    """

    promise: Promise
    legacy: Legacy
    groups: int
    rows: int
    leaves: Sequence[pq.ColumnSchema]
    values: pq.ParquetFile
    micros: pq.ParquetFile

    @classmethod
    def of(cls, content: Content | Stored, most: int, size: int = BATCH_BYTES) -> Readers:
        """Open a file. Raises ArrowException, Malformed or OSError for a footer that cannot be read."""
        import pyarrow.parquet as pq

        metadata = pq.read_metadata(_readable(content))
        leaves = [metadata.schema.column(number) for number in range(metadata.num_columns)]
        promise, strings, longest = promise_of(content), list[str](), 0
        for leaf, pages in zip(leaves, promise.leaves, strict=False):  # a file without row groups has no pages
            if leaf.physical_type != "BYTE_ARRAY" or leaf.logical_type.type == "DECIMAL":
                continue
            is_nested_enum = leaf.converted_type == ENUM and leaf.path != leaf.name
            if is_nested_enum or pages.encodings & {DELTA_BYTE_ARRAY, DELTA_LENGTH_BYTE_ARRAY}:
                longest += pages.largest if is_nested_enum or pages.encodings != {DELTA_LENGTH_BYTE_ARRAY} else 0
            else:
                strings.append(leaf.path)
        width = sum(max(leaf.length, USUAL) for leaf in leaves) or 1
        rows = max(1, min(ROWS, size // width, most // max(longest, 1)))

        def opened(unit: str) -> pq.ParquetFile:
            return pq.ParquetFile(
                _readable(content), read_dictionary=strings, coerce_int96_timestamp_unit=unit, page_checksum_verification=True,
                buffer_size=0 if isinstance(content, (bytes, bytearray)) else BLOCK,
            )  # fmt: skip

        legacy = Legacy.of(metadata.metadata or {})
        return cls(promise, legacy, metadata.num_row_groups, rows, leaves, opened("ns"), opened("us"))

    @property
    def old_times(self) -> list[str]:
        """The columns of INT96 times."""
        return [leaf.path for leaf in self.leaves if leaf.physical_type == INT96]

    def fault(self, source: LandingSource) -> str | None:
        """What is wrong with what the footer says, looked at before anything is unpacked; None if nothing is."""
        if fault := columns_fault(self.values.schema_arrow.names, source):
            return f"its schema {fault}"
        if nested := [leaf.path for leaf in self.leaves if leaf.physical_type == INT96 and leaf.path != leaf.name]:
            return f"the column {named(nested)} holds INT96 times inside other values, which cannot be read without loss"
        if fault := fault_of_types(self.leaves, self.promise.variants):
            return fault
        most, bytes_ = source.most_bytes, max(self.promise.bytes, self.promise.values * SHORTEST)
        return f"its columns unpack to {bytes_:,} bytes, and {most:,} are the most" if bytes_ > most else None

    def batches(self, group: int) -> Iterator[pa.RecordBatch]:
        """The rows of a row group, checked to be what Arrow takes them for, in batches of bounded size."""
        asked = {"batch_size": self.rows, "row_groups": [group], "use_threads": False}
        again = self.micros.iter_batches(columns=self.old_times, **asked) if self.old_times else None
        for batch in self.values.iter_batches(**asked):
            batch.validate(full=True)
            columns = told(dict(zip(batch.schema.names, batch.columns, strict=True)), self.leaves)
            for name, values in columns.items() if self.legacy.dates else ():
                refuse_old(name, values)
            if again is not None:
                exact = list(zip(self.old_times, next(again).columns, strict=True))
                for name, micros in exact if self.legacy.int96 else ():
                    refuse_old_ticks(name, micros.cast(pa.int64()), "us")
                columns |= {name: _int96_text(columns[name], micros) for name, micros in exact}
            yield pa.RecordBatch.from_pydict(columns)


def _readable(content: Content | Stored) -> pa.NativeFile:
    return pa.BufferReader(content) if isinstance(content, (bytes, bytearray)) else pa.PythonFile(content.again(), mode="r")


def _int96_text(nanos: pa.Array, micros: pa.Array) -> pa.Array:
    """Both arrays are right in their lowest 64 bits, and the microseconds are right: the three digits that they lack follow from that."""
    import numpy as np

    whole, thousands = (values.fill_null(0).cast(pa.int64()).to_numpy().astype(np.uint64) for values in (nanos, micros))
    rest = pa.array((whole - thousands * np.uint64(1000)).astype(np.int64))
    digits = pc.utf8_lpad(rest.cast(pa.string()), width=3, padding="0")
    return pc.binary_join_element_wise(text_of(micros), digits, "")


def _size_of(array: pa.Array) -> int:
    """The bytes of the values once each stands for itself: a dictionary holds only once what is repeated."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = pc.binary_length(array.dictionary).take(array.indices)
        return int(pc.sum(lengths).as_py() or 0) + SHORTEST * len(array)
    if pa.types.is_map(kind):
        return _size_of(array.keys) + _size_of(array.items)
    if pa.types.is_nested(kind):
        inner = array.flatten()
        return sum(map(_size_of, inner)) if isinstance(inner, list) else _size_of(inner)
    return max(int(array.nbytes), SHORTEST * len(array))


def _text(batch: pa.RecordBatch, source: LandingSource) -> pa.Table:
    found = dict(zip(batch.schema.names, batch.columns, strict=True))
    return pa.table({name: text_of(found[name]) if name in found else pa.nulls(batch.num_rows, pa.string()) for name in source.columns})
