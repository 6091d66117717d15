"""Patterns said to the engines: one printer, and what is spelled differently in each.

Sets are always spelled by their code points, so that no engine's own idea of a digit, a word, a space or a line end comes in.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from assay.contracts.patterns.parser import parse_pattern
from assay.contracts.patterns.pattern import LAST, Choice, Edge, Repeat, Signs, others
from assay.contracts.patterns.unicode_properties import SCRIPT

if TYPE_CHECKING:
    from assay.contracts.patterns.pattern import Pattern

OUTSIDE, IN_A_CLASS = set("\\^$.|?*+()[]"), set("\\^[]")
ESCAPED_OUTSIDE = set("\\^[]")  # the others are put in a class of their own, which needs no backslash
SHORT = {0x9: "\\t", 0xA: "\\n", 0xD: "\\r"}
MOST_OF_RE2, LAST_OF_FOUR = 1000, 0xFFFF


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an engine spells in its own way. `code` is a code point in hexadecimal, `short` one of four digits.

    `word` and `within` are None where an engine has no edge of words of ASCII.
    """

    code: str = "\\x{%x}"
    short: str = "\\x{%x}"
    end: str = "$"
    word: str | None = "\\b"
    within: str | None = "\\B"
    script: str = "%s"
    most: int | None = None


RUST = Dialect(word="(?-u:\\b)", within="(?-u:\\B)")  # Polars
RE2 = Dialect(most=MOST_OF_RE2)  # DuckDB
LETTER = "[0-9A-Z_a-z]"
# with the flag u; validators take \b for the edge of a word of any letters, so it is spelled out
ECMA = Dialect(
    code="\\u{%x}",
    short="\\u%04x",
    script="Script=%s",
    word=f"(?:(?<={LETTER})(?!{LETTER})|(?<!{LETTER})(?={LETTER}))",
    within=f"(?:(?<={LETTER})(?={LETTER})|(?<!{LETTER})(?!{LETTER}))",
)
SHARED = Dialect(end="\\z", word=None, within=None, script="Is%s")  # Rust and Java: DataFusion and Spark


@lru_cache(maxsize=512)
def said_to(dialect: Dialect, pattern: str) -> str | None:
    """A pattern as an engine reads it; None if it has no words for it. Raises NotAPattern for a text that is none."""
    try:
        return _said(parse_pattern(pattern), dialect)
    except _NoWords:
        return None


class _NoWords(Exception):  # no error: the engine is not asked
    pass


def _said(pattern: Pattern, dialect: Dialect) -> str:
    if isinstance(pattern, Signs):
        return _signs(pattern, dialect)
    if isinstance(pattern, Edge):
        found = {"start": "^", "end": dialect.end, "word": dialect.word, "within": dialect.within}[pattern.at]
        if found is None:
            raise _NoWords
        return found
    if isinstance(pattern, Repeat):
        return _repeated(pattern, dialect)
    parts = [f"(?:{said})" if isinstance(part, Choice) else said for part in pattern.parts for said in (_said(part, dialect),)]
    return ("|" if isinstance(pattern, Choice) else "").join(parts)


def _repeated(pattern: Repeat, dialect: Dialect) -> str:
    said = _said(pattern.part, dialect)
    said = said if isinstance(pattern.part, Signs) else f"(?:{said})"
    least, most, limit = pattern.least, pattern.most, dialect.most or max(pattern.least, pattern.most or 0)
    pieces = list[str]()
    while least > limit:
        pieces.append(f"{said}{{{limit}}}")
        least, most = least - limit, None if most is None else most - limit
    while most is not None and most > limit:
        pieces.append(f"{said}{_count(0, limit)}")
        most -= limit
    return "".join([*pieces, said + _count(least, most)])


def _count(least: int, most: int | None) -> str:
    short = {(0, None): "*", (1, None): "+", (0, 1): "?", (1, 1): ""}.get((least, most))
    if short is not None:
        return short
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def _signs(signs: Signs, dialect: Dialect) -> str:
    ranges, negated = signs.ranges, signs.negated
    if not signs.properties and len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _alone(ranges[0][0], dialect)
    if not signs.properties and ranges[-1][1] == LAST and others(ranges):
        ranges, negated = others(ranges), True
    said = [_property(name, dialect, is_of=is_of) for name, is_of in signs.properties]
    if len(said) == 1 and not ranges and not negated:
        return said[0]
    dash = "-" if any(one == (0x2D, 0x2D) for one in ranges) else ""  # first it is a sign to everybody
    body = "".join(_range(low, high, dialect) for low, high in ranges if (low, high) != (0x2D, 0x2D))
    return f"[{'^' if negated else ''}{dash}{body}{''.join(said)}]"


def _property(name: str, dialect: Dialect, *, is_of: bool) -> str:
    spelled = dialect.script % name.removeprefix(SCRIPT) if name.startswith(SCRIPT) else name
    return f"\\{'p' if is_of else 'P'}{{{spelled}}}"


def _range(low: int, high: int, dialect: Dialect) -> str:
    first, last = _in_a_class(low, dialect), _in_a_class(high, dialect)
    return first if low == high else first + last if high == low + 1 else f"{first}-{last}"


def _alone(code: int, dialect: Dialect) -> str:
    sign = chr(code)
    if sign in OUTSIDE:
        return f"\\{sign}" if sign in ESCAPED_OUTSIDE else f"[{sign}]"
    return _plain(code, dialect)


def _in_a_class(code: int, dialect: Dialect) -> str:
    if code == 0x2D:
        return _number(code, dialect)
    return f"\\{chr(code)}" if chr(code) in IN_A_CLASS else _plain(code, dialect)


def _plain(code: int, dialect: Dialect) -> str:
    """Braces by their number, for dbt takes two of them for Jinja; what cannot be seen as well."""
    sign = chr(code)
    if code in SHORT:
        return SHORT[code]
    can_be_seen = unicodedata.category(sign)[0] in "LNPS" or sign == " "
    return sign if can_be_seen and sign not in "{}" else _number(code, dialect)


def _number(code: int, dialect: Dialect) -> str:
    return (dialect.short if code <= LAST_OF_FOUR else dialect.code) % code
