"""Workplaces: who is at work on the lake, and the private folder in which each keeps what readers do not see.

A workplace is taken before anything is read and held by a lock of the kernel, which lets go when the owner dies, however that happens. So
what a killed process leaves is told from what a living one still needs, and an erasure knows for whom it has to wait.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from assay.lock_holders import aside, holders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

TEMPORARY = "assay-temporary-"  # what the product keeps in the system's folder for such files begins with it
PREFIX, OWNER, DOOR = "work-", "owner.lock", "workplaces.lock"
DELETING = "deleting.lock"
BEFORE = "gold-*"  # folders of builds from before there were workplaces: nobody holds them


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who was at work at some time: the folder, who it is for people, and since when (seconds since 1970)."""

    folder: Path
    name: str
    since: float

    @property
    def is_at_work(self) -> bool:
        """Whether the folder is still held."""
        return _is_held(self.folder)


@contextmanager
def workplace(scratch: Path, what: str) -> Iterator[Path]:
    """A folder of one's own below `scratch` for some work, removed at the end."""
    scratch.mkdir(parents=True, exist_ok=True)
    folder = scratch / f"{PREFIX}{uuid.uuid4().hex[:12]}"
    with _door(scratch):  # or somebody could take the folder for one that is left
        folder.mkdir()
        owner = (folder / OWNER).open("w", encoding="utf-8")
        fcntl.flock(owner, fcntl.LOCK_SH)
    with owner:
        owner.write(f"{what} (process {os.getpid()})")
        owner.flush()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def helping(folder: Path) -> Iterator[None]:
    """Hold a workplace of another process as well: of two that work in it, either may be killed first."""
    with suppress(FileNotFoundError), (folder / OWNER).open(encoding="utf-8") as owner:
        fcntl.flock(owner, fcntl.LOCK_SH)
        yield
        return
    yield


def sweep(scratch: Path) -> None:
    """Remove the workplaces and temporary folders whose owners are gone, with all that is in them."""
    for folder in _temporary_left():
        shutil.rmtree(folder, ignore_errors=True)
    if not scratch.is_dir():
        return
    with _door(scratch):
        for folder in _workplaces_left(scratch):
            shutil.rmtree(folder, ignore_errors=True)


def left_behind(scratch: Path) -> list[Path]:
    """The folders that `sweep` would remove."""
    if not scratch.is_dir():
        return _temporary_left()
    with _door(scratch):
        return [*_temporary_left(), *_workplaces_left(scratch)]


def _workplaces_left(scratch: Path) -> list[Path]:
    return [folder for folder in (*scratch.glob(f"{PREFIX}*"), *scratch.glob(BEFORE)) if not _is_held(folder)]


def deleting(scratch: Path, waits: Callable[[str], None] = lambda _: None) -> AbstractContextManager[None]:
    """Alone look for files that nobody needs any more, and delete them: no erasure is at work meanwhile. `waits` is told for
    whom.
    """
    return _locked(scratch, fcntl.LOCK_EX, waits, "an erasure, or another maintenance")


def proving(scratch: Path, waits: Callable[[str], None] = lambda _: None) -> AbstractContextManager[None]:
    """While an erasure is at work, beside others: what it has listed nobody else deletes, and it proves by what it finds."""
    return _locked(scratch, fcntl.LOCK_SH, waits, "a maintenance")


@contextmanager
def _locked(scratch: Path, how: int, waits: Callable[[str], None], whom: str) -> Iterator[None]:
    scratch.mkdir(parents=True, exist_ok=True)
    with (scratch / DELETING).open("w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            waits(f"{whom}{aside(holders([scratch / DELETING]))}")
            fcntl.flock(lock, how)
        yield


@contextmanager
def private_folder(what: str) -> Iterator[Path]:
    """A temporary folder, removed at the end."""
    folder = temporary(what)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def temporary(what: str) -> Path:
    """A name for a folder of this process below the system's folder for temporary files, where a command may have no scratch folder."""
    return Path(tempfile.gettempdir(), f"{TEMPORARY}{what}-{os.getpid()}-{uuid.uuid4().hex[:12]}")


def _temporary_left() -> list[Path]:
    found = []
    for folder in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        owner = folder.name.split("-")[-2]
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            found.append(folder)
        except (ValueError, PermissionError):  # not ours
            continue
    return found


def at_work(scratch: Path) -> list[Worker]:
    """Who is at work now, this process included."""
    found = []
    for folder in sorted(scratch.glob(f"{PREFIX}*")):
        with suppress(FileNotFoundError):
            if _is_held(folder):
                owner = folder / OWNER
                found.append(Worker(folder, owner.read_text(encoding="utf-8") or folder.name, owner.stat().st_mtime))
    return found


@contextmanager
def _door(scratch: Path) -> Iterator[None]:
    """One at a time takes a workplace, or judges whether one is left."""
    with (scratch / DOOR).open("w", encoding="utf-8") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield


def _is_held(folder: Path) -> bool:
    owner: IO[str]
    try:
        owner = (folder / OWNER).open(encoding="utf-8")
    except FileNotFoundError:
        return False
    with owner:
        try:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
