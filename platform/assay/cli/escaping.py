"""Data on a terminal: as they are, but for what a terminal would obey. Such characters are shown as escapes."""

from __future__ import annotations

import unicodedata

UNSEEN = {"Cc", "Cs", "Zl", "Zp"}  # control characters, halves of surrogates, ends of lines and paragraphs
# they turn the direction of what follows, so that a text reads otherwise than it is
TURNING = {"\u200e", "\u200f", "\u061c", *map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with escapes such as `\x1b` for what is not a character to look at; with `lines` the ends of lines stay."""
    if text.isprintable():
        return text
    return "".join(_escaped(one) if _is_unseen(one) and not (lines and one == "\n") else one for one in text)


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN or character in TURNING


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
