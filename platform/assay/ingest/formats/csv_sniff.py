"""Which dialect a sample of text seems to have, for drafts only: whatever lands later is read as its contract says, and never guessed.

A pure function of the text. How numbers are spelled is not looked at here: that is told by columns, not by lines.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from assay.contracts.language.dialect import Dialect
from assay.ingest.formats.csv_faults import DELIMITERS
from assay.ingest.formats.csv_rows import Misread, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Rows = Sequence[tuple[str, ...]]

LOOKED_AT, MOST_LETTERS = 400, 1 << 20
COMMENTS, ESCAPE = "#%", "\\"
TYPED = re.compile(r"[+-]?[.,]?\d[\d.,:/TZ+ -]*(?:[eE][+-]?\d+)?%?")
MOSTLY = 0.9
APART = re.compile(r"\S+(?:[ ]{2,}|\t)\S")


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What a text seems to be: its dialect, why, and what a person should look at, None if nothing is odd."""

    dialect: Dialect
    reason: str
    doubt: str | None = None


def sniff(text: str) -> Sniffed:
    """The dialect that reads most of a text as rows of one length, of more than one value if any does."""
    text = text[:MOST_LETTERS]
    comment = _comment(text)
    tried = [(dialect, list(_rows(text, dialect))) for dialect in _candidates(text, comment)]
    dialect, rows = max(tried, key=lambda one: _fit(one[1])) if any(_fit(rows)[0] for _, rows in tried) else tried[0]
    dialect = replace(dialect, header=_has_header(rows))
    width = max((len(row) for row in rows), default=0)
    said = [f"{_share(rows):.0%} of {len(rows):,} rows have {width} values" if dialect.delimiter != "," else ""]
    said += [f"lines begin with {comment!r}" if comment else "", "quotes are escaped by backslashes" if dialect.escape_char else ""]
    said += ["the first row looks like the others" if not dialect.header else ""]
    return Sniffed(dialect, "; ".join(filter(None, said)), _doubt(text, rows))


def _candidates(text: str, comment: str) -> Iterator[Dialect]:
    for delimiter in DELIMITERS:
        for quote in ('"', "'") if re.search(f"(?:^|[{delimiter}])'", text, re.MULTILINE) else ('"',):
            yield Dialect(delimiter, quote, comment_char=comment)
            if ESCAPE + quote in text:
                yield Dialect(delimiter, quote, ESCAPE, comment_char=comment)
        yield Dialect(delimiter, "", comment_char=comment)


def _rows(text: str, dialect: Dialect) -> Iterator[tuple[str, ...]]:
    """The first rows, up to one that cannot be read. The last may be cut."""
    try:
        for row in islice((row for row in rows_of(text, dialect) if row.values), LOOKED_AT):
            yield row.values
    except Misread:
        return


def _fit(rows: Rows) -> tuple[bool, float, int]:
    """How well rows were read: several values first, then how many of the rows have one length, then how many rows these are."""
    widths = Counter(map(len, rows))
    width, times = widths.most_common(1)[0] if widths else (0, 0)
    return width > 1 and _share(rows) >= MOSTLY, round(times * _share(rows), 3), width


def _share(rows: Rows) -> float:
    widths = Counter(map(len, rows))
    return widths.most_common(1)[0][1] / len(rows) if rows else 0.0


def _comment(text: str) -> str:
    """The character of comments: lines that begin with it, before others that do not. One such line may be a header instead."""
    lines = [line for line in islice(text.splitlines(), LOOKED_AT) if line.strip()]
    for character in COMMENTS:
        marked = [line for line in lines if line.startswith(character)]
        others = [line for line in lines if not line.startswith(character)]
        if marked and others and not any(len(marked) == 1 and _alike(marked[0], others[0], one) for one in DELIMITERS):
            return character
    return ""


def _alike(line: str, other: str, delimiter: str) -> bool:
    return line.count(delimiter) == other.count(delimiter) > 0


def _has_header(rows: Rows) -> bool:
    """Whether the first row names the others: it does unless all columns of numbers or times have one in the first row too.

    Names may be numbers, as the years of a wide table are: then they follow each other.
    """
    if len(rows) < 2:
        return True
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    typed = [place for place in range(len(first)) if _is_typed([row[place] for row in rest])]
    if not typed or not all(TYPED.fullmatch(first[place].strip()) for place in typed):
        return True
    named = [first[place] for place in typed]
    return len(named) > 2 and all(name.isdigit() for name in named) and len({int(b) - int(a) for a, b in pairwise(named)}) == 1


def _is_typed(values: Sequence[str]) -> bool:
    known = [value.strip() for value in values if value.strip()]
    return bool(known) and sum(TYPED.fullmatch(value) is not None for value in known) >= MOSTLY * len(known)


def _doubt(text: str, rows: Rows) -> str | None:
    """A table whose columns are apart by white space is read as one column."""
    if not rows or any(len(row) > 1 for row in rows):
        return None
    lines = [line for line in islice(text.splitlines(), LOOKED_AT) if line.strip()]
    apart = [line for line in lines if APART.search(line.strip())]
    words = Counter(len(line.split()) for line in lines)
    even = len(lines) > 1 and len(words) == 1 and next(iter(words)) > 1
    if len(apart) < MOSTLY * len(lines) and not even:
        return None
    return "its columns seem to be apart by white space, which no dialect has: it is read as one column. Have it written with a delimiter"
