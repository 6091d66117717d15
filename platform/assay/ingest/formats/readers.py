"""Readers: a landing file as a table of text, exactly as received.

No type is guessed and nothing is dropped: each column holds the text that the file has, or the one spelling of its typed value
(`text_values`). Absent values are null. A file that cannot be read at all raises FileUnreadable with file and line. How it is packed is
told by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from assay.errors import FileUnreadable
from assay.ingest.formats.avro_files import read_avro, stream_avro
from assay.ingest.formats.content import TooLargeToHold, content_of
from assay.ingest.formats.csv_files import read_csv, stream_csv
from assay.ingest.formats.json_lines import read_json_lines, stream_json_lines
from assay.ingest.formats.nested import Elements, of_the_file, unnested
from assay.ingest.formats.parquet_files import read_parquet, stream_parquet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.landing_file import LandingFile

READERS = {"csv": read_csv, "jsonl": read_json_lines, "parquet": read_parquet, "avro": read_avro}
STREAMS = {"csv": stream_csv, "jsonl": stream_json_lines, "parquet": stream_parquet, "avro": stream_avro}


def read_text(file: LandingFile, source: LandingSource, held: int | None = None) -> pa.Table:
    """Read a file into its contract's landing columns, all text (Arrow string), one row per record, in file order.

    Raises FileUnreadable, naming file and line, and TooLargeToHold for one of more than about `held` bytes.
    """
    if held is not None and source.format in ("parquet", "avro"):  # what they hold may be a thousand times what they are
        return _gathered(stream_text(file, source, held), held)
    read = _of_format(READERS, file, source)
    return unnested(read(file, of_the_file(source), content_of(file, source.most_bytes, held)), source, file)


def _gathered(tables: Iterator[pa.Table], held: int) -> pa.Table:
    found, size = list[pa.Table](), 0
    for table in tables:
        found.append(table)
        size += table.nbytes
        if size > held:
            raise TooLargeToHold
    return pa.concat_tables(found)


def stream_text(file: LandingFile, source: LandingSource, size: int) -> Iterator[pa.Table]:
    """The same rows in tables that are made of about `size` bytes each, so that the file is never held. There is one at least.

    Raises FileUnreadable once what is at fault is reached: who reads must not publish what came before.
    """
    of_file, before = of_the_file(source), Elements()
    for table in _of_format(STREAMS, file, source)(file, of_file, size):
        yield unnested(table, source, file, before)


Read = TypeVar("Read")


def _of_format(readers: Mapping[str, Read], file: LandingFile, source: LandingSource) -> Read:
    if source.format not in readers:
        raise FileUnreadable(
            f"Tried to read {file.shown}; its contract says the format {source.format!r}.", hint=f"Known formats: {', '.join(READERS)}."
        )
    return readers[source.format]
