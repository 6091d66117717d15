"""SQL of a contract, read as far as names go: which columns an expression uses, and what a measuring query is made of.

Without an engine, so that contracts can be checked wherever they are loaded. What only an engine can tell (functions, types) is tried by
`reading/trial.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.language.bounds import MOST_DIGITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>"(?:[^"]|"")+"|`[^`]+`)|(?P<place>\$?\{\w+\})"""
    r"""|(?P<word>[^\W\d]\w*)|(?P<number>\d[\w.]*)|(?P<other>::|.)""",
    re.DOTALL,
)
# words that may stand where a column may: not taken for one, unless there is a column of the name
WORDS = frozenset({
    "all", "and", "any", "array", "as", "asc", "at", "between", "both", "by", "case", "cast", "century", "collate", "current_date",
    "current_time", "current_timestamp", "date", "datetime", "day", "days", "decade", "desc", "distinct", "div", "dow", "doy", "else",
    "end", "epoch", "escape", "except", "exclude", "exists", "extract", "false", "filter", "first", "following", "for", "from", "group",
    "having", "hour", "hours", "ilike", "in", "intersect", "interval", "is", "isodow", "isoyear", "join", "last", "leading", "like",
    "limit", "microsecond", "microseconds", "millennium", "millisecond", "milliseconds", "minute", "minutes", "month", "months",
    "nanosecond", "nanoseconds", "not", "null", "nulls", "offset", "on", "or", "order", "over", "overlaps", "overlay", "partition",
    "placing", "position", "preceding", "precision", "quarter", "range", "regexp", "rlike", "row", "rows", "second", "seconds", "select",
    "similar", "some", "struct", "substring", "symmetric", "table", "then", "time", "timestamp", "timezone", "to", "trailing", "true",
    "unbounded", "union", "unknown", "using", "values", "varying", "week", "weeks", "when", "where", "window", "with", "within",
    "without", "xor", "year", "years", "zone",
})  # fmt: skip
MOST_LETTERS, MOST_BRACKETS = 20_000, 50  # of an expression; engines end in errors of their own, or in a crash, far beyond
AGGREGATES = ("AVG", "CORR", "COUNT", "COVAR_POP", "COVAR_SAMP", "FIRST", "LAST", "MAX", "MEDIAN", "MIN", "QUANTILE_CONT", "QUANTILE_DISC",
              "STDDEV", "STDDEV_SAMP", "SUM", "VARIANCE", "VAR_SAMP")  # fmt: skip
NOT_HERE = frozenset({
    "except", "group", "having", "intersect", "join", "limit", "offset", "order", "over", "qualify", "select", "union", "window",
})  # fmt: skip
OBJECT, PROPERTY = ("object", "table"), ("property", "column")
SHAPE = "SELECT <aggregate> FROM {object} [WHERE <condition>]"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL: what it is (`word`, `quoted`, `text`, ..), its text, where that begins, and how many brackets it stands in."""

    kind: str
    text: str
    start: int
    depth: int

    def says(self, word: str) -> bool:
        """Whether it is this word of SQL."""
        return self.kind == "word" and self.text.lower() == word

    @property
    def name(self) -> str:
        """The name that it spells, without its quotes."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text


@dataclass(frozen=True, slots=True)
class Query:
    """A measuring query: an aggregate over the rows that fulfil the condition, or over all."""

    aggregate: str
    condition: str | None


class NotReadable(ValueError):
    """SQL is not of the shape that is needed; the message says why."""


def tokens(sql: str) -> list[Token]:
    """The pieces of an SQL text. Raises NotReadable for brackets and quotes that are not closed, and for a text beyond all bounds."""
    found, depth = list[Token](), 0
    if len(sql) > MOST_LETTERS:
        raise NotReadable(f"it has more than {MOST_LETTERS:,} letters")
    for match in TOKEN.finditer(sql):
        kind, text = str(match.lastgroup), match.group()
        if kind == "space":
            continue
        depth -= text == ")"
        if depth < 0:
            raise NotReadable("it closes a bracket that it never opened")
        if text in {"'", '"', "`"}:
            raise NotReadable(f"the quote {text} is never closed")
        found.append(Token(kind, text, match.start(), depth))
        depth += text == "("
        if depth > MOST_BRACKETS:
            raise NotReadable(f"it opens more than {MOST_BRACKETS} brackets within each other")
        if kind == "number" and len(text) > MOST_DIGITS:
            raise NotReadable(f"it has a number of more than {MOST_DIGITS} digits")
    if depth:
        raise NotReadable("it opens a bracket that it never closes")
    if not found:
        raise NotReadable("it is empty")
    return found


def columns_in(sql: str, known: Collection[str]) -> tuple[str, ...]:
    """The names of an expression that stand for columns, each once. `known` columns win over SQL's own words. Raises NotReadable."""
    return tuple(dict.fromkeys(token.name for token in _columns(tokens(sql), known)))


def _columns(found: Sequence[Token], known: Collection[str]) -> Iterator[Token]:
    for number, token in enumerate(found):
        before = found[number - 1].text.lower() if number else ""
        after = found[number + 1].text if number + 1 < len(found) else ""
        is_part = number > 1 and before == "(" and found[number - 2].says("extract")  # EXTRACT(year FROM placed)
        if is_part or before in {"as", "::", "."} or (token.kind == "word" and after == "("):
            continue
        if token.kind == "quoted" or (token.kind == "word" and (token.text in known or token.text.lower() not in WORDS)):
            yield token


def read_query(sql: str, known: Collection[str], *, dataset: str, column: str | None = None) -> Query:
    """Read a measuring query, `SHAPE`; {property} stands for `column`. Raises NotReadable for another shape."""
    text = _without_places(sql.strip().rstrip(";"), column)
    found = tokens(text)
    froms = [number for number, token in enumerate(found) if token.depth == 0 and token.says("from")]
    if not found[0].says("select") or len(froms) != 1 or not 1 < froms[0] < len(found) - 1:
        raise NotReadable(f"it is not of the form {SHAPE}")
    target, rest = found[froms[0] + 1], found[froms[0] + 2 :]
    if target.name not in {dataset, *(f"{sign}{{{place}}}" for sign in ("", "$") for place in OBJECT)}:
        raise NotReadable(f"it reads {target.name}, and may read only {{object}}")
    if rest and not (rest[0].says("where") and len(rest) > 1):
        raise NotReadable(f"after {target.text} comes {rest[0].text}, where only WHERE may come")
    aggregate, condition = found[1 : froms[0]], rest[1:]
    if strange := [token.text for token in (*aggregate, *condition) if token.kind == "word" and token.text.lower() in NOT_HERE]:
        raise NotReadable(f"it uses {strange[0]}, and is no longer of the form {SHAPE}")
    _refuse_other_than_one_value(aggregate, known)
    end = rest[0].start if rest else len(text)
    return Query(text[aggregate[0].start : found[froms[0]].start].strip(), text[end + len("where") :].strip() or None)


def _without_places(sql: str, column: str | None) -> str:
    for name in (f"{sign}{{{place}}}" for place in PROPERTY for sign in ("$", "")):
        if name in sql and column is None:
            raise NotReadable(f"it says {name}, which only the rules of a property may")
        sql = sql.replace(name, f'"{column}"')
    return sql


def _refuse_other_than_one_value(aggregate: Sequence[Token], known: Collection[str]) -> None:
    columns = {id(token) for token in _columns(aggregate, known)}
    within, used = [False], False
    for number, token in enumerate(aggregate):
        opens = token.text == "(" and number > 0 and aggregate[number - 1].text.upper() in (*AGGREGATES, "FILTER")
        used |= opens
        if token.text == "(":
            within.append(within[-1] or opens)
        elif token.text == ")":
            within.pop()
        elif token.text == "," and token.depth == 0:
            raise NotReadable("it measures more than one value")
        elif id(token) in columns and not within[-1]:
            raise NotReadable(f"{token.text} stands outside of an aggregate such as AVG or COUNT")
    if not used:
        raise NotReadable(f"it has no aggregate; there are {', '.join(AGGREGATES)}")
