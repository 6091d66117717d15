"""Date formats: ODCS writes them as Java's DateTimeFormatter does, Polars and Python as strptime does."""

from __future__ import annotations

import re

from assay.contracts.language.names import suggest
from assay.errors import ContractInvalid

LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "mm": "%M", "ss": "%S",
    "SSS": "%3f", "SSSSSS": "%6f", "SSSSSSSSS": "%9f", "XXX": "%#z", "Z": "%z",
}  # fmt: skip
JAVA = {directive: letters for letters, directive in LETTERS.items() if letters != "uuuu"}
# What stands for each: strptime reads `24` as the year 24, a sixtieth second as the next minute, and takes spaces. Timestamps hold
# microseconds.
YEAR, ONE_OR_TWO = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])", "[0-9]{1,2}"
SPELLED = {
    "%Y": YEAR, "%m": ONE_OR_TWO, "%-m": ONE_OR_TWO, "%d": ONE_OR_TWO, "%-d": ONE_OR_TWO,
    "%H": ONE_OR_TWO, "%-H": ONE_OR_TWO, "%M": ONE_OR_TWO, "%S": "[0-5]?[0-9]", "%3f": "[0-9]{3}", "%6f": "[0-9]{6}", "%9f": "[0-9]{6}000",
    "%#z": "(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)", "%z": "[+-][0-9]{2}:?[0-9]{2}", "%%": "%",
}  # fmt: skip
DIRECTIVE = re.compile("|".join(sorted(map(re.escape, SPELLED), key=len, reverse=True)))
TOKEN = re.compile(r"''|'((?:[^']|'')*)'|([a-zA-Z])\2*|.", re.DOTALL)
DAY = "%Y-%m-%d"  # how a date is written whose contract does not say
UTC = ("UTC", "Etc/UTC")
ARRIVAL_PLACE = re.compile(r"\{arrival:([^}]+)\}")  # where the path of a landing file holds its arrival date


def unknown_letters(pattern: str) -> tuple[str, str] | None:
    """The first letters of a Java pattern that nobody knows, with a hint; None if all are known."""
    spelled = (match.group() for match in TOKEN.finditer(pattern) if match.group(2) is not None)
    return next(((letters, suggest(letters, LETTERS)) for letters in spelled if letters not in LETTERS), None)


def strptime_format(pattern: str) -> str:
    """Translate a Java pattern such as `yyyy-MM-dd'T'HH:mm:ss'Z'`. Raises ContractInvalid for a letter it does not know."""
    if unknown := unknown_letters(pattern):
        raise ContractInvalid(f"The date format {pattern!r} uses {unknown[0]!r}.", hint=unknown[1])
    parts = []
    for token in TOKEN.finditer(pattern):
        text, quoted = token.group(), token.group(1)
        if token.group(2) is not None:
            parts.append(LETTERS[text])
        else:
            literal = "'" if text == "''" else text if quoted is None else quoted.replace("''", "'")
            parts.append(literal.replace("%", "%%"))
    return "".join(parts)


def java_pattern(format_: str) -> str:
    """The Java pattern of a strptime format, for people: what `strptime_format` was given, but for `uuuu`, which is shown as `yyyy`."""
    parts, end = list[str](), 0
    for directive in (*DIRECTIVE.finditer(format_), None):
        text = format_[end : directive.start() if directive else None]
        text = text.replace("'", "''")
        parts.append(f"'{text}'" if any(letter.isalpha() for letter in text) else text)
        if directive:
            parts.append(JAVA.get(directive.group(), "%"))
            end = directive.end()
    return "".join(parts)


def says_zone(pattern: str) -> bool:
    """Whether texts of a Java pattern say their zone: an offset, or the letter Z at the end."""
    return pattern.endswith(("'Z'", "XXX", "Z"))


def spelling(format_: str) -> str:
    """A regular expression for the texts that a strptime format can read without a guess."""
    pieces, end = list[str](), 0
    for directive in DIRECTIVE.finditer(format_):
        pieces += [re.escape(format_[end : directive.start()]), SPELLED[directive.group()]]
        end = directive.end()
    return f"^{''.join(pieces)}{re.escape(format_[end:])}$"
