"""A transform that fails and says on which value, as careless code does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl


def refuse(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Raise for the first remark that begins with `boom`, and quote it."""
    for remark in _boom(frame.select("remark").collect()["remark"]):
        raise ValueError(f"cannot work on {remark}")
    return frame


def _boom(remarks: Iterable[str | None]) -> Iterable[str]:
    return [remark for remark in remarks if remark and remark.startswith("boom")]


def lose_sevens(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Drop rows, which no transform may."""
    return frame.filter(frame.collect()["quantity"] != 7)
