"""The rows of a text file by its contract's dialect, exactly: where each begins and ends, what its values are, and which line is at fault.

Slow, so it reads first rows, and files that are suspect. All others are read by Arrow, which forgives much: `respelled` says the same rows
so that Arrow cannot take them for others.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from assay.ingest.formats.limits import MOST_COLUMNS, MOST_OF_A_RECORD, NO_WHOLE_ROW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.language.dialect import Dialect

    Bytes = bytes | bytearray | memoryview

LINE_END = re.compile(r"\r\n|\r|\n")
NULL = "N"  # behind an escape, as a whole value: how MySQL and PostgreSQL write that there is none
PREFIX = 1 << 16
MISQUOTED = "a quote that does not open or close a whole value"
MISESCAPED = "an escape before a character that needs none"


class Misread(Exception):
    """What is wrong with a line that is not spelled in the dialect."""

    def __init__(self, line: int, fault: str) -> None:
        self.line = line
        super().__init__(f"line {line}: {fault}")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line on which it begins, its values, and where it ends. An empty line has no values."""

    line: int
    values: tuple[str, ...]
    end: int
    is_closed: bool


class Spelling(NamedTuple):
    """A dialect as expressions: a whole value, the escapes of one in quotes and of one without, and the fault of what is no value."""

    value: re.Pattern[str]
    in_quotes: re.Pattern[str] | None
    in_bare: re.Pattern[str] | None
    fault: str

    def read(self, value: re.Match[str]) -> str:
        """The value that a match of `value` spells."""
        quoted, bare = value["quoted"], value["bare"]
        text, escapes = (bare, self.in_bare) if quoted is None else (quoted, self.in_quotes)
        return escapes.sub(lambda found: found[0][1:], text) if escapes else text


def rows_of(text: str, dialect: Dialect, line: int = 1) -> Iterator[Row]:
    """The rows of a text, empty lines too, without comments; its first line has the number `line`.

    Raises Misread for a quote or an escape that the dialect does not have.
    """
    at, spelling = 0, _spelling(dialect)
    while at < len(text):
        row = None if dialect.comment_char and text.startswith(dialect.comment_char, at) else _row(text, at, line, spelling, dialect)
        end = row.end if row else _behind_line(text, at)
        line, at = line + len(LINE_END.findall(text, at, end)), end
        if row:
            yield row


def _row(text: str, at: int, line: int, spelling: Spelling, dialect: Dialect) -> Row:
    values, begin = list[str](), at
    while True:
        value = spelling.value.match(text, at)
        if value is None:
            raise Misread(line + len(LINE_END.findall(text, begin, at)), spelling.fault)
        values.append(spelling.read(value))
        if len(values) > MOST_COLUMNS:
            raise Misread(line, f"a row has more than {MOST_COLUMNS:,} values")
        at = value.end()
        if not text.startswith(dialect.delimiter, at):
            break
        at += 1
    end = LINE_END.match(text, at)
    is_empty = at == begin
    return Row(line, () if is_empty else tuple(values), end.end() if end else at, end is not None)


def _behind_line(text: str, at: int) -> int:
    end = LINE_END.search(text, at)
    return end.end() if end else len(text)


@lru_cache(maxsize=64)
def _spelling(dialect: Dialect) -> Spelling:
    delimiter, quote, escape = (re.escape(one) for one in (dialect.delimiter, dialect.quote_char, dialect.escape_char))
    behind = rf"(?={delimiter}|\r|\n|\Z)"
    if quote:
        value = rf"{quote}(?P<quoted>(?:{_inside(dialect)})*+){quote}{behind}|(?P<bare>[^{quote}{delimiter}\r\n]*+){behind}"
        escapes = ([f"{escape}[{quote}{escape}]"] if escape else []) + ([quote * 2] if dialect.double_quote else [])
        return Spelling(re.compile(value), re.compile("|".join(escapes)) if escapes else None, None, MISQUOTED)
    escapes = [rf"{escape}[{delimiter}{escape}\r\n]"] if escape else []
    kinds = "|".join([rf"[^{delimiter}{escape}\r\n]", *escapes])
    null = f"{escape}{NULL}{behind}|" if escape else ""
    value = rf"(?P<quoted>(?!))|(?P<bare>{null}(?:{kinds})*+){behind}"
    return Spelling(re.compile(value), None, re.compile(escapes[0]) if escapes else None, MISESCAPED)


def _inside(dialect: Dialect) -> str:
    """What may stand between quotes, one after the other."""
    quote, escape = re.escape(dialect.quote_char), re.escape(dialect.escape_char)
    kinds = [f"[^{quote}{escape}]++", *([f"{escape}[{quote}{escape}]?"] if escape else []), *([quote * 2] if dialect.double_quote else [])]
    return "|".join(kinds)


def first_row(data: Bytes, dialect: Dialect) -> tuple[Row | None, int]:
    """The first row that is no empty line, and how many bytes of UTF-8 end with it. Raises Misread, UnicodeDecodeError."""
    for size in (PREFIX, MOST_OF_A_RECORD):
        is_all = size >= len(data)
        text = codecs.getincrementaldecoder("utf-8")().decode(bytes(data[:size]), is_all)
        try:
            row = next((row for row in rows_of(text, dialect) if row.values), None)
        except Misread:
            if is_all:
                raise
            continue  # it may only be cut
        if row and (is_all or row.end < len(text)):
            return row, len(text[: row.end].encode())
        if is_all:
            return None, len(data)
    raise Misread(1, NO_WHOLE_ROW)


class Misspelled(Exception):
    """A quote or an escape that is not the dialect's stands somewhere: `rows_of` knows where."""


def respelled(data: Bytes, dialect: Dialect) -> Bytes:
    """The same rows for a parser that takes an escape for one wherever it stands, and knows no comments. `data` begins with a line.

    Raises Misspelled for what Arrow would forgive: a value that nothing closes would swallow all the rows that follow.
    """
    comment, quote, escape = (one.encode() for one in (dialect.comment_char, dialect.quote_char, dialect.escape_char))
    tokens, escapes = tokens_of(dialect), _escapes(dialect)
    if not any(one and re.search(re.escape(one), data) for one in (comment, escape)):
        if quote and re.search(re.escape(quote), data) and any(token["odd"] is not None for token in tokens.finditer(data)):
            raise Misspelled
        return data

    def again(token: re.Match[bytes]) -> bytes:
        if token["odd"] is not None:
            raise Misspelled
        if token[0][:1] in {b"\r", b"\n"} or (comment and token[0].startswith(comment)):
            return _line_end(token[0])  # what is left of a comment
        return (
            escapes.sub(lambda found: found[0] if found[0][1:] else found[0] * 2, token[0]) if escape and escape in token[0] else token[0]
        )

    return tokens.sub(again, data)


def _line_end(comments: bytes) -> bytes:
    found = re.match(rb"\r\n|\r|\n", comments)
    return found[0] if found else b""


@lru_cache(maxsize=64)
def tokens_of(dialect: Dialect) -> re.Pattern[bytes]:
    """What may not be taken by its single characters: comments with the line end before them, whole values in quotes, escapes.

    Each alternative begins with a character, and what stands before it is looked at behind that: so whatever is between them is skipped
    fast, which halves the time of files with many quotes.
    """
    comment, quote, escape, delimiter = map(re.escape, (dialect.comment_char, dialect.quote_char, dialect.escape_char, dialect.delimiter))
    after, found = rf"(?=[{delimiter}\r\n]|\Z)", list[str]()

    def first(character: str) -> str:
        return rf"{character}(?:(?<=[{delimiter}\r\n]{character})|(?<=\A{character}))"

    if comment:
        lines = rf"(?:{comment}[^\r\n]*+(?:\r\n|\r|\n|\Z))"
        found += [rf"\r\n{lines}++", rf"\r{lines}++", rf"\n{lines}++", rf"{comment}(?<=\A{comment})[^\r\n]*+(?:\r\n|\r|\n|\Z){lines}*+"]
    if quote:
        found += [f"{first(quote)}(?:{_inside(dialect)})*+{quote}{after}", *([escape] if escape else []), f"{quote}(?P<odd>)"]
    elif escape:
        found += [rf"{escape}[{delimiter}{escape}\r\n]", f"{first(escape)}{NULL}{after}", f"{escape}(?P<odd>)"]
    else:
        found += ["(?P<odd>(?!))"]
    return re.compile("|".join(found).encode())


@lru_cache(maxsize=64)
def _escapes(dialect: Dialect) -> re.Pattern[bytes]:
    """An escape with what it escapes, if that is anything."""
    quote, escape, delimiter = map(re.escape, (dialect.quote_char, dialect.escape_char, dialect.delimiter))
    escaped = f"[{quote}{escape}]" if quote else rf"[{delimiter}{escape}\r\n]"
    return re.compile(f"{escape}{escaped}?".encode())
