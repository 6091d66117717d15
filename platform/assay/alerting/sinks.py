"""Sinks: where messages go. Each takes one message or raises; what it raises says whether others would fare as badly.

A log, a webhook, a webhook as Slack's, a mail. What an answer holds is not trusted: it is bounded in time and size, and no redirect is
followed.
"""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from assay.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.alerting.alert import Kind, Message
    from assay.alerting.wording import Wording

LOGGER = "assay.alerts"
SHOWN = 200  # letters of what a library or a server says


class SinkFailed(AssayError):
    """A sink could not be reached, or does not take messages from here. Its messages wait."""


class MessageRefused(SinkFailed):
    """A sink does not want this one message for what it is."""


def unreachable(host: str, error: BaseException) -> SinkFailed:
    """What went wrong on the way to a server, without what it has sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not trusted ({error.verify_message})"
    elif isinstance(error, OSError):
        why = error.strerror or str(error) or type(error).__name__
    else:
        why = type(error).__name__
    return SinkFailed(f"{host} could not be reached: {why[:SHOWN]}.")


class Sink(Protocol):
    """Somewhere that messages go to."""

    @property
    def name(self) -> str:
        """How it is called in alerts.yaml."""
        ...

    @property
    def type(self) -> str:
        """What it is."""
        ...

    def send(self, message: Message, wording: Wording, lost: int = 0) -> str:
        """Have a message taken, and say what came back. Raises SinkFailed, SettingsError for a secret that is not there."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages a sink gets: kinds, and datasets or models by name; all without."""

    kinds: frozenset[Kind] = frozenset()
    datasets: frozenset[str] = frozenset()

    def has(self, message: Message) -> bool:
        """Whether a message is for the sink. What concerns no dataset, such as the clock, concerns all."""
        names = {part.subject.rpartition("/")[2] for part in message.parts}
        general = any("/" not in part.subject for part in message.parts)
        return (not self.kinds or message.kind in self.kinds) and (not self.datasets or general or bool(names & self.datasets))


@dataclass(frozen=True, slots=True)
class LogSink:
    """The log of whatever process looks: under `assay serve` the code server's, which is on its standard error."""

    name: str = "log"
    say: Callable[[str], None] | None = None
    type: str = "log"

    def send(self, message: Message, wording: Wording, lost: int = 0) -> str:
        """Write one line."""
        (self.say or logging.getLogger(LOGGER).warning)(
            wording.line(message) + (f" {lost} messages before it were given up." if lost else "")
        )
        return "written"
