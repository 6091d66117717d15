"""Who holds a lock of the kernel on a file, in words for a person who waits for it: Linux says it in /proc. Elsewhere nobody is named.

To take a lock, and to tell whether one is held, is not this module's business: this is read once, and may be out of date at once.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import few_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# such as `7: FLOCK  ADVISORY  WRITE 4711 fe:00:1842 0 EOF`; who only waits has `->` after the number
HELD = re.compile(r"\d+: (?:FLOCK|POSIX) +\S+ +(?P<how>READ|WRITE) (?P<process>\d+) (?P<device>\w+:\w+):(?P<inode>\d+) ")
SHOWN_PROCESSES, SHOWN_LETTERS = 3, 80
INTERPRETER = re.compile(r"python[\d.]*")


def holders(files: Iterable[Path], *, shared: bool = True) -> list[int]:
    """The other processes that hold a lock on one of these files; without `shared` those that hold it alone."""
    wanted = set[tuple[str, str]]()
    for file in files:
        with suppress(OSError):
            found = file.stat()
            wanted.add((f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}", str(found.st_ino)))
    try:
        lines = Path("/proc/locks").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    held = [one for one in map(HELD.match, lines) if one and (one["device"], one["inode"]) in wanted and (shared or one["how"] == "WRITE")]
    return sorted({int(one["process"]) for one in held} - {os.getpid()})


def aside(processes: Sequence[int]) -> str:
    """Some processes with what they were started as, to follow other words: `: process 4711 (assay maintain)`; empty for none."""
    return f": {few_of([f'process {one}{_started_as(one)}' for one in processes], SHOWN_PROCESSES)}" if processes else ""


def _started_as(process: int) -> str:
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:  # it is gone, or another user's
        return ""
    if words and INTERPRETER.fullmatch(Path(words[0]).name):
        words = words[1:]
    said = " ".join([Path(words[0]).name, *words[1:]]) if words else ""
    return f" ({said if len(said) <= SHOWN_LETTERS else f'{said[: SHOWN_LETTERS - 3]}...'})" if said else ""
