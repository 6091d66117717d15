"""Published rows compared with those that a test expects: in any order, by the columns that it names."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl


def differences(found: pl.DataFrame, expected: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The rows that were expected and are not there, and those that are there and were not expected, both by the columns that are named.

    Raises AssertionError for a column that there is not.
    """
    names = list(dict.fromkeys(name for row in expected for name in row))
    if unknown := [name for name in names if name not in found.columns]:
        raise AssertionError(f"There is no column {unknown[0]!r}; there are {', '.join(found.columns)}.")
    left: list[Mapping[str, Any]] = list(found.select(names).iter_rows(named=True)) if names else []
    missing: list[Mapping[str, Any]] = []
    for row in expected:
        at = next((at for at, one in enumerate(left) if all(is_same(one[name], value) for name, value in row.items())), None)
        if at is None:
            missing.append(row)
        else:
            left.pop(at)
    return missing, left


def is_same(found: Any, wanted: Any) -> bool:  # noqa: ANN401  # values of any column
    """Whether a published value is the one that a test wrote: a decimal or a time may be written as text, floats may be rounded."""
    if found is None or wanted is None:
        return found is wanted
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, float) and isinstance(wanted, int | float | Decimal):
        return math.isclose(found, wanted, rel_tol=1e-9)
    if isinstance(found, Decimal) and isinstance(wanted, int | float | str):
        return found == Decimal(str(wanted))
    if isinstance(found, datetime) and isinstance(wanted, str):
        return found == datetime.fromisoformat(wanted)
    if isinstance(found, date) and isinstance(wanted, str):
        return found == date.fromisoformat(wanted)
    return bool(found == wanted)
