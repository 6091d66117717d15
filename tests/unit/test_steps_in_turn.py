"""Working ahead and in groups: the order stays, errors come in their place, and no more is held than said."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from assay.steps import ahead, in_groups

if TYPE_CHECKING:
    from collections.abc import Iterator


def failing_after(items: list[int]) -> Iterator[int]:
    yield from items
    raise ValueError("the next one cannot be made")


def test_items_made_ahead_keep_their_order() -> None:
    assert list(ahead(range(100))) == list(range(100))
    assert list(ahead([])) == []


def test_the_next_item_is_made_while_the_caller_works_on_the_last_and_no_further_one() -> None:
    made, second = list[int](), threading.Event()

    def items() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    found = ahead(items())
    assert next(found) == 0
    assert second.wait(10), "the second item was not made while the first is worked on"
    assert made == [0, 1], "a third item is held"
    assert list(found) == [1, 2, 3, 4]


def test_an_error_in_making_an_item_comes_after_those_before_it() -> None:
    found, seen = ahead(failing_after([1, 2])), list[int]()
    with pytest.raises(ValueError, match="cannot be made"):
        seen.extend(found)
    assert seen == [1, 2]


def test_groups_are_cut_once_they_have_enough() -> None:
    assert list(in_groups([3, 3, 3, 9, 1], lambda one: one, 6)) == [[3, 3], [3, 9], [1]]
    assert list(in_groups([], lambda one: one, 6)) == []


def test_an_error_comes_after_the_group_before_it() -> None:
    found = in_groups(failing_after([1, 2]), lambda one: one, 10)
    assert next(found) == [1, 2]
    with pytest.raises(ValueError, match="cannot be made"):
        next(found)
