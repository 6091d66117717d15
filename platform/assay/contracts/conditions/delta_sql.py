"""Names and values in the SQL of constraints, spelled so that Spark and DataFusion (delta-rs) read them alike.

They differ in quotes and backslashes within a text, in what type a number is, and DataFusion has no instant outside the years 1678 to 2261
to compare with. So each value says its type, and a text that has such signs is put together from their codes.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from assay.contracts.language.literals import plain_whole, spelled, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

PLAIN = re.compile(r"[^'\"\\\x00-\x1f\x7f]+")
FIRST_INSTANT, LAST_INSTANT = datetime(1678, 1, 1, tzinfo=UTC), datetime(2261, 12, 31, tzinfo=UTC)


def name_sql(name: str) -> str | None:
    """A column; None if its name cannot be said."""
    return None if "`" in name else f"`{name}`"


def text_sql(text: str) -> str | None:
    """A text; None for one with a sign that an engine cannot make."""
    if PLAIN.fullmatch(text) or not text:
        return f"'{text}'"
    if "\0" in text:
        return None
    pieces = (f"'{piece}'" if PLAIN.fullmatch(piece) else f"chr({ord(piece)})" for piece in re.findall(rf"{PLAIN.pattern}|(?s:.)", text))
    return f"concat({', '.join(pieces)})"


def value_sql(kind: pa.DataType, value: Any) -> str | None:  # noqa: ANN401  # a value of a contract
    """A value of a column's type; None for one that an engine cannot say."""
    meant = value_of(kind, value)
    if isinstance(meant, bool):
        return str(meant).lower()
    if isinstance(meant, datetime):
        return f"TIMESTAMP '{meant.isoformat(' ')}'" if FIRST_INSTANT <= meant <= LAST_INSTANT else None
    if isinstance(meant, date):
        return f"DATE '{meant.isoformat()}'"
    if isinstance(meant, str):
        return text_sql(meant)
    return plain_whole(meant) or f"CAST('{meant}' AS {spelled(kind)})"


def values_sql(kind: pa.DataType, values: Sequence[Any]) -> str | None:
    """A list of values; None if one of them cannot be said."""
    said = [value_sql(kind, value) for value in values]
    return None if None in said else ", ".join(filter(None, said))
