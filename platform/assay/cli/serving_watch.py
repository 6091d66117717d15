"""What `assay serve` says of the home while it serves: Dagster answers one that it cannot use with tracebacks without end.

A home that is full or read-only is said once, and once that it is over: its processes go on by themselves. Of one whose Dagster instance is
gone, or was put in another's place, they hold files that nobody else sees any more: what they record is lost, so they are ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from assay.cli.escaping import visible
from assay.cli.serving_children import ServerEnded
from assay.resource_exhaustion import NOTHING_LOST, found_now

if TYPE_CHECKING:
    from pathlib import Path

    from assay.settings import Settings

AGAIN = f"Let nobody remove or replace it while it is served; then start `assay serve` again. {NOTHING_LOST}"


@dataclass
class HomeWatch:
    """Looks at a home now and then. `known` are the instance's folder and files as they were first seen."""

    settings: Settings
    known: dict[Path, tuple[int, int]] = field(default_factory=dict)
    said: str = ""

    def look(self) -> None:
        """Say what has changed since the last look. Raises ServerEnded when the instance is not the one that is served."""
        from assay.orchestration.instance import DATABASES

        instance = self.settings.dagster_home
        for path in (instance, *(instance / name for name in DATABASES)):
            now = _identity(path)
            if path in self.known and now != self.known[path]:
                what = "is not there any more" if now is None else "is another one than before"
                raise ServerEnded(
                    f"{visible(str(path))} {what}: the UI and the daemon have nothing to record in, and were ended.", hint=AGAIN
                )
            if now is not None:
                self.known[path] = now
        self._say(found_now([self.settings.home, instance]) or "")

    def _say(self, words: str) -> None:
        kind = words.partition(" (")[0]  # how much is free changes from look to look
        if kind and kind != self.said:
            typer.echo(
                f"assay: {visible(words)}. Until that is mended no run succeeds; then this goes on by itself. {NOTHING_LOST}", err=True
            )
        elif self.said and not kind:
            typer.echo(f"assay: {visible(str(self.settings.home))} can be written to again.", err=True)
        self.said = kind


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
