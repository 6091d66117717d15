"""The landing folder: which files there are, and to which arrival each belongs.

A contract's path holds one `{arrival:FORMAT}`; the rest of the name may hold `*`. Files whose names start with a dot are still being
written and do not exist yet. A file is known by its content: its hash tells a new delivery from the same one again.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assay.contracts.language.date_formats import ARRIVAL_PLACE
from assay.contracts.language.file_names import arrival_names, out_of_landing
from assay.errors import ContractInvalid, FileUnreadable
from assay.ingest.folders import LEADS_NOWHERE, Stamp, folder_of, stamp_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.folders import Day, Folder

BLOCK = 1 << 20
HASHES = 10_000  # of so many files that belong to no arrival the hash is remembered, a few hundred bytes each
SETTLED_NS = 2_000_000_000  # clocks of file systems are coarse: a file that was written a moment ago may be written again at the same time


def is_settled(newest_ns: int) -> bool:
    """Whether a file whose newest time is this would get another one if it was written now. By a clock that was set back it is not."""
    return time.time_ns() - newest_ns > SETTLED_NS


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


class Listed(NamedTuple):
    """The files of a source in one folder whose names say one day."""

    below: str
    folder: Folder
    day: date
    files: Day

    def landing_files(self, landing: Path) -> Iterator[LandingFile]:
        """Each of them."""
        for name in self.files.names:
            relative = f"{self.below}/{name}" if self.below else name
            yield LandingFile(landing / relative, told_name(relative), self.day, Stamp.of_mark(self.folder.marks[name]))


def landed(landing: Path, source: LandingSource, linked: Sequence[Path] = ()) -> list[LandingFile]:
    """Every file of a source, the latest last. A name whose date cannot be read belongs to nobody and is left out.

    A folder that is a link is looked into if it leads to a place in the landing folder, or in one of the folders `linked`.

    Raises ContractInvalid for a path that cannot name files below the landing folder, FileUnreadable for a folder that cannot be listed.
    """
    names = arrival_names(source.path)
    found = [file for listed in listed_days(landing, source, linked) for file in listed.landing_files(landing)]
    return sorted(found, key=lambda file: names.order(file.name))


def listed_days(landing: Path, source: LandingSource, linked: Sequence[Path] = ()) -> list[Listed]:
    """The files of a source by folder and day, as `landed` finds them; it raises the same."""
    if fault := out_of_landing(source.path):
        raise ContractInvalid(f"Tried to list files; {fault[0]}.", hint=fault[1])
    arrival_names(source.path)  # refuses a path without a date
    found = list[Listed]()
    for below, folder in _folders(landing, ARRIVAL_PLACE.sub("*", source.path).split("/"), allowed(landing, linked)):
        found += [Listed(below, folder, day, files) for day, files in days_in(landing, below, folder, source.path).items()]
    return found


def days_in(landing: Path, below: str, folder: Folder, path: str) -> dict[date, Day]:
    """The files of a source's path in one folder, by day."""
    return folder.by_day(below, path, lambda name: leads_out(landing / below / name))


def like(path: str) -> re.Pattern[str]:
    """What matches as a path with `*` does, in which that stands for anything but the end of a folder's name."""
    return re.compile("[^/]*".join(map(re.escape, re.split(r"\*+", path))), re.DOTALL)


def _folders(landing: Path, segments: Sequence[str], inside: Sequence[Path], below: str = "") -> Iterator[tuple[str, Folder]]:
    """The folders that may hold files whose path has these segments, in which `*` stands for anything.

    A failed look-up is an error, a missing folder is none.
    """
    wanted = like(segments[0])
    try:
        folder = folder_of(landing, below)
    except OSError as error:
        if error.errno in LEADS_NOWHERE:
            return
        raise _look_up_failed(below or "the landing folder", error) from error
    if len(segments) > 1:
        for name in [name for name in (*folder.marks, *folder.failed) if wanted.fullmatch(name)]:
            relative = f"{below}/{name}" if below else name
            may_be_folder = name in folder.failed or folder.is_folder(name)
            if may_be_folder and not (name in folder.links and folder_leads_out(landing / relative, inside)):
                yield from _folders(landing, segments[1:], inside, relative)
        return
    for name, why in folder.failed.items():
        if wanted.fullmatch(name) and not name.startswith(".") and why.errno not in LEADS_NOWHERE:
            raise _look_up_failed(f"{below}/{name}" if below else name, why) from why
    yield below, folder


def leads_out(path: Path) -> bool:
    """Whether a file is a link to one outside of its folder: who may drop files could have any file of this machine read."""
    return path.is_symlink() and not _end_of(path).is_relative_to(_end_of(path.parent))


def allowed(landing: Path, linked: Sequence[Path]) -> list[Path]:
    """The folders that a folder which is a link may lead into: the landing folder, and those that the operator names."""
    return [_end_of(one) for one in (landing, *linked)]


def folder_leads_out(path: Path, inside: Sequence[Path]) -> bool:
    """Whether a folder is a link to one outside of the folders that links may lead into."""
    return path.is_symlink() and not any(_end_of(path).is_relative_to(one) for one in inside)


def _end_of(path: Path) -> Path:
    """Where a path leads; one that goes round in a circle stands for itself (`Path.resolve` raises before Python 3.13)."""
    return Path(os.path.realpath(path))


def _look_up_failed(what: str, error: OSError) -> FileUnreadable:
    return FileUnreadable(f"Tried to look up {what!a}; {error.strerror}.", hint="Give this process the right to read it.")


def told_by(landing: Path, source: LandingSource, linked: Sequence[Path] = ()) -> set[str]:
    """The names and the hashes by which the files of a source that lie there are known. Raises what `landed` raises."""
    return {told for file, digest in with_hashes(landed(landing, source, linked)) for told in (file.name, digest)}


def with_hashes(files: Iterable[LandingFile]) -> list[tuple[LandingFile, str]]:
    """The files with the hashes of their contents, without those that are gone meanwhile."""
    hashes = ((file, file.content_hash()) for file in files)
    return [(file, digest) for file, digest in hashes if digest is not None]
