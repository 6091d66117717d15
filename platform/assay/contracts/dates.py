"""Date formats: ODCS writes them as Java's DateTimeFormatter does, Polars and Python as strptime does."""

from __future__ import annotations

import re

from assay.errors import ContractInvalid

LETTERS = {
    "yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "mm": "%M", "ss": "%S",
    "SSS": "%3f", "SSSSSS": "%6f", "XXX": "%#z", "Z": "%z",
}  # fmt: skip
TOKEN = re.compile(r"''|'([^']*)'|([a-zA-Z])\2*|.", re.DOTALL)
ARRIVAL_PLACE = re.compile(r"\{arrival:([^}]+)\}")  # where the path of a landing file holds its arrival date


def strptime_format(pattern: str) -> str:
    """Translate a Java pattern such as `yyyy-MM-dd'T'HH:mm:ss'Z'`. Raises ContractInvalid for a letter it does not know."""
    parts = []
    for token in TOKEN.finditer(pattern):
        text, quoted = token.group(), token.group(1)
        if quoted is not None or token.group(2) is None:
            literal = "'" if text == "''" else text if quoted is None else quoted
            parts.append(literal.replace("%", "%%"))
        elif text in LETTERS:
            parts.append(LETTERS[text])
        else:
            raise ContractInvalid(f"The date format {pattern!r} uses {text!r}.", hint=f"Known: {', '.join(LETTERS)}.")
    return "".join(parts)
