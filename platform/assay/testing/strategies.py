"""Rows of a contract as a hypothesis strategy, for whoever has hypothesis installed: it is no dependency of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.testing.generating import good_rows

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from assay.testing.contract_lookup import Named
    from assay.testing.judging import Known, Row

POOL = 100


def rows_of(
    contract: Named, *, least: int = 0, most: int = 20, seed: int = 0, having: Row | None = None, known: Known | None = None
) -> SearchStrategy[list[dict[str, Any]]]:
    """Lists of landed rows that keep a contract, no two with one key. They shrink to fewer rows, and to the first ones of the seed.

    Raises ImportError without hypothesis, NoRowFound as `good_rows`.
    """
    from hypothesis import strategies

    pool = good_rows(contract, max(POOL, most), seed=seed, having=having, known=known)
    places = strategies.lists(strategies.integers(0, len(pool) - 1), min_size=least, max_size=most, unique=True)
    return places.map(lambda chosen: [dict(pool[at]) for at in chosen])
