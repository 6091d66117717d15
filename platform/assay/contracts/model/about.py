"""What a contract tells people: purpose, usage, limitations, whom to ask, and how long the dataset lives.

Kept for the documentation and for whoever asks; nothing here decides which rows are published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Channel:
    """Where people get support: the name of the channel, the tool that it is in, and what it is for."""

    name: str
    url: str = ""
    tool: str = ""
    scope: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One person or group of the team. `since` and `until` are the days on which they joined and left, as written."""

    username: str
    role: str = ""
    name: str = ""
    description: str = ""
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A column or dataset that will go: since which version, until which day it stays, and what to read instead."""

    since: str
    until: date | None = None
    use_instead: str | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The days from which a dataset may be used, is no longer supported, and is no longer there."""

    general_availability: date | None = None
    end_of_support: date | None = None
    end_of_life: date | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The words of a contract: ODCS `description`, `tags`, `team` and `support`."""

    purpose: str = ""
    usage: str = ""
    limitations: str = ""
    tags: tuple[str, ...] = ()
    team: str = ""
    members: tuple[Member, ...] = ()
    support: tuple[Channel, ...] = ()
