"""Processes that a test starts many of, or kills: forked from one that has imported everything, at work after milliseconds, not seconds.

The one they come from does nothing but import: threads and engines would not survive a fork. A child is a process like any other.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL, Signals
from typing import IO, TYPE_CHECKING, Any

from command_line import replace_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

NURSERY = multiprocessing.get_context("forkserver")
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
        "alembic_once",
        "assay.cli.main",
        "assay.cli.running",
        "assay.cli.replaying",
        "assay.cli.erasing",
        "assay.gold.dbt_runner",
        "assay.gold.staged",
        "assay.orchestration.build",
        "dbt_beside",
    ]
)
LONGEST_SECONDS = 600  # that a child is waited for, on however busy a machine


@dataclass
class Child:
    """A process, and what it says on its standard output."""

    process: BaseProcess
    stdout: IO[str]

    @classmethod
    def start(cls, work: Callable[..., object], *arguments: Any, environment: Mapping[str, str] | None = None) -> Child:
        """Let a child do some work: a function of a module, and what can be pickled. It leads a group of processes of its own."""
        ours, theirs = NURSERY.Pipe(duplex=False)
        with ours, theirs:
            process = NURSERY.Process(target=_work, args=(theirs, dict(environment or os.environ), work, arguments))
            process.start()
            return cls(process, os.fdopen(os.dup(ours.fileno()), encoding="utf-8"))

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def kill(self) -> str:
        """Kill it and whatever it has started; returns what it had still said. It must not have ended by itself."""
        self.end(SIGKILL)
        said = self.rest()
        assert self.code == -SIGKILL, f"it ended by itself with {self.code}: its traceback is above"
        return said

    def end(self, number: Signals) -> None:
        """Send a signal to its group, if it is there."""
        if self.process.is_alive():
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # it has no group yet, and so has started nothing
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)

    def rest(self) -> str:
        """Wait for its end; returns what it had still said."""
        with self.stdout:
            said = self.stdout.read()
        self.process.join(LONGEST_SECONDS)
        return said

    @property
    def code(self) -> int | None:
        """Its exit code, less than 0 for a signal; None while it works."""
        return self.process.exitcode


def _work(output: Connection, environment: Mapping[str, str], work: Callable[..., object], arguments: tuple[object, ...]) -> None:
    """In the child."""
    os.setsid()
    os.dup2(output.fileno(), 1)
    output.close()
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    replace_environment(environment)
    work(*arguments)
