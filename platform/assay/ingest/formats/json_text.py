"""JSON values as text, with the digits that they came with. Used by every reader whose values may hold other values."""

from __future__ import annotations

import json
from typing import Any

from assay.ingest.formats.limits import MOST_NESTED


class Number(str):
    """A number, as it is spelled in its file."""

    __slots__ = ()


def spelled(value: Any, levels: int = MOST_NESTED) -> str:  # noqa: ANN401  # whatever JSON holds
    """A value inside a record as JSON text. Raises RecursionError for what is nested more than some levels deep."""
    if not levels:
        raise RecursionError
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{spelled(key)}: {spelled(item, levels - 1)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(spelled(item, levels - 1) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
