"""Landed values of one column: those that keep what a contract says of it alone, and those that break a rule. All are only proposed here.

Whether a row keeps a contract is for the contract's own judge to say (`judging.py`), never for this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.language.date_formats import DAY
from assay.contracts.language.literals import NoValue, value_of
from assay.contracts.language.sql import tokens
from assay.contracts.model.contract import Kind
from assay.testing.pattern_texts import text_for
from assay.testing.timestamps import moment_on, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from assay.contracts.model.contract import Column, Contract, Rule

MANY, WIDE, USUAL_LENGTH, DRAWS = 60, 10_000, 8, 20
GUESSES = ("0", "1", "2", "5", "10", "100", "530", "1215", "2359", "0.5", "x", "abc", "true", "false", "2001-02-03")
UNREADABLE = ("not this", "12,5,0", "2024-02-30", "perhaps", "1e999", "99999999999999999999999")
UNUSUAL = ("", " ", "?", "x", "X", "0", "-1", "ä", "xyz 123", "_", "A1", "a@b", "0000")


@dataclass(frozen=True, slots=True)
class Proposals:
    """What is proposed for the columns of a contract whose rows belong to some days, drawn with a source of chance."""

    contract: Contract
    days: Sequence[date]
    random: Random
    rules: dict[str, list[Rule]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The rules by the column that they look at."""
        for rule in self.contract.rules:
            if rule.column:
                self.rules.setdefault(rule.column, []).append(rule)

    def keeping(self, column: Column) -> list[str | None]:
        """Texts that a column may be read from; None if a row may lack it."""
        found: list[str | None] = [self.text(column, value) for value in self._values(column)]
        absent = not column.required and self.may_lack(str(column.source))
        return [*found, *[None] * (len(found) // 6 + 1)] if absent else found

    def may_lack(self, name: str) -> bool:
        """Whether a file can say that a row has no value in a landing column."""
        source = self.contract.source
        return (source.format != "csv" or bool(source.null_values)) and name != source.explode

    def breaking(self, column: Column, rule: Rule) -> list[str | None]:
        """Texts of a column that may break one of its rules."""
        said = rule.argument
        match rule.kind:
            case Kind.REQUIRED:
                return [None] if self.may_lack(str(column.source)) else [""]
            case Kind.TYPE:
                return list(UNREADABLE)
            case Kind.MINIMUM | Kind.MAXIMUM:
                return [self.text(column, value) for value in _beyond(column, said, -1 if rule.kind is Kind.MINIMUM else 1)]
            case Kind.LENGTH:
                low, high = said
                lengths = [*range(min(low, 3)), *([] if high is None else [high + 1, high + 10])]
                patterns = [str(one.argument) for one in self.rules[column.name] if one.kind is Kind.PATTERN]
                fitting = [text_for(one, self.random, more) for one in patterns for more in (0, max(lengths)) for _ in range(MANY)]
                return [*(self._word(length) for length in lengths for _ in range(3)), *fitting]
            case _:
                good = [text for text in self.keeping(column) if text]
                changed = [text + sign for text in good[:10] for sign in "x?0"] + [text[:-1] for text in good[:10]]
                return [*good[:20], *changed, *(text.swapcase() for text in good[:10]), *UNUSUAL, *self._numbers(column, -99, 99)]

    def mentioned(self, column: Column, condition: str) -> list[str | None]:
        """Texts of a column for the values that a condition names, and their neighbours."""
        found = list[str | None]()
        for token in tokens(condition):
            if token.kind not in ("text", "number"):
                continue
            text = token.text[1:-1].replace("''", "'") if token.kind == "text" else token.text
            try:
                value = value_of(arrow_type(column), Decimal(text) if token.kind == "number" else text)
            except (NoValue, ArithmeticError, ValueError):
                continue
            found += [self.text(column, one) for one in (value, *_beyond(column, value, -1), *_beyond(column, value, 1))]
        return found

    def text(self, column: Column, value: Any) -> str:  # noqa: ANN401  # a value of the column's type
        """A value as the files of the contract spell it."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, datetime):
            return spelled(value, column.format or DAY, column.source_zone or "UTC")
        if isinstance(value, date):
            return spelled(value, column.format or DAY)
        if isinstance(value, int | float | Decimal):
            plain = f"{value if isinstance(value, Decimal) else Decimal(repr(value)):f}"
            return plain.replace(".", self.contract.source.dialect.decimal_char)
        return str(value)

    def _values(self, column: Column) -> Iterator[Any]:
        said = {rule.kind: rule.argument for rule in self.rules.get(column.name, ())}
        kind = arrow_type(column)
        if said.get(Kind.ENUM):
            return iter([value_of(kind, one) for one in said[Kind.ENUM]])
        low, high = (None if said.get(one) is None else value_of(kind, said[one]) for one in (Kind.MINIMUM, Kind.MAXIMUM))
        match column.logical_type:
            case "boolean":
                return iter((True, False))
            case "date":
                return iter(_between(low, high, self.days) or self.days)
            case "timestamp":
                return self._moments(low, high)
            case "integer" | "number":
                return self._between(column, low, high)
            case _:
                return self._words(said)

    def _moments(self, low: datetime | None, high: datetime | None) -> Iterator[datetime]:
        zone = self.contract.event_time.zone if self.contract.event_time else "UTC"
        first, last = low or datetime.min.replace(tzinfo=UTC), high or datetime.max.replace(tzinfo=UTC)
        drawn = [moment_on(day, zone, self.random) for day in self.days for _ in range(MANY // len(self.days) + 1)]
        yield from [one for one in drawn if first <= one <= last] or [low or high or drawn[0]]

    def _between(self, column: Column, low: Any, high: Any) -> Iterator[Any]:  # noqa: ANN401  # numbers of the column's type
        """Numbers within bounds; without bounds such as are usual."""
        kind = arrow_type(column)
        first = Decimal(str(low)) if low is not None else Decimal(0) if high is None or high > 0 else Decimal(str(high)) - WIDE
        last = min(Decimal(str(high)) if high is not None else first + WIDE, _largest(kind))
        step = _step(kind)
        spread = int((last - first) / step)
        for number in dict.fromkeys((0, spread, 1, *(self.random.randint(0, max(spread, 0)) for _ in range(MANY)))):
            if 0 <= number <= spread:
                yield value_of(kind, first + number * step)

    def _numbers(self, column: Column, low: int, high: int) -> list[str]:
        if column.logical_type not in ("integer", "number"):
            return []
        return [str(self.random.randint(low, high)) for _ in range(10)]

    def _words(self, said: dict[Kind, Any]) -> Iterator[str]:
        low, high = said.get(Kind.LENGTH) or (1, None)
        pattern = said.get(Kind.PATTERN)
        for _ in range(MANY):
            if pattern is None:
                longest = max(low, USUAL_LENGTH) if high is None else min(high, max(low, USUAL_LENGTH))
                yield self._word(self.random.randint(max(min(low, longest), min(longest, 3)), longest))
                continue
            for _ in range(DRAWS):
                text = text_for(str(pattern), self.random)
                if low <= len(text) and (high is None or len(text) <= high):
                    break
            yield text

    def _word(self, length: int) -> str:
        return "".join(self.random.choices(ascii_lowercase, k=length))


def _step(kind: pa.DataType) -> Decimal:
    """The distance between two neighbours that are worth trying."""
    if pa.types.is_decimal(kind):
        return Decimal(1).scaleb(-int(kind.scale))
    return Decimal(1) if pa.types.is_integer(kind) else Decimal("0.25")  # a FLOAT has it exactly


def _largest(kind: pa.DataType) -> Decimal:
    if pa.types.is_decimal(kind):
        return Decimal(10) ** int(kind.precision - kind.scale) - _step(kind)
    return Decimal(2 ** (kind.bit_width - 1) - 1) if pa.types.is_integer(kind) else Decimal(2**100)


def _between(low: date | None, high: date | None, days: Sequence[date]) -> list[date]:
    fitting = [day for day in days if (low is None or low <= day) and (high is None or day <= high)]
    return fitting or [one for one in (low, high) if one is not None]


def _beyond(column: Column, bound: Any, sign: int) -> list[Any]:  # noqa: ANN401  # a value of the column's type
    """Values on one side of a bound; none where the type ends there."""
    kind = arrow_type(column)
    try:
        edge = value_of(kind, bound)
        if isinstance(edge, date):
            one = timedelta(seconds=1) if isinstance(edge, datetime) else timedelta(days=1)
            return [edge + sign * one * many for many in (1, 400)]
        if isinstance(edge, int | float | Decimal) and not isinstance(edge, bool):
            steps = (_step(kind), 10 * _step(kind)) if isinstance(edge, int | Decimal) else (Decimal("0.5"), Decimal(1000))
            return [value_of(kind, Decimal(str(edge)) + sign * step) for step in steps]
    except (NoValue, OverflowError):
        pass
    return []
