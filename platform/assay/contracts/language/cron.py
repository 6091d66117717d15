"""Cron expressions of five fields, as far as to say what is wrong with one; Dagster runs them."""

from __future__ import annotations

import re

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of the month", 1, 31, []),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, WEEKDAYS),
)
NAMED = ("@hourly", "@daily", "@weekly", "@monthly", "@yearly")
PART = re.compile(r"(?:\*|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?")


def cron_fault(expression: str) -> str | None:
    """What is wrong with an expression such as `0 6 * * *`; None if nothing is."""
    if expression in NAMED:
        return None
    parts = expression.lower().split()
    if len(parts) != len(FIELDS):
        return f"it has {len(parts)} fields, not {len(FIELDS)}"
    for part, (what, low, high, names) in zip(parts, FIELDS, strict=True):
        for one in part.split(","):
            found = PART.fullmatch(one)
            ends = [_number(end, names, low) for end in (found["low"], found["high"]) if end] if found else [None]
            if any(end is None or not low <= end <= high for end in ends) or (found and found["step"] == "0"):
                return f"{one!r} is no {what}"
    return None


def _number(text: str, names: list[str], low: int) -> int | None:
    if text.isdecimal():
        return int(text)
    return names.index(text) + low if text in names else None
