"""Readers: a landing file as a table of text, exactly as received.

No type is guessed and nothing is dropped: each column holds the text that the file has, or the one spelling of its typed value (`typed`).
Absent values are null. A file that cannot be read at all raises FileUnreadable with file and line. How it is packed is told by its name.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from assay.errors import FileUnreadable
from assay.ingest.avro_files import read_avro
from assay.ingest.content import content_of
from assay.ingest.csv_files import read_csv
from assay.ingest.json_lines import read_json_lines
from assay.ingest.nested import of_the_file, unnested
from assay.ingest.parquet_files import read_parquet

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.landing import LandingFile

READERS = {"csv": read_csv, "jsonl": read_json_lines, "parquet": read_parquet, "avro": read_avro}


def read_text(file: LandingFile, source: LandingSource) -> pa.Table:
    """Read a file into its contract's landing columns, all text (Arrow string), one row per record, in file order.

    Raises FileUnreadable, naming file and line.
    """
    read = READERS.get(source.format)
    if read is None:
        raise FileUnreadable(
            f"Tried to read {file.shown}; its contract says the format {source.format!r}.", hint=f"Known formats: {', '.join(READERS)}."
        )
    with ExitStack() as turn:
        return unnested(read(file, of_the_file(source), content_of(file, source.most_bytes, turn)), source, file)
