"""Patterns: a contract's regular expressions, as a tree of sets of code points. ECMA-262 with the flag `u`, less what is not linear.

The parser says what is refused and why; `printer.py` says a tree to each engine. The dialect is described in docs/meaning.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
LAST, INSTEAD = 0x10FFFF, "Promise a maxLength instead."
DIGIT: Ranges = ((0x30, 0x39),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
# white space and line ends, as ECMA-262 lists them
SPACE: Ranges = (
    (0x9, 0xD), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F),
    (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
LINE_ENDS: Ranges = ((0xA, 0xA), (0xD, 0xD), (0x2028, 0x2029))
MOST_NESTED, MOST_STEPS, STEPS_OF_A_CATEGORY = 1000, 20_000, 100  # what RE2 repeats within repeats; what every engine has room for


class NotAPattern(ValueError):
    """A text is no pattern of the dialect. The message says why, `hint` what to write instead."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Signs:
    """One code point: of these ranges, or of these properties of Unicode (`L`, `Script=Greek`; False: not of it); or none of all these."""

    ranges: Ranges
    properties: tuple[tuple[str, bool], ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between code points: the start or end of the text, the edge of a word of ASCII, or no such edge."""

    at: Literal["start", "end", "word", "within"]


@dataclass(frozen=True, slots=True)
class Row:
    """One after the other."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """So many times; no `most`: any number."""

    part: Pattern
    least: int
    most: int | None


Pattern = Signs | Edge | Row | Choice | Repeat


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same code points in order, each once."""
    found = list[tuple[int, int]]()
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def others(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """All other code points."""
    edges = [-1, *reduce(add, merged(ranges), ()), LAST + 1]
    return tuple((low + 1, high - 1) for low, high in zip(edges[::2], edges[1::2], strict=True) if low + 1 <= high - 1)


def refuse_what_grows(pattern: Pattern) -> None:
    """Raise NotAPattern for repeats that an engine has no room for."""
    if (nested := _nested(pattern)) > MOST_NESTED:
        raise NotAPattern(f"its repeats within repeats make {nested:,}, and engines count to {MOST_NESTED:,}", INSTEAD)
    if (steps := _steps(pattern)) > MOST_STEPS:
        raise NotAPattern(f"it has {steps:,} steps, and engines have room for {MOST_STEPS:,}", INSTEAD)


def times(pattern: Repeat) -> int:
    """How often a repeat spells out its part."""
    return max(pattern.least, pattern.most or 1, 1)


def _nested(pattern: Pattern) -> int:
    """The largest product of the repeats that stand in each other; a repeat that has none within can be split and counts once."""
    if isinstance(pattern, Row | Choice):
        return max(map(_nested, pattern.parts), default=1)
    if not isinstance(pattern, Repeat):
        return 1
    within = counts_within(pattern.part)
    return within * times(pattern) if within > 1 else 1


def counts_within(pattern: Pattern) -> int:
    """How often the most repeated piece is spelled out."""
    if isinstance(pattern, Row | Choice):
        return max(map(counts_within, pattern.parts), default=1)
    return times(pattern) * counts_within(pattern.part) if isinstance(pattern, Repeat) else 1


def _steps(pattern: Pattern) -> int:
    if isinstance(pattern, Row | Choice):
        return sum(map(_steps, pattern.parts))
    if isinstance(pattern, Repeat):
        return times(pattern) * _steps(pattern.part)
    return max(len(pattern.ranges), 1) + STEPS_OF_A_CATEGORY * len(pattern.properties) if isinstance(pattern, Signs) else 1
