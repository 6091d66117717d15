"""What alerts are made of: troubles that a look finds, the look itself, and the messages that tell of a beginning or an end.

Values only. Who looks is `orchestration/`, what is news is `edges`, who is told is `sinks`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from assay.masking.tokens import without_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    Id = tuple["Kind", str]

SHOWN_KEYS = 5
DIGITS = 32
LONGEST = 500  # letters of a reason


class Kind(StrEnum):
    """What is wrong, as alerts.yaml names it."""

    FAILED = "failed"
    DEADLINE = "deadline"
    STALE = "stale"
    QUARANTINE = "quarantine"
    ALTERED = "altered"
    BLOCKED = "blocked"
    LEFT_OUT = "left_out"
    CLOCK = "clock"
    TRIAL = "trial"  # of `assay alerts test`


class Edge(StrEnum):
    """What has become of a trouble since it was last told of."""

    BEGAN = "began"
    GREW = "grew"  # more partitions, of the same cause
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now: `subject` is an asset as `silver/flights`, or what has no asset; `keys` are its partitions, in order.

    A trouble without keys concerns the whole of its subject.
    """

    kind: Kind
    subject: str
    why: str
    keys: tuple[str, ...] = ()

    @property
    def id(self) -> Id:
        """Two looks find the same trouble if this is the same."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Look:
    """What was found by one look, and what could not be told by it: that stays as it was.

    `judged` are the kinds that were looked at; `unjudged` are exceptions; `undecided` are partitions that are being made just now.
    """

    troubles: tuple[Trouble, ...]
    judged: frozenset[Kind] = frozenset(Kind)
    unjudged: frozenset[Id] = frozenset()
    undecided: Mapping[Id, frozenset[str]] = field(default_factory=dict)

    def judges(self, one: Id) -> bool:
        """Whether the look can tell that this is not so any more."""
        return one[0] in self.judged and one not in self.unjudged


@dataclass(frozen=True, slots=True)
class Part:
    """What a message says of one subject: how many partitions are news, and the first of them; `since` is when it began."""

    subject: str
    why: str
    since: str
    keys: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One piece of news, of one kind; several subjects share one if they are many. `left` are the sinks that have not taken it yet.

    `refused` counts how often a sink has refused it; `more` are subjects beyond those that are named.
    """

    kind: Kind
    edge: Edge
    at: str
    parts: tuple[Part, ...]
    left: tuple[str, ...] = ()
    more: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The idempotency key: who gets a message twice, because Assay was killed before it knew that it was taken, knows it by this."""
        said = [self.kind, self.edge, self.at, self.more, *(asdict(part) for part in self.parts)]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:DIGITS]

    @classmethod
    def load(cls, content: Mapping[str, Any]) -> Message:
        """Read what `asdict` has written."""
        parts = tuple(Part(**{**part, "keys": tuple(part["keys"])}) for part in content["parts"])
        told = {"kind": Kind(content["kind"]), "edge": Edge(content["edge"]), "parts": parts, "left": tuple(content["left"])}
        return cls(**{**content, **told})


def said(why: str) -> str:
    """A reason on one line, without tokens, not longer than a bound."""
    line = without_tokens(" ".join(why.split()))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} .."
