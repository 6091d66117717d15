"""Folders: what lies in each folder below the landing folder at one moment, and of what day the files of a source are by their names.

Each file is asked for its times, because one that is changed in place leaves those of its folder as they were. A folder in which nothing
has changed since the last look is the same object as then, and with it what was worked out of its names. Inside of `one_look` a folder is
listed once, whoever asks.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from assay.contracts.language.file_names import arrival_names
from assay.ingest.landing_file import FACTS, mark_of
from assay.lake.bounded_cache import BoundedCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

Found = TypeVar("Found")

LEADS_NOWHERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
MOST_NAMES = 2_000_000  # of folders that were listed before, a few hundred bytes each; the newest is kept whatever it has
KIND, REGULAR, FOLDER, LINK = 0xF0, stat.S_IFREG >> 8, stat.S_IFDIR >> 8, stat.S_IFLNK >> 8  # in the second byte of a mark
TIMES = itemgetter(3, 4)  # of a mark
WIDTH = 16


class Day(NamedTuple):
    """The files of a source in one folder whose names say one day: in order, with a digest of their names, and one of their marks too."""

    names: tuple[str, ...]
    told: bytes
    digest: bytes


@dataclass(slots=True, eq=False)
class Folder:
    """A folder as it was listed: by name the mark of what is there (of a link that of its target), the links, the folders (links to one as
    well), and what cannot be looked up.

    `before` is how it was at the look before, if it has changed since: what its names say need not be read again.
    """

    identity: tuple[int, int]
    marks: dict[str, bytes]
    links: frozenset[str]
    folders: list[str]
    failed: dict[str, OSError]
    before: Folder | None = None
    derived: dict[tuple[str, str], Any] = field(default_factory=dict)

    def is_file(self, name: str) -> bool:
        """Whether a name stands for a regular file."""
        return self.marks[name][1] & KIND == REGULAR

    def is_folder(self, name: str) -> bool:
        """Whether a name stands for a folder."""
        return self.marks[name][1] & KIND == FOLDER

    def is_as(self, other: Folder) -> bool:
        """Whether it was the same at another look. With links it never is: where they lead is asked each time."""
        same = self.identity == other.identity and self.marks == other.marks
        return same and not (self.links or other.links or self.failed or other.failed)

    def by_day(self, below: str, path: str, leads_out: Callable[[str], bool]) -> dict[date, Day]:
        """The files of a source by the days that their names say, in order; without those that begin with a dot, or lead out of the folder.

        `below` is where the folder lies. If it has changed, only the days of names that came, went or changed are put together anew.
        """
        if (key := ("by day", path)) not in self.derived:
            before, moment = self.before, arrival_names(path).moment
            known: dict[date, Day] = before.derived.get(key, {}) if before and not self.links | before.links else {}
            changed = {name for name, _ in self.marks.items() ^ before.marks.items()} if before and known else self.marks
            grouped: dict[date, set[str]] = {}
            for name in changed:
                if told := moment(f"{below}/{name}" if below else name):
                    grouped.setdefault(told.date(), set()).add(name)
            found = dict(known)
            for day, names in grouped.items():
                left = {*known[day].names} - names if day in known else set[str]()
                left |= {name for name in names if self._is_taken(name, leads_out)}
                found[day] = self._day(sorted(left))
            self.derived[key] = {day: found[day] for day in sorted(found) if found[day].names}
        days: dict[date, Day] = self.derived[key]
        return days

    def _is_taken(self, name: str, leads_out: Callable[[str], bool]) -> bool:
        mark = self.marks.get(name)
        return mark is not None and mark[1] & KIND == REGULAR and name[0] != "." and not (name in self.links and leads_out(name))

    def _day(self, names: list[str]) -> Day:
        digest = hashlib.blake2b(os.fsencode("\0".join(names)), digest_size=WIDTH)
        told = digest.digest()
        digest.update(b"".join([self.marks[name] for name in names]))
        return Day(tuple(names), told, digest.digest())

    def newest_ns(self, path: str) -> int:
        """The newest time of the files of a source that were put together by day; of days that are as they were it is known."""
        if (key := ("newest", path)) not in self.derived:
            known: dict[bytes, int] = self.before.derived.get(key, (0, {}))[1] if self.before else {}
            found = {day.digest: known.get(day.digest) or self._newest(day.names) for day in self.derived["by day", path].values()}
            self.derived[key] = max(found.values(), default=0), found
        newest: int = self.derived[key][0]
        return newest

    def _newest(self, names: Sequence[str]) -> int:
        marks = b"".join([self.marks[name] for name in names])
        return max(chain.from_iterable(map(TIMES, FACTS.iter_unpack(marks))), default=0)


Look = dict[object, Any]
BEGAN = "began"  # the key under which a look keeps when it began
_look: ContextVar[Look | None] = ContextVar("look", default=None)
_last: BoundedCache[tuple[Path, str], Folder] = BoundedCache(lambda folder: len(folder.marks), MOST_NAMES)


@contextmanager
def one_look(look: Look | None = None) -> Iterator[None]:
    """Inside, each folder is as it was when it was asked for first; in an earlier part of the same `look`, if one is given."""
    if _look.get() is not None:
        yield
        return
    seen: Look = {} if look is None else look
    seen.setdefault(BEGAN, time.time_ns())
    token = _look.set(seen)
    try:
        yield
    finally:
        _look.reset(token)


def looked_at() -> int:
    """When what is listed now is looked at, at the earliest, in nanoseconds since 1970: when the look began; outside of one, now."""
    seen = _look.get()
    began: int = time.time_ns() if seen is None else seen[BEGAN]
    return began


def once(key: object, find: Callable[[], Found]) -> Found:
    """What is found out, inside of `one_look` once for all who ask under this key."""
    seen = _look.get()
    if seen is None:
        return find()
    if key not in seen:
        seen[key] = find()
    found: Found = seen[key]
    return found


def folder_of(landing: Path, below: str) -> Folder:
    """The folder that lies at `below` in the landing folder. Raises OSError if it cannot be listed."""
    seen, key = _look.get(), (landing, below)
    found = None if seen is None else seen.get(key)
    if found is None:
        try:
            found = _as_before(key, _listed(landing / below))
        except OSError as error:
            found = error
        if seen is not None:
            seen[key] = found
    if isinstance(found, OSError):
        raise found
    return found


def _as_before(key: tuple[Path, str], folder: Folder) -> Folder:
    if (last := _last.get(key)) is not None:
        last.before = None
        folder = last if folder.is_as(last) else folder
        folder.before = None if folder is last else last
    _last.keep(key, folder)
    return folder


def _listed(path: Path) -> Folder:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        names, here = os.listdir(handle), os.fstat(handle)  # noqa: PTH208  # of an open folder
        look, failed = partial(os.stat, dir_fd=handle, follow_symlinks=False), dict[str, OSError]()
        try:
            marks = {name: mark_of(found) for name, found in zip(names, map(look, names), strict=True)}
        except OSError:  # one is gone since, or cannot be looked up
            marks = dict(_one_by_one(names, look, failed))
        odd = {name: mark[1] & KIND for name, mark in marks.items() if mark[1] & KIND != REGULAR}
        links = frozenset(name for name, kind in odd.items() if kind == LINK)
        followed = dict(_one_by_one(links, partial(os.stat, dir_fd=handle), failed))
    finally:
        os.close(handle)
    for name in failed.keys() & marks.keys():
        del marks[name]
    marks |= followed
    folders = [name for name in odd if name in marks and marks[name][1] & KIND == FOLDER]
    for name in folders:  # whose times are no business of the one that it lies in: files that land change them
        marks[name] = FACTS.pack(*FACTS.unpack(marks[name])[:2], 0, 0, 0)
    return Folder((here.st_dev, here.st_ino), marks, links, folders, failed)


def _one_by_one(
    names: list[str] | frozenset[str], look: Callable[[str], os.stat_result], failed: dict[str, OSError]
) -> Iterator[tuple[str, bytes]]:
    for name in names:
        try:
            yield name, mark_of(look(name))
        except OSError as error:
            failed[name] = error
