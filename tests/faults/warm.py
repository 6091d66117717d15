"""Commands that begin within milliseconds: in processes forked, not started, from one that has imported all.

A kill leaves nothing of a process, so what it has imported and how it came to be makes no difference to what is found afterwards.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import shim

from assay.gold import dbt_process
from command_line import as_program, assay
from dbt_beside import have_dbt_ready
from nursery import NURSERY

if TYPE_CHECKING:
    from people_world import People

_kept = ExitStack()  # of a worker, to its end


def work(stdin: str, *arguments: str) -> None:
    """What a child of the nursery does: go by its environment, be the command."""
    os.dup2(1, 2)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # it may have been a file, and is none now
    shim.begin()
    as_program(stdin, *arguments)


def workers(count: int) -> ProcessPoolExecutor:
    """Processes that stay: each runs one command after the other, with one dbt for all of them."""
    return ProcessPoolExecutor(count, mp_context=NURSERY, initializer=_stay)


def run(people: People, *arguments: str, stdin: str = "", refusal: str | None = None) -> str:
    """In a worker: run a command that must succeed, or refuse in some words; returns what it said."""
    done = assay(*arguments, environment=people.environment, stdin=stdin)
    said = done.stdout + done.stderr
    refused = refusal is not None and refusal in said
    assert done.returncode == 0 or refused, f"`assay {' '.join(arguments)}` ended with {done.returncode}: {said[-1500:]}"
    return said


def _stay() -> None:
    have_dbt_ready()
    _kept.enter_context(dbt_process.kept())
