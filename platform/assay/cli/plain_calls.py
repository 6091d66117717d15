"""Plain calls: `assay sql QUERY`, `tables`, `summary` and `backfill` as most people write them, read here instead of by Typer.

To import Typer, and what it reads arguments with, takes half of the CPU time of `select 1`. What is not exactly one of these calls is
Typer's: help, wrong calls, and every other command.
"""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from assay.absent_modules import import_arrow_alone
from assay.cli import looking
from assay.cli.formats import Format
from assay.cli.homes import work_privately
from assay.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Look = Callable[[], bool | None]

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def plain_call(arguments: Sequence[str]) -> Callable[..., None] | None:
    """A command line that does what these arguments ask for, called as Typer's is; None if they are Typer's to read."""
    look = _look(list(arguments))
    return None if look is None else partial(_call, look)


def _look(arguments: list[str]) -> Look | None:
    """What to do; what comes back is False if something is damaged."""
    match arguments:
        case ["tables"]:
            return looking.list_tables
        case ["summary"]:
            return looking.summarize
        case ["backfill"]:
            return partial(_backfill, None, None)
        case ["backfill", "--from", first, "--to", last] if _is_day(first) and _is_day(last) and first <= last:
            return partial(_backfill, date.fromisoformat(first), date.fromisoformat(last))
        case ["sql", query] if _is_plain(query):
            return partial(_query, query, Format.TABLE)
        case ["sql", query, "--format", output] | ["sql", "--format", output, query] if _is_plain(query) and output in list(Format):
            return partial(_query, query, Format(output))
    return None


def _is_plain(query: str) -> bool:
    """Whether it can be nothing but an argument."""
    return not query.startswith("-")


def _is_day(text: str) -> bool:
    """Whether it is a day as everybody reads it, one that there is."""
    try:
        return bool(DAY.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _backfill(first: date | None, last: date | None) -> None:
    from assay.cli.running import EVERYTHING, run_backfill

    raise SystemExit(run_backfill(load_settings(), first, last, select=EVERYTHING, force=False))


def _query(query: str, output: Format) -> None:
    if "." in query:  # most that name no table, with its layer, need no Arrow
        import_arrow_alone()
    looking.run_query(query, output)


def _call(look: Look, args: Sequence[str]) -> None:
    """Look, and end as a command line does: by SystemExit."""
    del args
    work_privately()
    raise SystemExit(1 if look() is False else 0)
