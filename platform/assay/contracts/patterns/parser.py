"""The parser of patterns: a text to a tree of `pattern.py`, or the reason why it is none."""

from __future__ import annotations

import re
from functools import lru_cache
from string import punctuation
from typing import TYPE_CHECKING, Any

from assay.contracts.patterns.pattern import (
    DIGIT,
    LAST,
    LINE_ENDS,
    SPACE,
    WORD,
    Choice,
    Edge,
    NotAPattern,
    Repeat,
    Row,
    Signs,
    merged,
    others,
    refuse_what_grows,
)
from assay.contracts.patterns.unicode_properties import property_of

if TYPE_CHECKING:
    from assay.contracts.patterns.pattern import Pattern

SETS = {"d": DIGIT, "D": others(DIGIT), "w": WORD, "W": others(WORD), "s": SPACE, "S": others(SPACE)}
EDGES: dict[str, Any] = {"b": "word", "B": "within", "A": "start", "z": "end"}
CONTROLS = {"n": 0xA, "r": 0xD, "t": 0x9, "v": 0xB, "f": 0xC}
CODE = re.compile(r"u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|c([A-Za-z])|(0)(?![0-9])")
REPEAT = re.compile(r"\*|\+|\?|\{([0-9]+)(,([0-9]*))?\}")
GROUP = re.compile(r"\(\?:|\(\?P?<[A-Za-z_]\w*>|\((?!\?)")
POSIX = re.compile(r"\[:\^?\w+:\]|\[[.=].[.=]\]")
NOT_LINEAR = re.compile(r"\(\?(?:=|!|<=|<!|>|P=|\()|\\[1-9]|\\k")
INSTEAD = {
    "p": "Such as \\p{L}.",
    "P": "Such as \\P{L}.",
    "Z": "Write $ for the end of the text.",
    "h": "Write [ \\t].",
    "R": "Write (?:\\r\\n|\\n).",
}
NEITHER = "It can neither look around nor refer back."


@lru_cache(maxsize=512)
def parse_pattern(text: str) -> Pattern:
    """The tree of a pattern. Raises NotAPattern, with what to write instead."""
    reader = _Reader(text)
    try:
        found = reader.choice()
    except RecursionError:
        raise NotAPattern("has too many groups within each other", "No engine reads so many.") from None
    if reader.rest:
        raise NotAPattern(") closes a group that was never opened", "As a sign it is \\).")
    refuse_what_grows(found)
    return found


class _Reader:
    """Recursive descent over a text; `at` is where it stands."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    def takes(self, sign: str) -> bool:
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) if found else 0
        return found

    def choice(self) -> Pattern:
        parts = [self.row()]
        while self.takes("|"):
            parts.append(self.row())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def row(self) -> Pattern:
        parts = list[Any]()
        while self.rest and self.rest[0] not in "|)":
            parts.append(self.repeated(self.single()))
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def repeated(self, part: Pattern) -> Pattern:
        found = REPEAT.match(self.text, self.at)
        if found is None:
            return part
        if isinstance(part, Edge):
            raise NotAPattern(f"{found.group()} repeats a place, not a sign")
        self.at = found.end()
        self.takes("?")  # how much is taken first does not decide whether anything is found
        if again := REPEAT.match(self.text, self.at):
            sign = again.group()
            hint = f"In some engines it is possessive, in others repeated. Leave {sign} out, or put what it repeats in (?:..)."
            raise NotAPattern(f"{sign} follows a repeat", hint)
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(found.group()) or _counts(found)
        return Repeat(part, least, most)

    def single(self) -> Pattern:
        sign = self.rest[0]
        if sign == "(":
            return self.group()
        if sign == "[":
            return self.signs()
        if sign == "\\":
            return self.escape()
        if sign in "*+?{":
            what = f"{sign} repeats nothing" if REPEAT.match(self.rest) else "{ is no count such as {2} or {2,5}"
            raise NotAPattern(what, f"As a sign it is \\{sign}.")
        self.at += 1
        if sign in "^$":
            return Edge("start" if sign == "^" else "end")
        return Signs(others(LINE_ENDS)) if sign == "." else _sign(ord(sign))

    def group(self) -> Pattern:
        if found := NOT_LINEAR.match(self.text, self.at):
            raise NotAPattern(f"uses {found.group()}", NEITHER)
        opening = GROUP.match(self.text, self.at)
        if opening is None:
            flags = re.match(r"\(\?[a-zA-Z-]*[:)]?", self.rest)
            hint = "Spell both cases, such as [Aa]; any sign, line ends too, is [\\s\\S]."
            raise NotAPattern(f"uses {flags.group() if flags else '(?'}, a flag that ECMA-262 has not", hint)
        self.at = opening.end()
        found_ = self.choice()
        if not self.takes(")"):
            raise NotAPattern("( is never closed", "As a sign it is \\(.")
        return found_

    def escape(self) -> Pattern:
        if found := NOT_LINEAR.match(self.text, self.at):
            raise NotAPattern(f"uses {found.group()}", NEITHER)
        letter = self.text[self.at + 1 : self.at + 2]
        if letter in EDGES and letter:
            self.at += 2
            return Edge(EDGES[letter])
        found_ = self.escaped()
        return _sign(found_) if isinstance(found_, int) else found_

    def escaped(self) -> int | Signs:
        """What an escape stands for in a class and outside: a code point or a set."""
        self.at += 1
        letter = self.rest[:1]
        if letter in SETS and letter:
            self.at += 1
            return Signs(SETS[letter])
        if found := re.match(r"([pP])\{([^}]*)\}", self.rest):
            self.at += found.end()
            return Signs((), ((property_of(found.group(2)), found.group(1) == "p"),))
        if code := CODE.match(self.text, self.at):
            self.at = code.end()
            return self.code_point(code)
        self.at += 1
        if letter in CONTROLS and letter:
            return CONTROLS[letter]
        if letter in "<>" and letter:
            hint = f"Write {letter} for the sign, \\b for the edge."
            raise NotAPattern(f"uses \\{letter}, the edge of a word in some engines and a sign in others", hint)
        if letter not in punctuation + " " or not letter:
            what = f"uses \\{letter}, which ECMA-262 does not know" if letter else "it ends with a backslash"
            raise NotAPattern(what, INSTEAD.get(letter, "As a sign it has no backslash."))
        return ord(letter)

    def code_point(self, code: re.Match[str]) -> int:
        long, four, braced, two, control, _null = code.groups()
        number = ord(control) % 32 if control else int(long or four or braced or two or "0", 16)
        low = re.match(r"\\u([dD][c-fC-F][0-9a-fA-F]{2})", self.rest)
        if four and 0xD800 <= number < 0xDC00 and low:
            self.at += low.end()
            return 0x10000 + ((number - 0xD800) << 10) + (int(low.group(1), 16) - 0xDC00)
        if number > LAST or 0xD800 <= number < 0xE000:
            raise NotAPattern(f"uses \\{code.group()}, which is no sign of Unicode")
        return number

    def signs(self) -> Signs:
        self.at += 1
        negated, ranges, properties = self.takes("^"), list[tuple[int, int]](), list[tuple[str, bool]]()
        if self.rest[:1] == "]":
            raise NotAPattern("it has a class without signs", "As a sign in a class ] is \\].")
        while not self.takes("]"):
            first = self.of_a_class()
            if self.rest[:1] == "-" and self.rest[1:2] not in {"]", ""}:
                self.at += 1
                ranges.append(_range(first, self.of_a_class()))
            elif isinstance(first, int):
                ranges.append((first, first))
            else:
                ranges += first.ranges
                properties += first.properties
        found = merged(ranges)
        if properties:
            return Signs(found, tuple(dict.fromkeys(properties)), negated)
        if not (found := others(found) if negated else found):
            raise NotAPattern("it has a class without signs")
        return Signs(found)

    def of_a_class(self) -> int | Signs:
        if not self.rest:
            raise NotAPattern("[ is never closed", "As a sign it is \\[.")
        if posix := POSIX.match(self.text, self.at):
            raise NotAPattern(f"uses {posix.group()}, a class of POSIX", "Write its signs, such as A-Za-z, or a property such as \\p{L}.")
        if self.rest[:2] in {"&&", "~~"}:
            raise NotAPattern(f"uses {self.rest[:2]} in a class, which some engines compute with", f"Write {self.rest[0]} once.")
        if self.rest[0] != "\\":
            self.at += 1
            return ord(self.text[self.at - 1])
        letter = self.rest[1:2]
        if letter == "b":
            self.at += 2
            return 8
        if letter in EDGES and letter:
            raise NotAPattern(f"uses \\{letter}, a place, in a class of signs")
        return self.escaped()


def _sign(code: int) -> Signs:
    return Signs(((code, code),))


def _counts(found: re.Match[str]) -> tuple[int, int | None]:
    least, several, most = found.groups()
    low, high = int(least), (int(most) if most else None) if several else int(least)
    if high is not None and high < low:
        raise NotAPattern(f"{found.group()} counts down")
    return low, high


def _range(first: int | Signs, last: int | Signs) -> tuple[int, int]:
    if not isinstance(first, int) or not isinstance(last, int):
        raise NotAPattern("a range in a class begins or ends with a set", "As a sign in a class - is \\-.")
    if last < first:
        raise NotAPattern(f"the range {chr(first)}-{chr(last)} goes backwards", "As a sign in a class - is \\-.")
    return first, last
