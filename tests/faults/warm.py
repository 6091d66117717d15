"""Commands that begin within milliseconds, with dbt ready beside them: in processes forked, not started, from one that has imported all.

A kill leaves nothing of a process, so what it has imported and how it came to be makes no difference to what is found afterwards.
"""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING

import shim

import alembic_once  # noqa: F401  # it is imported to take effect
from assay.gold import dbt_process
from command_line import as_program, assay
from nursery import NURSERY

if TYPE_CHECKING:
    from people_world import People

NURSERY.set_forkserver_preload(
    [
        "pyarrow.parquet",
        "polars",
        "deltalake",
        "duckdb",
        "dagster",
        "dagster_dbt",
        "dbt.cli.main",
        "dbt.adapters.duckdb",
        "assay.cli.main",
        "assay.cli.running",
        "assay.cli.replaying",
        "assay.cli.erasing",
        "assay.gold.dbt_runner",
        "assay.gold.staged",
        "assay.orchestration.build",
        "warm",
        "judging",
    ]
)


_kept = ExitStack()  # of a worker, to its end


class _Forked:
    """A forked process, as `dbt_process` looks at one that it has started."""

    def __init__(self, pid: int) -> None:
        self.pid, self.code = pid, None

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def wait(self) -> int | None:
        while self.poll() is None:
            signal.sigtimedwait([], 0.01)
        return self.code

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def work(stdin: str, *arguments: str) -> None:
    """What a child of the nursery does: go by its environment, have dbt ready, be the command."""
    os.dup2(1, 2)
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # it may have been a file, and is none now
    shim.begin()
    _have_dbt_ready()
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
    _have_dbt_ready()
    _kept.enter_context(dbt_process.kept())


def _have_dbt_ready() -> None:
    """The next dbt that is asked for is a process forked from this one, before there is any thread."""
    ours, theirs = Pipe()
    pid = os.fork()
    if pid == 0:
        ours.close()
        dbt_process._serve(theirs)
        os._exit(0)
    theirs.close()
    first = [(ours, _Forked(pid))]
    make = dbt_process._Engine.__init__

    def adopt(engine: dbt_process._Engine, *project: object) -> None:
        if not first:
            make(engine, *project)
            return
        import threading

        engine.lock, engine.owner, engine.was_called = threading.Lock(), os.getpid(), False
        engine.pipe, engine.process = first.pop()

    dbt_process._Engine.__init__ = adopt
