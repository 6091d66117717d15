"""The landing folder: which files there are, and to which arrival each belongs.

A contract's path holds one `{arrival:FORMAT}`; the rest of the name may hold `*`. Files whose names start with a dot are still being
written and do not exist yet. A file is known by its content: its hash tells a new delivery from the same one again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from assay.contracts.language.date_formats import ARRIVAL_PLACE
from assay.contracts.language.file_names import arrival_names, out_of_landing
from assay.errors import ContractInvalid, FileUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from assay.contracts.model.landing_source import LandingSource

BLOCK = 1 << 20
LEADS_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
HASHES = 100_000  # of so many files the hash is remembered, a few hundred bytes each
SETTLED_NS = 2_000_000_000  # clocks of file systems are coarse: a file that was written a moment ago may be written again at the same time


class Stamp(NamedTuple):
    """What tells that a file was written or replaced: its inode, its bytes, and when its content and its entry were changed."""

    inode: int
    size: int
    modified_ns: int
    changed_ns: int

    @property
    def written(self) -> tuple[int, int, int]:
        """All but the last, which changes as well when somebody links a file or gives rights to it."""
        return self[:3]


def told_name(relative: str) -> str:
    """The path of a file below the landing folder as text; bytes that are none are spelled out."""
    return os.fsencode(relative).decode("utf-8", "backslashreplace")


def shown_name(name: str) -> str:
    """A name as messages say it: what would break a line or hide itself is spelled out."""
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
            settled = time.time_ns() - max(stamp.modified_ns, stamp.changed_ns) > SETTLED_NS
            return _hash_once(self.path, stamp) if settled else _hash(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"unreadable-{error.errno}"


@lru_cache(maxsize=HASHES)
def _hash_once(path: Path, stamp: Stamp) -> str:
    del stamp  # another one is another content
    return _hash(path)


def _hash(path: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file that was looked up."""
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def landed(landing: Path, source: LandingSource, linked: Sequence[Path] = ()) -> list[LandingFile]:
    """Every file of a source, the latest last. A name whose date cannot be read belongs to nobody and is left out.

    A folder that is a link is looked into if it leads to a place in the landing folder, or in one of the folders `linked`.

    Raises ContractInvalid for a path that cannot name files below the landing folder, FileUnreadable for a folder that cannot be listed.
    """
    if fault := out_of_landing(source.path):
        raise ContractInvalid(f"Tried to list files; {fault[0]}.", hint=fault[1])
    names, found = arrival_names(source.path), []
    inside = allowed(landing, linked)
    for relative, stamp in _walk(landing, ARRIVAL_PLACE.sub("*", source.path).split("/"), inside):
        if (moment := names.moment(relative)) is not None:
            found.append(LandingFile(landing / relative, told_name(relative), moment.date(), stamp))
    return sorted(found, key=lambda file: names.order(file.name))


def _walk(landing: Path, segments: Sequence[str], inside: Sequence[Path], below: str = "") -> Iterator[tuple[str, Stamp]]:
    """The files whose path has these segments, in which `*` stands for anything. A failed look-up is an error, a missing folder is none."""
    wanted = re.compile("[^/]*".join(map(re.escape, re.split(r"\*+", segments[0]))), re.DOTALL)
    try:
        with os.scandir(landing / below) as entries:
            names = [entry.name for entry in entries if wanted.fullmatch(entry.name)]
    except OSError as error:
        if error.errno in LEADS_NOWHERE:
            return
        raise _look_up_failed(below or "the landing folder", error) from error
    for name in names:
        relative = f"{below}/{name}" if below else name
        if len(segments) > 1:
            if not folder_leads_out(landing / relative, inside):
                yield from _walk(landing, segments[1:], inside, relative)
        elif not name.startswith(".") and (stamp := _stamp_of_file(landing, relative)) is not None:
            yield relative, stamp


def _stamp_of_file(landing: Path, relative: str) -> Stamp | None:
    """The stamp of a regular file; None for what only has the name of one: a folder, a pipe, a link that leads nowhere or in a circle."""
    try:
        found = (landing / relative).stat()
    except OSError as error:
        if error.errno in LEADS_NOWHERE:
            return None
        raise _look_up_failed(relative, error) from error
    return stamp_of(found) if stat.S_ISREG(found.st_mode) and not leads_out(landing / relative) else None


def leads_out(path: Path) -> bool:
    """Whether a file is a link to one outside of its folder: who may drop files could have any file of this machine read."""
    return path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve())


def allowed(landing: Path, linked: Sequence[Path]) -> list[Path]:
    """The folders that a folder which is a link may lead into: the landing folder, and those that the operator names."""
    return [one.resolve() for one in (landing, *linked)]


def folder_leads_out(path: Path, inside: Sequence[Path]) -> bool:
    """Whether a folder is a link to one outside of the folders that links may lead into."""
    return path.is_symlink() and not any(path.resolve().is_relative_to(one) for one in inside)


def _look_up_failed(what: str, error: OSError) -> FileUnreadable:
    return FileUnreadable(f"Tried to look up {what!a}; {error.strerror}.", hint="Give this process the right to read it.")


def with_hashes(files: Iterable[LandingFile]) -> list[tuple[LandingFile, str]]:
    """The files with the hashes of their contents, without those that are gone meanwhile."""
    hashes = ((file, file.content_hash()) for file in files)
    return [(file, digest) for file, digest in hashes if digest is not None]
