"""A line of a command. Typer's `echo` does the same; a command that is read without Typer does not import it for this."""

from __future__ import annotations

import sys


def echo(line: str, *, err: bool = False) -> None:
    """Write a line to the standard output, or error, at once. A process that has none says nothing."""
    stream = sys.stderr if err else sys.stdout
    if stream is not None:
        stream.write(f"{line}\n")
        stream.flush()
