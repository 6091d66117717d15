"""One file that landed: its name, its stamp, the hash of its content.

A file is known by its content: its hash tells a new delivery from the same one again. Its stamp tells without reading that it was changed.
"""

from __future__ import annotations

import hashlib
import os
import struct
import time
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

BLOCK = 1 << 20
HASHES = 10_000  # of so many files that belong to no arrival the hash is remembered, a few hundred bytes each
SETTLED_NS = 2_000_000_000  # clocks of file systems are coarse: a file that was written a moment ago may be written again at the same time
FACTS = struct.Struct("<IQqqq")  # a mark: mode, inode, bytes, times of the content and of the entry. Packed it takes a third of a tuple
KNOWN_NS = (1 << 63) - 1
asked = attrgetter("st_mode", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")


class Stamp(NamedTuple):
    """What tells that a file was written or replaced: its inode, its bytes, and when its content and its entry were changed."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of_mark(cls, mark: bytes) -> Stamp:
        """The stamp of a listed file."""
        return cls(*FACTS.unpack(mark)[1:])

    @property
    def written(self) -> tuple[int, int, int]:
        """All but the last, which changes as well when somebody links a file or gives rights to it."""
        return self[:3]

    @property
    def newest_ns(self) -> int:
        """The newer of its times."""
        return max(self.modified_ns, self.changed_ns)


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file that was looked up."""
    return Stamp.of_mark(mark_of(found))


def mark_of(found: os.stat_result) -> bytes:
    """The mark of what was looked up."""
    try:
        return FACTS.pack(*asked(found))
    except struct.error:  # whoever drops a file gives it any time: file systems know years that nanoseconds in 64 bits do not
        *rest, modified, changed = asked(found)
        return FACTS.pack(*rest, *(max(-KNOWN_NS, min(time, KNOWN_NS)) for time in (modified, changed)))


def is_settled(newest_ns: int, at_ns: int | None = None) -> bool:
    """Whether a file whose newest time is this would get another one if it was written at a time (default: now), or later.

    By a clock that was set back it is not.
    """
    return (time.time_ns() if at_ns is None else at_ns) - newest_ns > SETTLED_NS


def told_name(relative: str) -> str:
    """The path of a file below the landing folder as text; bytes that are none are spelled out."""
    return os.fsencode(relative).decode("utf-8", "backslashreplace")


def shown_name(name: str) -> str:
    """A name as messages say it: what would break a line or hide itself is spelled out."""
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


@dataclass(frozen=True, slots=True)
class LandingFile:
    """One file that landed: `name` is its path below the landing folder; `stamp` tells whether it was changed since it was listed."""

    path: Path
    name: str
    arrival: date
    stamp: Stamp | None = None

    @property
    def shown(self) -> str:
        """The name as messages say it."""
        return shown_name(self.name)

    @property
    def size(self) -> int:
        """The bytes that it had when it was listed."""
        return self.stamp.size if self.stamp else 0

    def content_hash(self) -> str | None:
        """The hash of the file's bytes, 32 hexadecimal digits; None if the file is gone.

        A file that cannot be read has a hash of its own kind, so that reading it is tried, and tried again once it can be read. One that
        was hashed by this process and has not changed since is not read again: a plan and the runs that it leads to all ask.
        """
        try:
            stamp = stamp_of(self.path.stat())
            return _hash_once(self.path, stamp) if is_settled(stamp.newest_ns) else _hash(self.path)[0]
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"unreadable-{error.errno}"

    def hash_as_listed(self) -> tuple[str | None, bool]:
        """The same, always read, with whether it is the hash of the file as it was listed: not if it may have been changed since."""
        try:
            settled = self.stamp is not None and is_settled(self.stamp.newest_ns)
            digest, stamp = _hash(self.path)
        except FileNotFoundError:
            return None, False
        except OSError as error:
            return f"unreadable-{error.errno}", False
        return digest, settled and stamp == self.stamp


@lru_cache(maxsize=HASHES)
def _hash_once(path: Path, stamp: Stamp) -> str:
    del stamp  # another one is another content
    return _hash(path)[0]


def _hash(path: Path) -> tuple[str, Stamp | None]:
    """The hash of a file, with its stamp if that was the same before and after."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        before = stamp_of(os.fstat(file.fileno()))
        while block := file.read(BLOCK):
            digest.update(block)
        after = stamp_of(os.fstat(file.fileno()))
    return digest.hexdigest(), before if before == after else None
