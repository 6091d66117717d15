"""Text files of separated values, as received: nothing is trimmed, guessed or dropped. Lines end with LF, CRLF or CR.

Arrow parses, because it refuses rows that are too short; what a contract's dialect has and Arrow does not is the business of `csv_rows`.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from assay.ingest.formats.content import not_text, unreadable
from assay.ingest.formats.csv_faults import fault_of_names, fault_of_rows, names_instead_of_a_row
from assay.ingest.formats.csv_pieces import line_ends, whole_rows
from assay.ingest.formats.csv_rows import Misread, Misspelled, first_row, respelled
from assay.ingest.formats.file_faults import undecodable
from assay.ingest.formats.limits import MOST_OF_A_RECORD, NO_WHOLE_ROW, TOO_LONG, line_too_long
from assay.ingest.formats.streamed_content import text_pieces, utf8_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.contracts.language.dialect import Dialect
    from assay.contracts.model.landing_source import LandingSource
    from assay.errors import FileUnreadable
    from assay.ingest.formats.content import Content
    from assay.ingest.formats.csv_rows import Bytes
    from assay.ingest.landing_file import LandingFile

BLOCK, PIECE = 1 << 20, 1 << 20
STRADDLES = "straddling object"  # Arrow's words for a row that is longer than a block
NO_HEADER = "the file has no header that ends"
NAMELESS = "\0"


def read_csv(file: LandingFile, source: LandingSource, content: Content) -> pa.Table:
    """Read a CSV file into its contract's landing columns, all text; an absent optional column is null.

    Raises FileUnreadable with the line.
    """
    if fault := not_text(content):
        raise unreadable(file, fault)
    try:
        data = utf8(content, source.encoding)
    except UnicodeDecodeError as error:
        raise _refused(file, source, undecodable(error)) from error
    return CsvRows(file, source).read(data)


def stream_csv(file: LandingFile, source: LandingSource, size: int) -> Iterator[pa.Table]:
    """The same, some `size` bytes of it at a time. Raises FileUnreadable as soon as a line is at fault: the rows before have been given."""
    rows = CsvRows(file, source)
    try:
        pieces = utf8_pieces(text_pieces(file, source.most_bytes, size), source.encoding)
        for data in whole_rows(pieces, source.dialect):
            yield rows.read(memoryview(data))
            rows.lines += line_ends(data)
    except Misread as error:
        raise _refused(file, source, str(error)) from error


@dataclass(slots=True)
class CsvRows:
    """The rows of one file, whose text is read at once or in parts that end with a row: what the first says holds for those that follow."""

    file: LandingFile
    source: LandingSource
    names: Sequence[str] | None = None
    surplus: int | None = None  # values behind the last column, as the first row has them
    lines: int = 0  # that were read before

    def read(self, data: memoryview) -> pa.Table:
        """The rows of the next part. Raises FileUnreadable with the line."""
        behind = 0
        if self.names is None:
            self.names, behind = self._header(data)
        wide = None if self.surplus is None else len(self.names) + self.surplus
        try:
            table = self._table(data[behind:], self.names)
        except (pa.ArrowInvalid, Misread, Misspelled, UnicodeDecodeError) as error:
            raise _refused(self.file, self.source, self._fault(data, self.names, wide, str(error))) from error
        for name in self.source.columns:
            if name not in self.names:
                table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
        return table.select(self.source.columns)

    def _header(self, data: memoryview) -> tuple[list[str], int]:
        source = self.source
        try:
            names, behind = names_of(data, source)
        except UnicodeDecodeError as error:
            raise _refused(self.file, source, undecodable(error)) from error
        except Misread as error:
            raise _refused(self.file, source, str(error)) from error
        is_cut = source.dialect.header and behind == len(data) and bytes(data[-1:]) not in {b"\r", b"\n"}
        if fault := NO_HEADER if is_cut else fault_of_names(names, data, source):
            raise _refused(self.file, source, f"line 1: {fault}")
        return names, behind

    def _fault(self, data: Bytes, names: Sequence[str], wide: int | None, said: str) -> str:
        """The line that is at fault, looked for where no row is too long to be looked at."""
        if STRADDLES in said or NO_WHOLE_ROW in said:
            line = line_too_long(data)
            return f"line {self.lines + line}: {TOO_LONG}" if line else f"a row has more than {MOST_OF_A_RECORD:,} bytes"
        return fault_of_rows(data, self.source.dialect, names, self.lines, wide) or "its lines cannot be told apart"

    def _table(self, body: Bytes, names: Sequence[str]) -> pa.Table:
        """The rows as a table of text, without values that are empty and have no column, as a delimiter at the end of each line makes them.

        Raises ArrowInvalid, Misspelled, Misread, UnicodeDecodeError.
        """
        dialect = self.source.dialect
        row, _ = first_row(body, dialect)
        if self.surplus is None and row:
            self.surplus = max(0, len(row.values) - len(names))
        columns = [*names, *(f"{NAMELESS}{number}" for number in range(self.surplus or 0))]
        body = respelled(body, dialect)
        if bytes(body[: len(codecs.BOM_UTF8)]) == codecs.BOM_UTF8:
            # that of the file is gone: this is part of a value, and Arrow takes one away
            body = codecs.BOM_UTF8 + bytes(body)
        if row is None and (len(names) > 1 or not len(body)):
            return pa.table({name: pa.array([], pa.string()) for name in names})
        try:
            table = _parsed(body, columns, dialect, BLOCK)
        except pa.ArrowInvalid as error:
            if STRADDLES not in str(error) or line_too_long(body):
                raise
            table = _parsed(body, columns, dialect, min(len(body) + 1, MOST_OF_A_RECORD))
        if any(pc.any(pc.not_equal(table.column(name), "")).as_py() for name in columns[len(names) :]):
            raise Misspelled
        return table.select(names)


def _refused(file: LandingFile, source: LandingSource, fault: str) -> FileUnreadable:
    return unreadable(
        file, fault, hint=f"The contract reads it with {source.dialect.shown}. Correct its `dialect`, or have the file sent again."
    )


def utf8(content: Content, encoding: str) -> memoryview:
    """The text of a file in UTF-8, without a byte order mark. Raises UnicodeDecodeError, but not for a file that says to be UTF-8."""
    if codecs.lookup(encoding).name not in {"utf-8", "utf-8-sig"}:
        decoder, found = codecs.getincrementaldecoder(encoding)(), bytearray()
        try:
            for at in range(0, len(content) or 1, PIECE):
                found += decoder.decode(content[at : at + PIECE], at + PIECE >= len(content)).encode()
        except UnicodeDecodeError:
            content.decode(encoding)  # tells the place in the file
            raise
        content = found
    return memoryview(content)[len(codecs.BOM_UTF8) :] if content.startswith(codecs.BOM_UTF8) else memoryview(content)


def names_of(data: Bytes, source: LandingSource) -> tuple[list[str], int]:
    """The columns of a file in its order, and the bytes before its rows. What has no name at the end of a header is no column.

    Elsewhere it is called by its place, `column_1`: pandas and R write the numbers of their rows without a name.
    Without a header these are the contract's columns, but for optional ones at the end that the first row has no values for.
    Raises Misread, UnicodeDecodeError.
    """
    row, behind = first_row(data, source.dialect)
    if source.dialect.header:
        if row is None:
            raise Misread(1, NO_HEADER)
        return _by_place(_without_nameless(row.values)), behind
    if row is not None and (fault := names_instead_of_a_row(row, source)):
        raise Misread(row.line, fault)
    columns, values = list(source.columns), len(row.values) if row else len(source.columns)
    needed = max((place for place, name in enumerate(columns, 1) if name not in source.optional), default=1)
    return columns[: max(needed, values)], 0


def _without_nameless(values: Sequence[str]) -> Sequence[str]:
    while len(values) > 1 and not values[-1]:
        values = values[:-1]
    return values


def _by_place(names: Sequence[str]) -> list[str]:
    """The names of several columns, those without one by their place; a single column without a name has none."""
    return [name or f"column_{place}" for place, name in enumerate(names, 1)] if len(names) > 1 else list(names)


def _parsed(body: Bytes, columns: Sequence[str], dialect: Dialect, block: int) -> pa.Table:
    from pyarrow import csv

    quotes, escapes = (
        bool(one) and re.search(re.escape(one.encode()), body) is not None for one in (dialect.quote_char, dialect.escape_char)
    )
    return csv.read_csv(
        pa.BufferReader(pa.py_buffer(body)),
        read_options=csv.ReadOptions(column_names=list(columns), use_threads=False, block_size=block),
        parse_options=csv.ParseOptions(
            delimiter=dialect.delimiter, quote_char=dialect.quote_char if quotes else False, double_quote=dialect.double_quote,
            escape_char=dialect.escape_char if escapes else False, newlines_in_values=quotes or escapes,
            # an empty line is a value where there is one column, and nothing where there are more
            ignore_empty_lines=len(columns) > 1,
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False, quoted_strings_can_be_null=False
        ),
    )  # fmt: skip
