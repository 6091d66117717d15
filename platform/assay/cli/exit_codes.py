"""How every command ends: with an exit code, and for what went wrong a sentence instead of a traceback.

An error of Assay's own says itself what to do. An error of the system is about a path that somebody named, so it is told with that path.
Anything else is a fault of Assay, and its traceback is what its authors need.
"""

from __future__ import annotations

import errno
import io
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from assay.cli.echo import echo
from assay.cli.escaping import visible
from assay.crash_message import be_watched
from assay.errors import AssayError, SettingsError
from assay.process import leave
from assay.resource_exhaustion import told
from assay.settings import load_settings
from assay.stopping import Stopped, asked, at_the_end, obey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

USAGE = 2  # the exit code of a wrong call
HINTS = {
    errno.ENOENT: "Name one that is there.",
    errno.EACCES: "Let this user do it, or name another place.",
    errno.EPERM: "Let this user do it, or name another place.",
    errno.EROFS: "Name a place that can be written to.",
    errno.EEXIST: "Name another, or remove it.",
    errno.ENOTDIR: "Name a folder.",
    errno.EISDIR: "Name a file.",
    errno.ENAMETOOLONG: "Name a shorter one.",
}


def main_of(app: Callable[..., object]) -> None:
    """Run a command line, called as `app(args=[..])`, to its end, as the main program: this process is over afterwards."""
    be_watched()
    obey()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal's encoding lacks is shown as its number
    sys.unraisablehook = unraised
    with at_the_end(_say_stopped):
        code = run(app, sys.argv[1:])
    if stopped := asked():
        _say_stopped(stopped)
        code = stopped.code
    leave(code)


def run(app: Callable[..., object], arguments: Sequence[str]) -> int:
    """Run one command; the exit code. What went wrong is said on the standard error."""
    if any(argument == "" or (argument.endswith("=") and argument.startswith("--")) for argument in arguments):
        echo("assay: An argument is empty. Say what is meant, or leave it out: `--help` shows what there is.", err=True)
        return USAGE
    try:
        app(args=list(arguments))
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except AssayError as error:
        echo(f"assay: {visible(str(error), lines=True)}", err=True)
    except BrokenPipeError:
        pass  # whoever read has seen enough
    except Exception as error:
        if not (words := refused(error)):
            raise
        echo(f"assay: {visible(words)}", err=True)
    return 1


def unraised(found: sys.UnraisableHookArgs) -> None:
    """Say in one sentence what the system refused where nobody can catch it: a step that was thrown away still writes to Dagster's log."""
    if isinstance(found.exc_value, Exception) and (words := refused(found.exc_value)):
        echo(f"assay: {visible(words)}", err=True)
    else:
        sys.__unraisablehook__(found)


def refused(error: Exception) -> str | None:
    """What the system refused, as a sentence that says what to do; None for an error that is nobody's but ours."""
    if isinstance(error, OSError) and error.filename and error.errno in HINTS:
        return words_of(error)
    return told(error, _places()) or (words_of(error) if isinstance(error, OSError) else None)


def _places() -> list[Path]:
    """Where this process writes: each may be a disk of its own."""
    with suppress(SettingsError):
        settings = load_settings()
        return [settings.home, settings.dagster_home, settings.lake, settings.scratch, settings.dbt_project]
    return [Path.cwd()]


def words_of(error: OSError) -> str:
    """A refusal that is about a path, with it."""
    where = " and ".join(str(name) for name in (error.filename, error.filename2) if name)
    said = (error.strerror or type(error).__name__).lower()
    return f"Tried to use {where or 'a file'}; {said}. {HINTS.get(error.errno or 0, 'Nothing was published by that.')}"


def _say_stopped(stopped: Stopped) -> None:
    echo(f"assay: stopped by {stopped.by}.", err=True)
