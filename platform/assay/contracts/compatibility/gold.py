"""How gold models differ beside their columns and rules: the time of a row, how far a build reads, and who reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compatibility.change import Change, unclassified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.model.gold_contract import GoldContract

CONSUMER = dict.fromkeys(("name", "contact", "columns"))  # all that is compared of one


def event_column_changes(old: GoldContract, new: GoldContract) -> Iterator[Change]:
    """The column whose month is a row's partition."""
    if old.event_column != new.event_column:
        yield Change("event_time_changed", "eventTime, column", old.event_column, new.event_column)


def reach_changes(old: GoldContract, new: GoldContract) -> Iterator[Change]:
    """How far a build reads around its window: which months are rebuilt after a late row, not what is in them."""
    for name in ("lookback_days", "lookahead_days"):
        values = getattr(old, name), getattr(new, name)
        if values[0] != values[1]:
            yield Change("reach_changed", f"reach, {name}", *values)


def consumer_changes(old: GoldContract, new: GoldContract) -> Iterator[Change]:
    """Who reads it. Nobody else has to do anything."""
    before, after = ({one.name: one for one in side.consumers} for side in (old, new))
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        if one != other:
            yield Change("reworded", f"consumer {name}", one, other)
            if one and other:
                yield from unclassified(one, other, CONSUMER, f"consumer {name}")
