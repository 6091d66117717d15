"""Date formats: ODCS writes them as Java's DateTimeFormatter does, Polars and Python as strptime does."""

from __future__ import annotations

import re

from assay.contracts.names import suggest
from assay.errors import ContractInvalid

LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "mm": "%M", "ss": "%S",
    "SSS": "%3f", "SSSSSS": "%6f", "XXX": "%#z", "Z": "%z",
}  # fmt: skip
TOKEN = re.compile(r"''|'([^']*)'|([a-zA-Z])\2*|.", re.DOTALL)
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
            literal = "'" if text == "''" else text if quoted is None else quoted
            parts.append(literal.replace("%", "%%"))
    return "".join(parts)
