"""The custom properties that Assay knows: at which elements they may stand, which keys they have, and what each value must be.

A `Check` looks at one value and says what is wrong with it and what would be right; None if nothing is.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from assay.contracts.language.date_formats import unknown_letters
from assay.contracts.language.names import suggest
from assay.contracts.language.sql import NotReadable, tokens
from assay.contracts.model.contract import Grain, KeyScope, MaskingMethod, Severity
from assay.contracts.patterns.parser import parse_pattern
from assay.contracts.patterns.pattern import NotAPattern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Check = Callable[[Any], tuple[str, str] | None]

VENDOR = "assay"
NONE = "none"
FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
GRAINS = tuple(grain for grain in Grain if grain is not Grain.NONE)


@dataclass(frozen=True, slots=True)
class Keys:
    """A value that is a mapping, a list of mappings (`many`), or the word `none` (`or_none`); then a description has to say why."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    or_none: bool = False
    many: bool = False

    @property
    def all(self) -> Mapping[str, Check]:
        """Every key with the check of its value."""
        return {**self.required, **self.optional}


def text(value: object) -> tuple[str, str] | None:
    """A text that is not empty."""
    return None if isinstance(value, str) and value.strip() else (f"{value!r} is no text", "")


def texts(value: object) -> tuple[str, str] | None:
    """A list of texts, of which one may be empty."""
    fine = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return None if fine else (f"{value!r} is no list of texts", 'Such as [NA, ""].')


def count(value: object) -> tuple[str, str] | None:
    """A whole number from 0."""
    return None if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else (f"{value!r} is no whole number from 0", "")


def share(value: object) -> tuple[str, str] | None:
    """A number above 0, at most 1."""
    return (
        None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1
        else (f"{value!r} is no share", "Such as 0.1.")
    )


def day(value: object) -> tuple[str, str] | None:
    """A calendar day in ISO form."""
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return f"{value!r} is no date", "Such as 2013-01-01."
    return None


def flag(value: object) -> tuple[str, str] | None:
    """True or false."""
    return None if isinstance(value, bool) else (f"{value!r} is neither true nor false", "")


def character(value: object) -> tuple[str, str] | None:
    """One ASCII character that can stand between values: no letter, no digit, no line end."""
    fine = isinstance(value, str) and len(value) == 1 and value.isascii() and not value.isalnum() and value not in "\r\n\0"
    return None if fine else (f"{value!r} is not one ASCII character that is no letter, digit or line end", 'Such as ";" or "\\t".')


def character_or_none(value: object) -> tuple[str, str] | None:
    """The same, or an empty text for none."""
    return None if value == "" and isinstance(value, str) else character(value)


def number_sign(value: object) -> tuple[str, str] | None:
    """One character that can stand between digits of a number without being part of them."""
    fine = isinstance(value, str) and len(value) == 1 and not value.isalnum() and value not in "+-\r\n\0"
    return None if fine else (f"{value!r} is not one character that can stand in a number beside its digits", 'Such as "," or ".".')


def number_sign_or_none(value: object) -> tuple[str, str] | None:
    """The same, or an empty text for none."""
    return None if value == "" and isinstance(value, str) else number_sign(value)


def one_of(what: str, known: Iterable[str]) -> Check:
    """One of the known words."""
    words = tuple(known)
    return lambda value: None if value in words else (f"unknown {what} {value!r}", suggest(value, words))


def zone(value: object) -> tuple[str, str] | None:
    """A time zone of the IANA database."""
    try:
        ZoneInfo(str(value))
    except (ValueError, OSError, LookupError):
        return f"unknown time zone {value!r}", suggest(value, sorted(available_timezones()))
    return None


def encoding(value: object) -> tuple[str, str] | None:
    """A character encoding that Python knows. Some of what Python calls a codec packs bytes, or makes text of text."""
    from encodings.aliases import aliases

    name = str(value)
    try:
        codecs.lookup(name)
    except (LookupError, ValueError):
        return f"unknown encoding {value!r}", suggest(value, sorted({one.replace("_", "-") for one in (*aliases, *aliases.values())}))
    try:
        "letters".encode(name)
    except (LookupError, UnicodeError):
        return f"{value!r} is no encoding of text", "Name the one that the letters of a file are in, such as UTF-8 or windows-1252."
    return None


def date_format(value: object) -> tuple[str, str] | None:
    """A format of dates or times in Java's letters."""
    unknown = unknown_letters(str(value))
    return (f"the date format {value!r} uses {unknown[0]!r}", unknown[1]) if unknown else text(value)


def sql(value: object) -> tuple[str, str] | None:
    """An SQL expression, as far as brackets and quotes go."""
    try:
        tokens(value if isinstance(value, str) else "")
    except NotReadable as error:
        return f"the expression {value!r} cannot be read: {error}", ""
    return None


def pattern(value: object) -> tuple[str, str] | None:
    """A regular expression that every engine reads alike: docs/meaning.md describes the dialect."""
    if found := text(value):
        return found
    try:
        parse_pattern(value)
    except NotAPattern as error:
        said = f"the regular expression {value!r}" if str(error).startswith("uses ") else f"{value!r} is no regular expression:"
        return f"{said} {error}", error.hint
    return None


def function(value: object) -> tuple[str, str] | None:
    """A Python function, named by its module."""
    fine = isinstance(value, str) and FUNCTION.fullmatch(value)
    return None if fine else (f"the transform {value!r} is no module:function", "Such as shop.transforms:conform_orders.")


def width(value: object) -> tuple[str, str] | None:
    """What a value is generalized to: a part of a date, or a number above 0."""
    if value in ("year", "month", "day") or (isinstance(value, int | float) and not isinstance(value, bool) and value > 0):
        return None
    return f"{value!r} is neither a part of a date nor a width", suggest(
        value, ("year", "month", "day")
    ) + " A number has a width such as 10."


DEPRECATED = Keys({"since": text}, {"until": day, "useInstead": text})
TABLE: Mapping[str, Keys | Check] = {
    "eventTime": Keys({"expression": sql, "format": date_format, "timeZone": zone}, {"sourceTimeZone": zone}, or_none=True),
    "partitioning": Keys({"grain": one_of("grain", GRAINS), "start": day}, {"end": day}),
    "arrival": Keys({"grain": one_of("grain", GRAINS), "start": day}, {"end": day, "lateness": count, "includeCurrent": flag}),
    "keyScope": one_of("key scope", KeyScope),
    "transform": function,
    "rejectedShare": Keys({"mustBeLessThan": share}, {}),
    "deprecated": DEPRECATED,
}
# of a gold model, which nothing lands for
GOLD_TABLE: Mapping[str, Keys | Check] = {
    "eventTime": Keys({"column": text}, {}),
    "reach": Keys({}, {"lookbackDays": count, "lookaheadDays": count}),
    "consumers": Keys({"name": text, "contact": text}, {"columns": texts}, many=True),
    "deprecated": DEPRECATED,
}
DIALECT: Mapping[str, Check] = {
    "delimiter": character, "quoteChar": character_or_none, "escapeChar": character_or_none, "doubleQuote": flag,
    "commentChar": character_or_none, "header": flag, "decimalChar": number_sign, "groupChar": number_sign_or_none,
}  # fmt: skip
SERVER: Mapping[str, Keys | Check] = {"nullValues": texts, "maxBytes": count, "dialect": Keys({}, DIALECT), "explode": text}
COLUMN: Mapping[str, Keys | Check] = {
    "unit": text,
    "masking": Keys({"method": one_of("masking method", MaskingMethod)}, {"keep": count, "to": width}),
    "subject": text,
    "deprecated": DEPRECATED,
}
RELATIONSHIP: Mapping[str, Keys | Check] = {"name": text, "severity": one_of("severity", Severity), "description": text}
NOWHERE: Mapping[str, Keys | Check] = {}
