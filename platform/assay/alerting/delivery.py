"""Delivery: the messages that wait go to their sinks, each sink in a thread of its own, so that one that hangs holds up no other."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from assay.alerting.sinks import MessageRefused
from assay.alerting.state import Fate, Health
from assay.errors import AssayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from assay.alerting.alert import Message
    from assay.alerting.sinks import Sink
    from assay.alerting.state import Memory
    from assay.alerting.wording import Wording

BEGUN_WITHIN = 12.0  # seconds: later no other message is begun; the rest goes with the next tick
LIMIT = 40.0  # seconds until all must have ended: Dagster gives up a tick after sixty
HANGS = "it did not answer in time"


def deliver(memory: Memory, sinks: Mapping[str, Sink], wording: Wording, clock: Callable[[], datetime]) -> tuple[Memory, list[str]]:
    """Send what may be sent now. Returns what is remembered then, and what to say of sinks that failed."""
    work = memory.to_send(sinks, clock())
    tries = {name: _Try(sinks[name], messages, wording, memory.sinks.get(name, Health()).lost) for name, messages in work.items()}
    end = time.monotonic() + LIMIT
    for one in tries.values():
        one.start()
    said = list[str]()
    for name, one in tries.items():
        one.join(max(0.0, end - time.monotonic()))
        fates = one.fates_now()
        memory = memory.after(name, fates, clock())
        said += [f"The sink {name} failed: {fate.why}" for fate in fates if fate.why][-1:]
    return memory, said


class _Try(threading.Thread):
    """The messages of one sink, in order, until one shows that it cannot be reached."""

    def __init__(self, sink: Sink, messages: Sequence[Message], wording: Wording, lost: int) -> None:
        super().__init__(name=f"alerts to {sink.name}", daemon=True)
        self.sink, self.messages, self.wording, self.lost = sink, messages, wording, lost
        self.fates = list[Fate]()

    def run(self) -> None:
        """Send one after the other."""
        end = time.monotonic() + BEGUN_WITHIN
        for message in self.messages:
            fate = self._send(message)
            self.fates.append(fate)
            if (fate.why and not fate.of_message) or time.monotonic() > end:
                return

    def _send(self, message: Message) -> Fate:
        try:
            self.sink.send(message, self.wording, self.lost)
        except AssayError as error:
            return Fate(message.key, str(error), isinstance(error, MessageRefused))
        except Exception as error:  # noqa: BLE001  # whatever a server or a library does, the others are told
            return Fate(message.key, f"{type(error).__name__} in the sink.")
        self.lost = 0
        return Fate(message.key)

    def fates_now(self) -> list[Fate]:
        """What is known of the messages; of one that is still being sent, that its sink hangs."""
        found = list(self.fates)
        return [*found, Fate(self.messages[len(found)].key, HANGS)] if self.is_alive() and len(found) < len(self.messages) else found
