"""What `assay serve` does about a clock that was ahead: Dagster's daemon waits for the time that it had shown, and says nothing.

Its sensors are let go at once, so that they say that the clock was set back. When a person says that it is right (`--clock-is-right`), the
daemon is started again: it remembers of each schedule until when it waits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from assay.cli.progress import say_waiting
from assay.errors import AssayError
from assay.lake.latest_commit_time import disbelieved_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.settings import Settings

LOOK_SECONDS = 60.0


@dataclass
class ClockWatch:
    """Looks at the newest ticks now and then. `again` starts the daemon again; `due` is when to look next (`time.monotonic`)."""

    settings: Settings
    again: Callable[[], object]
    due: float = 0.0

    def __post_init__(self) -> None:
        self.believed = disbelieved_at(self.settings.lake)

    def look(self) -> None:
        """Let sensors go that wait for a time to which the clock was ahead, and start the daemon again once a person believes the clock."""
        if (said := disbelieved_at(self.settings.lake)) != self.believed:
            self.believed = said
            typer.echo("assay: the clock is right, somebody has said: the daemon is started again, and waits for no later time.", err=True)
            self.again()
        if time.monotonic() >= self.due:
            self.due = time.monotonic() + LOOK_SECONDS
            self._release()

    def _release(self) -> None:
        from sqlalchemy.exc import DBAPIError

        from assay.orchestration.clock_rollback import release
        from assay.orchestration.instance import instance_of

        try:
            with instance_of(self.settings.dagster_home, say_waiting) as instance:
                names = release(instance)
        except (AssayError, DBAPIError, OSError):  # of a home that cannot be used `HomeWatch` tells; this is done at a later look
            return
        if names:
            typer.echo(f"assay: {', '.join(names)} had ticked at a later time than the clock shows now, and go on all the same.", err=True)
