"""Datasets that refer to each other, keys that count in the whole table, decisions, people who leave, calendars, refusals, batches, gold:
whatever happens in whatever order, what is not due is as plain Python says.
"""

from __future__ import annotations

import pytest
from linked_lives import Kind, Life, live
from linked_product import ITEMS, SALES, STORES

STEPS = 10
CHANGED, ASIDE = (Life.a_contract_changes,) * 3, (Life.a_steward_decides, Life.something_is_archived)
KINDS = {
    "references": Kind((STORES, ITEMS, SALES), ("least", "strict", "pair", "refers", "masked", "share", "scope"), CHANGED),
    "keys": Kind((SALES,), ("least", "scope", "key", "masked"), (Life.a_contract_changes, *ASIDE, Life.a_person_leaves)),
    "calendars": Kind((SALES,), ("grain", "zone", "start"), (*CHANGED, *ASIDE)),
    "refusals": Kind((SALES,), ("share", "count", "least"), (*CHANGED, *ASIDE)),
    "batches": Kind((SALES,), ("least", "scope", "key", "share"), (*CHANGED, *ASIDE), small=True),
    "gold": Kind((ITEMS, SALES), ("least", "grain", "zone", "start"), (*CHANGED, *ASIDE), has_gold=True),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(22, 27))
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_due_is_as_plain_python_says(kind: str, seed: int) -> None:
    assert live(seed, KINDS[kind], STEPS).judged
