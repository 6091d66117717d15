"""Run locks: how others learn that a process which executes runs is gone, whatever way it ended.

Each such process holds a lock on a file of its own, which the kernel lets go when the process dies. The number of a process could be
another's by now, and a machine could have another name; a lock is held or not. The file says who holds it, for people. It is removed only
once its runs are recorded as ended. What follows from a run lock that nobody holds is in `pools`.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg

BACKFILL_TAG = "assay/backfill"  # its value names the run lock of the process that executes a run; a run of the daemon names its own
SUFFIX = ".lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a run lock: the command, its process, its machine, and since when (UTC)."""

    command: str
    process: int
    machine: str
    since: str

    @classmethod
    def here(cls, command: str) -> Holder:
        """The process that asks."""
        return cls(command, os.getpid(), socket.gethostname(), f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")

    def __str__(self) -> str:
        return f"{self.command}, process {self.process} on {self.machine}, since {self.since} UTC"


@dataclass(frozen=True, slots=True)
class RunLocks:
    """The run locks of an instance, in a folder of its own, so that whoever shares its runs shares them."""

    folder: Path

    @classmethod
    def of(cls, instance: dg.DagsterInstance) -> RunLocks:
        """Those of an instance."""
        return cls(Path(instance.root_directory) / "run_locks")

    @contextmanager
    def hold(self, name: str, command: str) -> Iterator[None]:
        """Hold a run lock inside. It stays, and nobody holds it, when the process dies; whoever knows that all is recorded removes it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f".{name}"
        try:
            with fresh.open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                json.dump(asdict(Holder.here(command)), file)
                file.flush()
                fresh.rename(self._path(name))  # under this name nobody finds it before it is locked
                yield
        finally:
            fresh.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Forget a run lock whose runs are recorded as ended."""
        self._path(name).unlink(missing_ok=True)

    def left(self) -> list[str]:
        """The names of those that nobody holds any more."""
        return [path.stem for path in sorted(self.folder.glob(f"[!.]*{SUFFIX}")) if not self.is_held(path.stem)]

    def is_there(self, name: str) -> bool:
        """Whether there is one of that name, held or left behind."""
        return self._path(name).exists()

    def is_held(self, name: str) -> bool:
        """Whether a process that lives holds it."""
        with suppress(FileNotFoundError), self._path(name).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask at once do not take each other for its holder
            except BlockingIOError:
                return True
        return False

    def holder(self, name: str) -> Holder | None:
        """Who holds it, or held it last; None if there is none."""
        with suppress(FileNotFoundError, ValueError, TypeError):
            return Holder(**json.loads(self._path(name).read_text()))
        return None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}{SUFFIX}"


def run_lock_of(run: dg.DagsterRun) -> str:
    """The name of the run lock of the process that executes a run. One that is run again takes the tags of the first, not its process."""
    return run.run_id if run.parent_run_id else run.tags.get(BACKFILL_TAG, run.run_id)
