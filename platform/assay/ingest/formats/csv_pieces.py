"""Text files in pieces that each end with a row, so that each can be read by itself: a line end in a value is none of a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.ingest.formats.csv_rows import Misread, first_row, tokens_of
from assay.ingest.formats.limits import MOST_OF_A_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from assay.contracts.language.dialect import Dialect
    from assay.ingest.formats.csv_rows import Bytes


def whole_rows(pieces: Iterable[bytes], dialect: Dialect) -> Iterator[bytes]:
    """The text of the pieces, cut behind rows, of which the first has one at least.

    Where none ends for longer than a row may be, the rest comes as it is, for a reader to refuse.
    """
    rest, begun = b"", False
    for piece in pieces:
        rest += piece
        end = end_of_rows(rest, dialect)
        if not end and len(rest) > 2 * MOST_OF_A_RECORD:
            end = len(rest)
        if end and (begun or _has_row(rest[:end], dialect)):
            yield rest[:end]
            rest, begun = rest[end:], True
    if rest or not begun:
        yield rest


def _has_row(data: bytes, dialect: Dialect) -> bool:
    """Whether there is more than comments and empty lines, which do not say what the columns are."""
    try:
        return first_row(data, dialect)[0] is not None
    except (Misread, UnicodeDecodeError):
        return True  # as the reader will say


def end_of_rows(data: bytes, dialect: Dialect) -> int:
    """Where the last row of a text ends that is whole; 0 if none does. The text begins with a row, and more of it may follow."""
    ends = (b"\n",) if b"\n" in data else (b"\r",)  # behind the last byte another one may belong to the same line end
    comment, quote, escape = (one.encode() for one in (dialect.comment_char, dialect.quote_char, dialect.escape_char))
    if (escape and escape in data) or (comment and comment in data):
        return _last_outside_of_tokens(data, dialect, ends[0])
    return _last_outside_of_quotes(data, quote, ends[0])


def _last_outside_of_quotes(data: bytes, quote: bytes, end: bytes) -> int:
    """A quote within quotes is written twice, so behind an even number of quotes none is open."""
    before, open_ = len(data) - (end == b"\r"), data.count(quote) % 2 if quote else 0
    if end == b"\r" and quote and data.endswith(quote):
        open_ ^= 1
    while (at := data.rfind(end, 0, before)) >= 0:
        open_ ^= data.count(quote, at, before) % 2 if quote else 0
        if not open_:
            return at + 1
        before = at
    return 0


def _last_outside_of_tokens(data: bytes, dialect: Dialect, end: bytes) -> int:
    """Whole values in quotes, escapes and comments are stepped over; behind a comment a row begins."""
    last, behind, stop = 0, 0, len(data) - (end == b"\r")
    for token in tokens_of(dialect).finditer(data):
        if token["odd"] is not None:  # it may be closed by what follows
            return max(last, data.rfind(end, behind, min(token.start(), stop)) + 1)
        last = max(last, data.rfind(end, behind, min(token.start(), stop)) + 1)
        behind = token.end()
        if token[0][:1] in {b"\r", b"\n"} and behind < len(data):
            last = behind
    return max(last, data.rfind(end, behind, stop) + 1)


def line_ends(data: Bytes) -> int:
    """The number of line ends in a text: LF, CRLF or CR."""
    text = bytes(data)
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")
