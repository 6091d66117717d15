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
    from assay.ingest.content import Content

SHOWN, LONGEST_NAME, LONGEST_FAULT = 5, 60, 300
QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*(?P<closed>"?)')
BEFORE, AFTER = ",\r\n\ufeff", ",\r\n"
LONGEST_VALUE = 1 << 30


def undecodable(error: UnicodeDecodeError) -> str:
    """The line on which the first byte stands that the encoding does not have."""
    return f"line {error.object[: error.start].count(10) + 1}: not {error.encoding}: {error.reason}"


def columns_fault(found: Sequence[str], source: LandingSource) -> str | None:
    """How the columns of a file differ from the contract's landing columns, in any order; None if they do not.

    Where none is as it should be, a first row may stand where the names should: what stands there is not said then.
    """
    there, known = set(found), set(source.columns)
    if not there & known:
        return "has none of the contract's columns"
    missing = [name for name in source.columns if name not in there and name not in source.optional]
    unknown = [name for name in found if name not in known]
    said = [f"has no column {named(missing)}"] if missing else []
    said += [f"has the unknown column {named(unknown)}"] if unknown else []
    said += ["names a column twice"] if not said and len(there) < len(found) else []
    return " and ".join(said) or None


def named(names: Sequence[str]) -> str:
    """Some names for a message: not all of ten thousand, none that fills a page or breaks the line."""
    shown = [ascii(name)[1:-1] if not name.isprintable() else name for name in (one[:LONGEST_NAME] for one in names[:SHOWN])]
    return ", ".join(shown) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def one_line(error: BaseException) -> str:
    """What a library says of a fault, as part of a sentence of ours."""
    return " ".join(str(error).split())[:LONGEST_FAULT].rstrip(".") or type(error).__name__


def misplaced_quote(content: Content, source: LandingSource) -> str | None:
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


def fault_of_rows(content: Content, source: LandingSource) -> str | None:
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
