"""The shim of shim.c: made by the C compiler of the machine, told what to do by the environment, and its log read.

It is loaded into a process when that starts (`LD_PRELOAD`), and does nothing until a process is given a story. One story is one folder, one
log and one count, for a process and whatever it starts.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).with_name("shim.c")
HEAD = struct.Struct("=QQQQQIIII")


class Op(IntEnum):
    """What was done; in a log of boundaries, what is about to be done."""

    CREATE = 1
    MKDIR = 2
    WRITE = 3
    TRUNCATE = 4
    SYNC = 5
    RENAME = 6
    LINK = 7
    UNLINK = 8
    RMDIR = 9
    SYMLINK = 10
    SAID = 11


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation below the folder. `boundary` is its number if it is one; `number` an offset, a size, or the stream that was written to."""

    op: Op
    boundary: int
    inode: int
    number: int
    first: str
    second: str
    data: bytes

    @property
    def target(self) -> str:
        """The path that it is about: that which appears, where there are two."""
        return self.second or self.first


def missing() -> str:
    """Why there can be no shim here; empty when there can."""
    if not sys.platform.startswith("linux"):
        return "the shim of tests/faults is for Linux"
    return "" if shutil.which("cc") else "tests/faults needs a C compiler (cc)"


def compiled(folder: Path) -> Path:
    """The library, made in a folder."""
    library = folder / "shim.so"
    command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True)
    return library


@dataclass(frozen=True)
class Story:
    """What happens below `root` while something works there: recorded, or counted, and ended at a moment if that is given.

    A moment is 2n before boundary n and 2n + 1 after it. What lies below `skipped` has no boundaries. `alone`: only the process that comes
    to the moment is killed, not its whole group.
    """

    root: Path
    notes: Path
    skipped: str = ""
    moment: int | None = None
    recorded: bool = False
    alone: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """What a process has to be started with."""
        said = {"FAULTS_ROOT": str(self.root), "FAULTS_LOG": f"{self.notes}.log", "FAULTS_STATE": f"{self.notes}.state"}
        said |= {"FAULTS_KILL": str(self.moment)} if self.moment is not None else {}
        said |= {"FAULTS_SKIP": str(self.root / self.skipped)} if self.skipped else {}
        said |= {"FAULTS_RECORD": "1"} if self.recorded else {}
        said |= {"FAULTS_ALONE": "1"} if self.alone else {}
        return said | {"LD_PRELOAD": os.environ["LD_PRELOAD"]}

    def entries(self) -> Iterator[Entry]:
        """What the log says, in order."""
        content, at = Path(f"{self.notes}.log").read_bytes(), 0
        found = []
        while at < len(content):
            operation, boundary, inode, number, size, _, op, first, second = HEAD.unpack_from(content, at)
            at += HEAD.size
            words = [content[at : at + first], content[at + first : at + first + second]]
            at += first + second
            found.append((operation, Entry(Op(op), boundary, inode, number, words[0].decode(), words[1].decode(), content[at : at + size])))
            at += size
        return iter([entry for _, entry in sorted(found, key=lambda one: one[0])])


def begin() -> None:
    """In a process that was forked: go by the environment that it has now."""
    ctypes.CDLL(None).faults_begin()
