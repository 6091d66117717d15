"""Rows that keep a contract, rows that break exactly one of its rules, and rows of which a test says only what it is about.

Values are proposed column by column, and the engine's own judge says which rows are what was wanted: whatever a contract can say, a row is
never handed out on the word of its generator. The same seed gives the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.testing.contract_lookup import contract_of
from assay.testing.row_search import Search

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from assay.contracts.model.contract import Contract
    from assay.testing.contract_lookup import Named
    from assay.testing.judging import Known, Row

    Made = dict[str, Any]


def good_rows(
    contract: Named, count: int = 1, *, seed: int = 0, days: Sequence[date] | None = None, having: Row | None = None,
    known: Known | None = None,
) -> list[Made]:  # fmt: skip
    """So many landed rows that keep every row rule of a contract, no two with one key: texts by landing column, None for an absent value.

    They are of `days` (default: the first three of its calendar) in the dataset's zone, and have what `having` says. What it refers to
    is in `known`, as rows by dataset; references to what is not told are taken to hold. Promises about whole partitions are not looked at.
    Raises NoRowFound.
    """
    search = Search.begun(contract_of(contract), seed, days, known)
    return search.completed([having or {}] * count, distinct=True)


def rows_breaking(
    contract: Named, rule: str, count: int = 1, *, seed: int = 0, days: Sequence[date] | None = None, having: Row | None = None,
    known: Known | None = None,
) -> list[Made]:  # fmt: skip
    """So many landed rows that break this row rule and no other. See `good_rows`; Raises NoRowFound.

    The rules that no contract names are `event_time_readable`, `event_time_from_start` and `event_time_before_end`.
    """
    search = Search.begun(contract_of(contract), seed, days, known)
    return search.breaking(rule, count, having or {})


def completed(contract: Contract, rows: Sequence[Row], *, seed: int = 0, known: Known | None = None) -> list[Made]:
    """Rows with what they do not say filled in, so that they break as few rules as can be found."""
    search = Search.begun(contract, seed, None, known)
    return search.completed(rows, distinct=False)
