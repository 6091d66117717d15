"""Texts that a contract's pattern finds something in, drawn from the pattern's own tree. What the judge makes of them is not asked here."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from string import ascii_letters, digits, punctuation
from typing import TYPE_CHECKING

from assay.contracts.patterns.parser import parse_pattern
from assay.contracts.patterns.pattern import Choice, Edge, Repeat, Row, Signs
from assay.contracts.patterns.unicode_properties import SCRIPT

if TYPE_CHECKING:
    from random import Random

    from assay.contracts.patterns.pattern import Pattern

MORE = 4  # so many repeats above the fewest are drawn
FIRST_SEEN = 0x20, 0x7E  # what a person reads without asking for a font
ALPHABET = ascii_letters + digits + punctuation + " äßéøñÇΩλЖдЯ中文あアקعहกა한ʰǅ́€²½Ⅷ«»“”‿\u00a0"
NAMES = {"Han": "CJK"}


def text_for(pattern: str, random: Random, more: int = MORE) -> str:
    """A text of the pattern, each repeat at most so many times `more` than it must. Raises NotAPattern for a text that is none."""
    return _drawn(parse_pattern(pattern), random, more)


def _drawn(tree: Pattern, random: Random, more: int) -> str:
    match tree:
        case Signs():
            return _sign(tree, random)
        case Edge():
            return ""
        case Row():
            return "".join(_drawn(part, random, more) for part in tree.parts)
        case Choice():
            return _drawn(random.choice(tree.parts), random, more)
        case Repeat():
            most = tree.least + more if tree.most is None else min(tree.most, tree.least + more)
            return "".join(_drawn(tree.part, random, more) for _ in range(random.randint(tree.least, most)))


def _sign(signs: Signs, random: Random) -> str:
    """One sign: of those that are easily read, if there is any."""
    if fitting := _readable(signs):
        return random.choice(fitting)
    low, high = random.choice(signs.ranges or ((ord("x"), ord("x")),))
    return chr(random.randint(low, high))


@lru_cache(256)
def _readable(signs: Signs) -> str:
    fitting = [one for one in ALPHABET if _has(signs, one) is not signs.negated]
    return "".join([one for one in fitting if FIRST_SEEN[0] < ord(one) <= FIRST_SEEN[1]] or fitting)


def _has(signs: Signs, one: str) -> bool:
    inside = any(low <= ord(one) <= high for low, high in signs.ranges)
    return inside or any(_is_of(one, name) is wanted for name, wanted in signs.properties)


def _is_of(one: str, name: str) -> bool:
    if not name.startswith(SCRIPT):
        return unicodedata.category(one).startswith(name)
    script = name.removeprefix(SCRIPT)
    return unicodedata.name(one, "").startswith(NAMES.get(script, script.upper()))
