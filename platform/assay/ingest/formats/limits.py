"""Bounds of what a stranger may let land, beside `most_bytes`: each is a sentence that names the bound, and none is memory that is gone.

A record is held several times over while it is read: as bytes, as text, as values. So a long one is refused before it is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.ingest.formats.content import Content

MOST_OF_A_RECORD = 1 << 24  # bytes of a line or row; of JSON up to seventy times as many are held while it is read
MOST_COLUMNS = 1 << 14  # of a file, as many as a spreadsheet has
MOST_NESTED = 100  # values within values

TOO_LONG = f"a line has more than {MOST_OF_A_RECORD:,} bytes, which is more than a record may have"
NO_WHOLE_ROW = f"its first {MOST_OF_A_RECORD:,} bytes hold no whole row, and a row may not have more"


def line_too_long(content: Content | memoryview, most: int = MOST_OF_A_RECORD) -> int | None:
    """The number of the first line that is longer than a record may be; None if none is. Looks at few bytes of a file that is fine."""
    text, at = bytes(content) if isinstance(content, memoryview) else content, 0
    while len(text) - at > most:
        found = max(text.rfind(b"\n", at, at + most + 1), text.rfind(b"\r", at, at + most + 1))
        if found < 0:
            return text.count(b"\n", 0, at) + 1
        at = found + 1
    return None
