"""Edges: what of a look is news, against what is open already. A trouble is told of when it begins, grows, and clears; never in between.

Pure: what is open and a look in, what is open then and messages out. Many partitions of one trouble are one message; so are many subjects
of one kind, where one cause (a key that is gone) is met by all at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.alerting.alert import SHOWN_KEYS, Edge, Kind, Look, Message, Part, Trouble, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from assay.alerting.alert import Id

TOGETHER = 5  # subjects of one kind and edge are told of one by one; more share a message
NAMED = 20  # subjects that such a message names
MOST_KEYS, FEWEST_KEYS, ALL_KEYS = 100, 5, 5_000  # partitions that are remembered of one trouble, and of all


@dataclass(frozen=True, slots=True)
class Open:
    """A trouble that was told of and goes on: since when, and of which partitions, the last in order; `more` lie before them."""

    kind: Kind
    subject: str
    since: str
    why: str = ""
    keys: tuple[str, ...] = ()
    more: int = 0

    @property
    def id(self) -> Id:
        """As that of its trouble."""
        return self.kind, self.subject

    @property
    def count(self) -> int:
        """How many partitions it is about."""
        return len(self.keys) + self.more

    def knows(self, key: str) -> bool:
        """Whether a partition was told of. Of those before the remembered ones all count as told: better once too few than each minute."""
        return key in self.keys or bool(self.more and self.keys and key < self.keys[0])


def follow(before: Sequence[Open], look: Look, at: datetime) -> tuple[tuple[Open, ...], tuple[Message, ...]]:
    """What is open after a look, and what is news. `at` is when it was looked."""
    now, known, found = at.isoformat(timespec="seconds"), {one.id: one for one in before}, {one.id: one for one in look.troubles}
    after, news = list[Open](), dict[tuple[Kind, Edge], list[Part]]()
    most = max(FEWEST_KEYS, min(MOST_KEYS, ALL_KEYS // max(1, len(found))))
    for trouble in found.values():
        was, why = known.get(trouble.id), said(trouble.why)
        fresh = [key for key in trouble.keys if was is None or not was.knows(key)]
        if was is None or fresh:
            edge, since = (Edge.GREW, was.since) if was else (Edge.BEGAN, now)
            news.setdefault((trouble.kind, edge), []).append(Part(trouble.subject, why, since, tuple(fresh[:SHOWN_KEYS]), len(fresh)))
        after.append(_remembered(trouble, was.since if was else now, _kept(was, look), most))
    for was in before:
        if was.id in found:
            continue
        if not look.judges(was.id):
            after.append(was)
        elif kept := _kept(was, look):
            after.append(replace(was, keys=kept, more=0))
        else:
            part = Part(was.subject, was.why, was.since, was.keys[:SHOWN_KEYS], was.count)
            news.setdefault((was.kind, Edge.CLEARED), []).append(part)
    return tuple(after), tuple(message for (kind, edge), parts in news.items() for message in _messages(kind, edge, parts, now))


def _kept(was: Open | None, look: Look) -> tuple[str, ...]:
    """The partitions that were told of and are being made just now: whether they are well is not known before their run has ended."""
    making = look.undecided.get(was.id, frozenset()) if was else frozenset()
    return tuple(key for key in was.keys if key in making) if was else ()


def _remembered(trouble: Trouble, since: str, kept: tuple[str, ...], most: int) -> Open:
    keys = sorted({*trouble.keys, *kept})
    return Open(trouble.kind, trouble.subject, since, said(trouble.why), tuple(keys[-most:]), max(0, len(keys) - most))


def _messages(kind: Kind, edge: Edge, parts: Sequence[Part], at: str) -> Iterator[Message]:
    if len(parts) <= TOGETHER:
        yield from (Message(kind, edge, at, (part,)) for part in parts)
    else:
        yield Message(kind, edge, at, tuple(parts[:NAMED]), more=max(0, len(parts) - NAMED))
