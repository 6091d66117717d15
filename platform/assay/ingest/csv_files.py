"""CSV files as text, as received: nothing is trimmed, guessed or dropped. RFC 4180 with LF, CRLF or CR at the end of a line.

Arrow parses, because it refuses rows that are too short; what it forgives (stray quotes) or does not explain is found by `faults`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.ingest.content import not_text, unreadable
from assay.ingest.faults import columns_fault, fault_of_rows, misplaced_quote

if TYPE_CHECKING:
    from assay.contracts.model import LandingSource
    from assay.ingest.content import Content
    from assay.ingest.landing import LandingFile

BLOCK, LARGEST_BLOCK = 1 << 20, (1 << 31) - 2
HEADER = re.compile(rb"[\r\n]*[^\r\n]*")
TOO_LONG = "straddling object"  # Arrow's words for a row that is longer than a block


def read_csv(file: LandingFile, source: LandingSource, content: Content) -> pa.Table:
    """Read a CSV file into its contract's landing columns, all text; an absent optional column is null.

    Raises FileUnreadable with the line.
    """
    if fault := not_text(content) or (misplaced_quote(content, source) if b'"' in content else None):
        raise unreadable(file, fault)
    table, names = _table(file, content, source)
    if fault := columns_fault(names, source):
        raise unreadable(file, f"line 1: the header {fault}")
    for name in source.columns:
        if name not in names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table.select(source.columns)


def _table(file: LandingFile, content: Content, source: LandingSource, block: int = BLOCK) -> tuple[pa.Table, list[str]]:
    """The file and the names of its columns; if a row is longer than a block, the whole file is read again as one."""
    try:
        table = _parsed(content, source, block)
        names = table.column_names
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        fault = fault_of_rows(content, source)
        if fault or block != BLOCK or TOO_LONG not in str(error):
            raise unreadable(file, fault or "its lines cannot be told apart") from error
    else:
        return table, names
    return _table(file, content, source, min(len(content) + 1, LARGEST_BLOCK))


def _parsed(content: Content, source: LandingSource, block: int) -> pa.Table:
    from pyarrow import csv

    columns, header = list(source.columns), HEADER.match(content)
    return csv.read_csv(
        pa.BufferReader(content),
        read_options=csv.ReadOptions(use_threads=False, encoding=source.encoding, block_size=block),
        # an empty line is a value where there is one column, and nothing where there are more
        parse_options=csv.ParseOptions(newlines_in_values=b'"' in content, ignore_empty_lines=header is not None and b"," in header[0]),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
        ),
    )
