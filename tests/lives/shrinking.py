"""Shrinking: of a life that fails, the fewest datasets, events and rows that still fail in the same way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from events import Land, Life, Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def shrink(life: Life, fails: Callable[[Life], bool], tries: int = 120) -> Life:
    """Leave out, piece by piece, what the failure does not need; at most so many lives are lived for that."""
    left, smaller = tries, True
    while smaller:
        smaller = False
        for candidate in _smaller(life):
            left -= 1
            if left < 0:
                return life
            if fails(candidate):
                life, smaller = candidate, True
                break
    return life


def _smaller(life: Life) -> Iterator[Life]:
    """Lives with less in them, the boldest first."""
    yield from _cut(life, max(len(life.events) // 2, 1))
    for dataset in reversed(life.product.datasets):
        if not any(other.refers_to == dataset.name for other in life.product.datasets) and len(life.product.datasets) > 1:
            events = tuple(event for event in life.events if getattr(event, "dataset", None) != dataset.name)
            models = tuple(model for model in life.product.gold if dataset.name not in model)
            product = replace(life.product, datasets=tuple(one for one in life.product.datasets if one is not dataset), gold=models)
            yield replace(life, product=product, events=events)
    if life.product.gold:
        yield replace(life, product=replace(life.product, gold=()))
    yield from _cut(life, 1)
    for place, event in enumerate(life.events):
        if isinstance(event, Land):
            for number in range(len(event.rows)):
                less = replace(event, rows=event.rows[:number] + event.rows[number + 1 :])
                yield replace(life, events=(*life.events[:place], less, *life.events[place + 1 :]))
        elif isinstance(event, Wait) and event.hours:
            yield replace(life, events=(*life.events[:place], Wait(0), *life.events[place + 1 :]))


def _cut(life: Life, size: int) -> Iterator[Life]:
    """Without some events that follow each other, the last first."""
    for start in range(len(life.events) - size, -1, -size):
        yield replace(life, events=life.events[:start] + life.events[start + size :])
