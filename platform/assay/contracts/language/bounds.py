"""Bounds of a contract's file, found while it is read event by event: before anything is built that could grow.

A file within them is read whole, in memory that its size bounds. What its values mean is not the business of this module.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import yaml

MOST_BYTES = 1 << 20  # of a file; the largest contract of the standard's own examples has a hundredth
MOST_LEVELS = 50
MOST_NODES = 100_000  # with what aliases repeat
MOST_DIGITS = 400  # of a number: a DOUBLE's largest has 309
MOST_POWER = 400  # of ten
NUMBER = re.compile(r"[-+.]?[0-9][0-9A-Za-z_.:+-]*")


class Beyond(NamedTuple):
    """A bound that a file breaks, and the line."""

    line: int
    complaint: str


def beyond_bounds(text: str, loader: Any) -> Beyond | None:  # noqa: ANN401  # PyYAML's have no types
    """The first bound that a YAML text breaks; None if it keeps all. Raises YAMLError for what is no YAML."""
    count = _Count()
    for event in yaml.parse(text, Loader=loader):
        if complaint := count.breaks(event):
            return Beyond(event.start_mark.line + 1 if event.start_mark else 1, complaint)
    return None


class _Count:
    """What was read so far: the nodes, those below each anchor that is closed, and the collections that are open."""

    def __init__(self) -> None:
        self.nodes = 0
        self.sizes: dict[str, int] = {}
        self.open: list[tuple[str | None, int]] = []  # their anchor, and how many nodes there were before

    def breaks(self, event: Any) -> str:  # noqa: ANN401  # as above
        """Go past an event; the bound that it breaks, or an empty text."""
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = self.open.pop()
            self._close(anchor, before)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open.append((event.anchor, self.nodes))
            self.nodes += 1
        elif isinstance(event, yaml.ScalarEvent):
            self.nodes += 1
            self._close(event.anchor, self.nodes - 1)
            if event.implicit[0] and len(event.value) > MOST_DIGITS and NUMBER.fullmatch(event.value):
                return f"a number has more than {MOST_DIGITS} digits"
        elif isinstance(event, yaml.AliasEvent):
            self.nodes += self.sizes.get(str(event.anchor), 0)
            if any(anchor == event.anchor for anchor, _ in self.open):
                return f"the alias *{event.anchor} stands within what it means"
        if len(self.open) > MOST_LEVELS:
            return f"values are nested more than {MOST_LEVELS} deep"
        return f"it has more than {MOST_NODES:,} values, with those that aliases repeat" if self.nodes > MOST_NODES else ""

    def _close(self, anchor: str | None, before: int) -> None:
        if anchor:
            self.sizes[anchor] = self.nodes - before
