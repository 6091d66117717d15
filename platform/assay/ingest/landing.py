"""The landing folder: which files there are, and to which arrival each belongs.

A contract's path holds one `{arrival:FORMAT}`; the rest of the name may hold `*`. Files whose names start with a dot are still being
written and do not exist yet.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from assay.contracts.language.file_names import arrival_names, out_of_landing, parts_of
from assay.contracts.model.calendars import arrival_calendar
from assay.errors import ContractInvalid, FileUnreadable
from assay.ingest.folders import LEADS_NOWHERE, WIDTH, folder_of, once
from assay.ingest.landing_file import LandingFile, Stamp, is_settled, told_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from assay.contracts.model.contract import Contract
    from assay.contracts.model.landing_source import LandingSource
    from assay.ingest.folders import Day, Folder


PATHS = 10_000  # of folders and files whose pattern is remembered: each look asks for those of each contract


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
    inside = once(("allowed", landing, tuple(linked)), lambda: allowed(landing, linked))
    for below, folder in _folders(landing, parts_of(source.path), inside):
        found += [Listed(below, folder, day, files) for day, files in days_in(landing, below, folder, source.path).items()]
    return found


def listing_of(listed: Iterable[Listed]) -> bytes:
    """A digest of where some files lie and of their stamps."""
    digest = hashlib.blake2b(digest_size=WIDTH)
    for one in listed:
        digest.update(f"{one.below!a}\0{one.day}\0".encode())
        digest.update(one.files.digest)
    return digest.digest()


def at_rest(listed: Iterable[Listed], path: str, at_ns: int) -> bool:
    """Whether the files of a source's path that were listed at a time would have other times if they had been written since."""
    return all(is_settled(one.folder.newest_ns(path), at_ns) for one in listed)


def days_in(landing: Path, below: str, folder: Folder, path: str) -> dict[date, Day]:
    """The files of a source's path in one folder, by day."""
    return folder.by_day(below, path, lambda name: leads_out(landing / below / name))


@lru_cache(PATHS)
def like(path: str) -> re.Pattern[str]:
    """What matches as a path with `*` does, in which that stands for anything but the end of a folder's name."""
    return re.compile("[^/]*".join(map(re.escape, re.split(r"\*+", path))), re.DOTALL)


def _folders(landing: Path, segments: Sequence[str], inside: Sequence[Path], below: str = "") -> Iterator[tuple[str, Folder]]:
    """The folders that may hold files whose path has these segments, in which `*` stands for anything.

    A failed look-up is an error, a missing folder is none.
    """
    try:
        folder = folder_of(landing, below)
    except OSError as error:
        if error.errno in LEADS_NOWHERE:
            return
        raise _look_up_failed(below or "the landing folder", error) from error
    if len(segments) > 1:
        for name in _named(folder, segments[0]):
            relative = f"{below}/{name}" if below else name
            may_be_folder = name in folder.failed or folder.is_folder(name)
            if may_be_folder and not (name in folder.links and folder_leads_out(landing / relative, inside)):
                yield from _folders(landing, segments[1:], inside, relative)
        return
    for name in _named(folder, segments[0]) if folder.failed else ():
        if (why := folder.failed.get(name)) and not name.startswith(".") and why.errno not in LEADS_NOWHERE:
            raise _look_up_failed(f"{below}/{name}" if below else name, why) from why
    yield below, folder


def _named(folder: Folder, segment: str) -> list[str]:
    """The names in a folder that a segment of a path means. Without a star it is looked up: a folder may be one of hundreds."""
    if "*" not in segment:
        return [segment] if segment in folder.marks or segment in folder.failed else []
    wanted = like(segment)
    return [name for name in (*folder.marks, *folder.failed) if wanted.fullmatch(name)]


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


@dataclass(frozen=True, slots=True)
class Told:
    """What lies in landing of a dataset, by the names of its files, and by their contents in each arrival (the first day of its partition).

    A content that lies there for one arrival says nothing of another: a row is in both, and in each it can be lost.
    """

    contract: Contract
    names: frozenset[str]
    contents: frozenset[tuple[date | None, str]]

    @classmethod
    def look(cls, landing: Path, contract: Contract, linked: Sequence[Path] = ()) -> Told:
        """Read the contents of all files that are there. Raises what `landed` raises."""
        found, calendar = with_hashes(landed(landing, contract.source, linked)), arrival_calendar(contract)
        contents = {(calendar.first_of(file.arrival) if calendar else None, digest) for file, digest in found}
        return cls(contract, frozenset(file.name for file, _ in found), frozenset(contents))

    def has(self, name: str, digest: str) -> bool:
        """Whether a file is there by its name, be it with another content by now, or its content is there for its arrival.

        Of a name that says no day any arrival may be its own.
        """
        calendar, moment = arrival_calendar(self.contract), arrival_names(self.contract.source.path).moment(name)
        if calendar is None or moment is None:
            return name in self.names or any(digest == one for _, one in self.contents)
        return name in self.names or (calendar.first_of(moment.date()), digest) in self.contents


def with_hashes(files: Iterable[LandingFile]) -> list[tuple[LandingFile, str]]:
    """The files with the hashes of their contents, without those that are gone meanwhile."""
    hashes = ((file, file.content_hash()) for file in files)
    return [(file, digest) for file, digest in hashes if digest is not None]
