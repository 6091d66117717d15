"""What the model has found, as the few steps that matter: rows that are the same but for the partition that they lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from lake_invariants import gold_is_a_function_of_silver_now, the_plan_is_empty
from lake_product import METERS, PEOPLE, SALES
from lake_world import World, quick

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[World]:
    made = World.make()
    with quick():
        yield made
    made.remove()


@pytest.mark.parametrize(
    ("dataset", "row", "days"),
    [
        (SALES, ("1", PEOPLE[0], "10"), ("2024-01-30", "2024-01-31")),  # two days of one month
        (METERS, ("1", "10"), ("2024-01-31", "2024-02-01")),  # two months, both in reach of a month in another zone
    ],
)
def test_a_file_that_is_sent_again_under_another_day_reaches_gold(
    world: World, dataset: str, row: tuple[str, ...], days: tuple[str, str]
) -> None:
    """The partition is no part of a data file: that its bytes are the same does not say that its rows are."""
    other, beside = (SALES, ("9", PEOPLE[1], "90")) if dataset == METERS else (METERS, ("9", "90"))
    world.land(other, f"{other}_2024-02-02_a", [("2024-02-02", *beside)])
    for day in days:
        world.land(dataset, f"{dataset}_2024-01-31_a", [(day, *row)])
        assert [one.failure for one in world.backfill(world.planner()) if one.failure] == []
        gold_is_a_function_of_silver_now(world)
        the_plan_is_empty(world)
