"""Faults: where and why a landing file cannot be read.

Slow and exact, and run only for a file that has failed or is suspect: values may hold line ends, so the number of a row is not its line.
No value is quoted in a message, because messages end in logs.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.contracts.model import LandingSource
    from assay.ingest.landing import LandingFile

STEP = 1 << 12
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*(?P<closed>"?)')
BEFORE, AFTER = ",\r\n\ufeff", ",\r\n"
LONGEST_VALUE = 1 << 30


def cut_compression(file: LandingFile, error: OSError) -> str:
    """Why a compressed file cannot be unpacked, and the line that could still be read."""
    import pyarrow as pa

    lines = 1
    try:
        with pa.input_stream(str(file.path), compression="detect") as stream:
            while block := stream.read(STEP):
                lines += block.count(b"\n")
    except OSError:
        pass  # the error that is being explained
    return f"line {lines}: {error}".rstrip(".")


def undecodable(error: UnicodeDecodeError) -> str:
    """The line on which the first byte stands that the encoding does not have."""
    return f"line {error.object[: error.start].count(10) + 1}: not {error.encoding}: {error.reason}"


def wrong_header(found: Sequence[str], wanted: Sequence[str]) -> str:
    """How the first line differs from the contract's landing columns."""
    missing, unknown = [name for name in wanted if name not in found], [name for name in found if name not in wanted]
    said = [f"has no column {', '.join(missing)}"] if missing else []
    said += [f"has the unknown column {', '.join(unknown)}"] if unknown else []
    said += ["names a column twice"] if not said else []
    return f"line 1: the header {' and '.join(said)}"


def misplaced_quote(content: bytes, source: LandingSource) -> str | None:
    """The line of the first quote that neither opens nor closes a whole value; None if all do.

    Pyarrow forgives them: a value that nothing closes would swallow all the rows that follow, as in a file that was cut.
    """
    try:
        text = content.decode(source.encoding)
    except UnicodeDecodeError as error:
        return undecodable(error)
    for value in QUOTED.finditer(text):
        start, end = value.span()
        is_whole = (start == 0 or text[start - 1] in BEFORE) and (end == len(text) or text[end] in AFTER)
        if not (is_whole and value.group("closed")):
            return f"line {text[:start].count(chr(10)) + 1}: a quote that does not open or close a whole value"
    return None


def fault_of_rows(content: bytes, source: LandingSource) -> str | None:
    """The line of a CSV file that cannot be decoded, or that has too few or too many values; None if no line is at fault."""
    try:
        text = content.decode(source.encoding)
    except UnicodeDecodeError as error:
        return undecodable(error)
    csv.field_size_limit(LONGEST_VALUE)
    rows, width, line = csv.reader(io.StringIO(text, newline="")), 0, 1
    for row in rows:
        width = width or len(row)
        if row and len(row) != width:
            return f"line {line}: expected {width} values, found {len(row)}"
        line = rows.line_num + 1
    return "line 1: the file has no header that ends" if line <= 2 else None
