"""Faults of text files: where and why one does not fit its contract's dialect and columns, and what it seems to be instead.

Slow and exact, and run only for a file that has failed. No value is quoted in a message, because messages end in logs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assay.ingest.formats.csv_rows import Misread, first_row, rows_of
from assay.ingest.formats.file_faults import columns_fault, named, undecodable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from assay.contracts.language.dialect import Dialect
    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.formats.csv_rows import Bytes, Row

DELIMITERS = ",;\t|"


def fault_of_names(names: Sequence[str], data: Bytes, source: LandingSource) -> str | None:
    """What is wrong with the columns of a file; None if nothing is. Its names are said if they are the contract's, otherwise divided."""
    fault = columns_fault(names, source)
    if fault is None or set(names) & set(source.columns):
        return fault and f"the header {fault}"
    other = _other_delimiter(data, source.dialect, lambda row: bool(set(row.values) & set(source.columns)))
    if other is None:
        return f"the header {fault}"
    one = "is one column" if source.is_sensitive else f"is one column '{named(names)}'"
    found = one if len(names) == 1 else fault
    return f"the header {found}; the contract's dialect has the delimiter {source.dialect.delimiter!r}; the file seems to use {other!r}"


def names_instead_of_a_row(row: Row, source: LandingSource) -> str | None:
    """Why the first row of a file without header is none: it names the contract's columns."""
    found = [value for value in row.values if value]
    if not found or set(found) - set(source.columns) or len(found) < len(source.columns) - len(source.optional):
        return None
    return "the names of the columns stand where the first row should be; the contract's dialect has `header: false`"


def fault_of_rows(data: Bytes, dialect: Dialect, names: Sequence[str], lines: int = 0, wide: int | None = None) -> str | None:
    """The line that cannot be decoded, is not spelled in the dialect, or has too few or too many values; None if no line is at fault.

    `lines` of the file stand before `data`: if there are any, its header is among them. Its rows are as `wide` as its first.
    """
    try:
        text = bytes(data).decode()
        rows = (row for row in rows_of(text, dialect, lines + 1) if row.values or len(names) == 1)
        if dialect.header and not lines:
            next(row for row in rows if row.values)
        return _fault_of_widths(rows, data, dialect, len(names), wide)
    except UnicodeDecodeError as error:
        return undecodable(error, lines)
    except Misread as error:
        return str(error)


def _fault_of_widths(rows: Iterator[Row], data: Bytes, dialect: Dialect, known: int, wide: int | None) -> str | None:
    """Empty values behind the last column are none, if each row has as many of them."""
    for row in rows:
        found = len(row.values) or 1
        wide = wide or (known if any(row.values[known:]) else max(known, found))
        if found != wide:
            other = _other_delimiter(data, dialect, lambda one: len(one.values) == known) if found == 1 else None
            seems = f"; the contract's dialect has the delimiter {dialect.delimiter!r}; the file seems to use {other!r}" if other else ""
            return f"line {row.line}: expected {wide} values, found {found}{seems}"
        if any(row.values[known:]):
            return f"line {row.line}: a value stands behind the last column"
    return None


def _other_delimiter(data: Bytes, dialect: Dialect, fits: Callable[[Row], bool]) -> str | None:
    """The delimiter with which the first row would fit."""
    for other in DELIMITERS:
        if other not in (dialect.delimiter, dialect.quote_char, dialect.escape_char, dialect.comment_char):
            try:
                row, _ = first_row(data, replace(dialect, delimiter=other))
            except Misread:
                continue
            if row and fits(row):
                return other
    return None
