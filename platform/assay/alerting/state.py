"""What is remembered between two looks, as one text of bounded size: the open alerts, the messages that wait, and how the sinks fared.

A message is remembered before it is sent. So a process that is killed between sending and remembering sends the same message again, with
the same key: each is taken at least once.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from assay.alerting.alert import Kind, Message
from assay.alerting.edges import Open

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

MOST_WAITING = 100  # messages for one sink
MOST_REFUSALS = 10  # of one message by one sink, some five hours
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a message at a sink: taken, if `why` is empty. `of_message`: it was refused for what it is, others may pass."""

    key: str
    why: str = ""
    of_message: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """How a sink fared: failures in a row, when it is tried again and why it failed; `lost` messages were given up since it last worked."""

    failures: int = 0
    again: str = ""
    why: str = ""
    lost: int = 0

    def is_due(self, now: datetime) -> bool:
        """Whether it may be tried: also if its pause is longer than any is, because the clock was ahead when it failed."""
        return not self.again or not now < datetime.fromisoformat(self.again) <= now + LONGEST_PAUSE

    def after_failure(self, why: str, now: datetime) -> Health:
        """A minute's pause, then two, four, up to an hour."""
        pause = min(timedelta(minutes=2 ** min(self.failures, 10)), LONGEST_PAUSE)
        return replace(self, failures=self.failures + 1, again=(now + pause).isoformat(timespec="seconds"), why=why)


@dataclass(frozen=True, slots=True)
class Memory:
    """All of it. `ends` marks the failed runs that were seen."""

    opened: tuple[Open, ...] = ()
    waiting: tuple[Message, ...] = ()
    sinks: Mapping[str, Health] = field(default_factory=dict)
    ends: str | None = None

    @classmethod
    def load(cls, cursor: str | None) -> Memory:
        """Read a cursor. What is none, or another version's, is as none: what is wrong then is told of again."""
        try:
            content: dict[str, Any] = json.loads(cursor or "{}")
            opened = tuple(Open(**{**one, "kind": Kind(one["kind"]), "keys": tuple(one["keys"])}) for one in content["opened"])
            waiting = tuple(map(Message.load, content["waiting"]))
            return cls(opened, waiting, {name: Health(**one) for name, one in content["sinks"].items()}, content["ends"])
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()

    def dump(self) -> str:
        """Write a cursor. There is no secret in it, and no value of a row."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def with_news(self, news: Iterable[Message], wanted: Callable[[Message], Iterable[str]]) -> Memory:
        """The same, with messages to send to the sinks that each is `wanted` by. Of too many for a sink the oldest are given up."""
        added = [replace(one, left=tuple(wanted(one))) for one in news]
        waiting, sinks = [*self.waiting, *(one for one in added if one.left)], dict(self.sinks)
        for name in {name for one in waiting for name in one.left}:
            beyond = [one.key for one in waiting if name in one.left][:-MOST_WAITING]
            if beyond:
                waiting = [_without(one, name) if one.key in beyond else one for one in waiting]
                sinks[name] = replace(health := sinks.get(name, Health()), lost=health.lost + len(beyond))
        return replace(self, waiting=tuple(one for one in waiting if one.left), sinks=sinks)

    def to_send(self, known: Iterable[str], now: datetime) -> dict[str, list[Message]]:
        """The messages that may be sent now, oldest first, by sink; those for sinks that are not `known` any more are left out."""
        due = [name for name in known if self.sinks.get(name, Health()).is_due(now)]
        found = {name: [one for one in self.waiting if name in one.left] for name in due}
        return {name: messages for name, messages in found.items() if messages}

    def after(self, name: str, fates: Sequence[Fate], now: datetime) -> Memory:
        """The same, after a sink was tried."""
        before = Health() if any(not fate.why for fate in fates) else self.sinks.get(name, Health())
        waiting, given_up = {one.key: one for one in self.waiting}, 0
        for fate in fates:
            one = waiting[fate.key]
            times = one.refused.get(name, 0) + fate.of_message
            given_up += times >= MOST_REFUSALS
            is_over = not fate.why or times >= MOST_REFUSALS
            waiting[fate.key] = _without(one, name) if is_over else replace(one, refused={**one.refused, name: times})
        why = next((fate.why for fate in reversed(fates) if fate.why), "")
        health = replace(before.after_failure(why, now) if why else before, lost=before.lost + given_up)
        left = tuple(one for one in waiting.values() if one.left)
        return replace(self, waiting=left, sinks={**self.sinks, name: health})

    def only(self, known: Iterable[str]) -> Memory:
        """The same, without sinks that are not declared any more."""
        names = set(known)
        waiting = [replace(one, left=tuple(name for name in one.left if name in names)) for one in self.waiting]
        return replace(
            self, waiting=tuple(one for one in waiting if one.left), sinks={name: one for name, one in self.sinks.items() if name in names}
        )


def _without(message: Message, name: str) -> Message:
    return replace(message, left=tuple(one for one in message.left if one != name))
