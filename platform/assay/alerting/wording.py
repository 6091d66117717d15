"""What a message says: one line for a log, a subject and a text for people, JSON for programs. No token, and nothing beyond a bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from assay.alerting.alert import Edge, Kind, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.alerting.alert import Message, Part

TITLES = {
    Kind.FAILED: "{} failed",
    Kind.DEADLINE: "{} is late: an arrival is due and not there",
    Kind.STALE: "{} is stale",
    Kind.QUARANTINE: "{} has many rows in quarantine",
    Kind.ALTERED: "{} was changed by another tool",
    Kind.BLOCKED: "{} cannot be planned",
    Kind.LEFT_OUT: "{} is left out",
    Kind.CLOCK: "the clock was set back",
    Kind.TRIAL: "this is a trial message",
}
LOST = "{} earlier messages were given up while this sink could not be reached. `assay alerts list` shows what is open."


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a subject from its contract: its owner, and where its readers get help."""

    owner: str = ""
    support: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """What messages of one product have in common: its name, the address of its UI, and what is known of its assets."""

    product: str
    link: str = ""
    about: Mapping[str, About] | None = None

    def title(self, message: Message) -> str:
        """The subject of a mail: one line."""
        first = message.parts[0]
        others = len(message.parts) + message.more - 1
        named = first.subject + (f" and {others} others" if others else "")
        what = TITLES[message.kind].format(named) + (f": {counted(first)}" if first.count and not others else "")
        ended = f"cleared after {lasted(first.since, message.at)}: " if message.edge is Edge.CLEARED else ""
        return f"[{self.product}] {ended}{what}{' (more)' if message.edge is Edge.GREW else ''}"

    def text(self, message: Message, lost: int = 0) -> str:
        """The whole of a message for people."""
        lines = [self.title(message), ""]
        for part in message.parts:
            lines += [*self._lines(part, message), ""]
        lines += [f"and {message.more} more.", ""] if message.more else []
        lines += [LOST.format(lost), ""] if lost else []
        return "\n".join([*lines, f"{message.at}, message {message.key}. The same message may come twice."])

    def _lines(self, part: Part, message: Message) -> list[str]:
        known = self.known(part)
        lines = [f"{part.subject}: {said(part.why)}" if part.subject else said(part.why)]
        lines += [f"Partitions: {counted(part)}"] if part.keys else []
        lines += [f"Since {part.since}, cleared {message.at}" if message.edge is Edge.CLEARED else f"Since {part.since}"]
        lines += [f"Owner: {known.owner}"] if known.owner else []
        lines += [f"Support: {', '.join(known.support)}"] if known.support else []
        return lines + ([self.address(part)] if self.address(part) else [])

    def line(self, message: Message) -> str:
        """The message for a log."""
        whys = "; ".join(dict.fromkeys(said(part.why) for part in message.parts[:1])) if message.edge is not Edge.CLEARED else ""
        return f"{self.title(message)}{f': {whys}' if whys else ''} (message {message.key[:8]})"

    def payload(self, message: Message, lost: int = 0) -> dict[str, Any]:
        """The message for programs."""
        return {
            "id": message.key,
            "product": self.product,
            "kind": str(message.kind),
            "edge": str(message.edge),
            "at": message.at,
            "title": self.title(message),
            "subjects": [self._part(part) for part in message.parts],
            "more_subjects": message.more,
            "messages_given_up": lost,
        }

    def _part(self, part: Part) -> dict[str, Any]:
        known = self.known(part)
        return {
            "subject": part.subject, "why": said(part.why), "since": part.since, "partitions": part.count, "first_partitions": [*part.keys],
            "owner": known.owner, "support": [*known.support], "link": self.address(part),
        }  # fmt: skip

    def known(self, part: Part) -> About:
        """What is known of a subject, of the dataset or model that it is a table of."""
        return (self.about or {}).get(part.subject.rpartition("/")[2], About())

    def address(self, part: Part) -> str:
        """The page of the asset in the UI, where its address is declared."""
        return f"{self.link.rstrip('/')}/assets/{part.subject}" if self.link and part.subject.count("/") == 1 else ""


def counted(part: Part) -> str:
    """The partitions of a part: how many, and the first."""
    shown = ", ".join(part.keys)
    hidden = part.count - len(part.keys)
    return f"{shown} and {hidden} more ({part.count} partitions)" if hidden > 0 else shown


def lasted(since: str, until: str) -> str:
    """How long something lasted, in its two largest units."""
    span = datetime.fromisoformat(until) - datetime.fromisoformat(since)
    minutes = int(max(span, timedelta()).total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    units = [(days, "d"), (hours, "h"), (minutes, "min")]
    found = [f"{number} {unit}" for number, unit in units if number]
    return " ".join(found[:2]) or "less than a minute"
