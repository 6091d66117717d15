"""Waiting for those who were at work before the fence: they cannot publish any more, and what they hold in private may be of the person.

What the dead have left is removed at once. Whoever begins later has read nothing of the person, and nobody waits for them. An erasure does
not wait for another that has raised the fence above its own: it gives way.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from assay.errors import PublishContention, Superseded, TransientFailure, few_of
from assay.lake.workplaces import at_work, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

PATIENCE_SECONDS, LOOK_SECONDS = 600.0, 0.1
SHOWN = 3
GOES_ON = "Run the same command again: it goes on where it stopped. What it has removed stays removed; there is no receipt yet."


class StillAtWork(TransientFailure):
    """Somebody who has read the person's rows does not end."""

    hint = "Let them end, or stop them, and run the same command again: it goes on where it stopped."


@contextmanager
def gives_way() -> Iterator[None]:
    """Inside, what gives way to another erasure or writer says what is true of an erasure: some of it may be done."""
    try:
        yield
    except (Superseded, PublishContention) as error:
        raise type(error)(error.message, hint=GOES_ON) from error


def wait_until_gone(scratch: Path, say: Callable[[str], None]) -> None:
    """Wait for everybody who is at work now, and remove what the dead have left. Raises StillAtWork when patience runs out."""
    sweep(scratch)
    before, until = at_work(scratch), time.monotonic() + PATIENCE_SECONDS
    if before:
        say(f"Waiting for {_named(one.name for one in before)}: at work since before the erasure.")
    while left := [one for one in before if one.is_at_work]:
        if time.monotonic() > until:
            raise StillAtWork(f"Waited {PATIENCE_SECONDS:.0f} s for {_named(one.name for one in left)}; still at work.")
        time.sleep(LOOK_SECONDS)
    sweep(scratch)


def _named(names: Iterable[str]) -> str:
    return few_of(sorted(names), SHOWN)
