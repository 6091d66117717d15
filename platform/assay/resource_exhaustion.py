"""What a machine had too little of, or refused, told from whatever a library says of it: disk, files, memory, permission.

Each library has its own words and its own errors for the same refusal of the system. A person needs one sentence, which names the place and
says what to do. Nothing here decides whether an attempt is worth another: that is `errors.may_pass`.
"""

from __future__ import annotations

import errno
import os
import re
import resource
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOTHING_LOST = "What is published is whole."
AGAIN = f"and run it again. {NOTHING_LOST}"
KILOBYTE = 1024
FEWEST_LEFT = 16  # files; what could not be finished is taken away before somebody looks
FEW_FILES = 256  # a backfill of a dozen tables has half of them open
LONGEST_OF_SQLITE = 400  # characters: it takes 512 for the path of a database
NEARLY_NOTHING = 256 * KILOBYTE  # SQLite fails on its shared memory before the last block is taken


@dataclass(frozen=True, slots=True)
class Refusal:
    """A kind of refusal: the numbers of the system for it, the words by which libraries tell it, what is said and what is to be done."""

    numbers: frozenset[int]
    words: re.Pattern[str]
    says: str
    hint: str


def _refusal(numbers: set[int], words: str, says: str, hint: str) -> Refusal:
    return Refusal(frozenset(numbers), re.compile(words, re.IGNORECASE), says, hint)


FULL = _refusal(
    {errno.ENOSPC, errno.EDQUOT},
    r"no space left on device|os error 28\b|errno 28\b|database or disk is full|disk quota exceeded|not enough space",
    "no space is left on the disk",
    f"Make room {AGAIN}",
)
FILE_SIZE = _refusal({errno.EFBIG}, r"file too large|os error 27\b", "a file may not grow any more", f"Raise the limit (ulimit -f) {AGAIN}")
OPEN_FILES = _refusal(
    {errno.EMFILE, errno.ENFILE}, r"too many open files|os error 24\b", "too many files are open", f"Raise the limit (ulimit -n) {AGAIN}"
)
TOO_LONG = _refusal({errno.ENAMETOOLONG}, r"file name too long|os error 36\b", "the path is too long", f"Name a shorter ASSAY_HOME {AGAIN}")
READ_ONLY = _refusal(
    {errno.EROFS}, r"read-only file system|os error 30\b|readonly database", "it cannot be written to", f"Let this user write there {AGAIN}"
)
# the first whose words are found is meant: libraries quote one another, the narrower first
REFUSALS = (
    FULL,
    FILE_SIZE,
    OPEN_FILES,
    _refusal(
        {errno.ENOMEM},
        r"cannot allocate memory|out of memory|memory allocation|malloc of size|bad_alloc|can't start new thread|\bmemoryerror\b"
        r"|failed to map segment from shared object",
        "there is not enough memory",
        f"Give it more memory, or fewer processes beside it, {AGAIN}",
    ),
    READ_ONLY,
    TOO_LONG,
    _refusal(
        set(),
        r"no usable temporary directory found",
        "there is no temporary folder that can be written to, or no room in it",
        f"Make room, or name another with TMPDIR, {AGAIN}",
    ),
    _refusal(
        set(),
        r"database is locked",
        "another process has held a database of Dagster's instance locked for too long",
        f"End the process that hangs, or wait for it, {AGAIN}",
    ),
)
UNTOLD = re.compile(r"disk i/o error|unable to open database file", re.IGNORECASE)  # SQLite's words for whatever the system refused


def told(error: BaseException | str, places: Sequence[Path]) -> str | None:
    """The refusal behind an error, or behind what was said of one, as sentences; None if there is none.

    `places` are where this process writes. The temporary folder is one more.
    """
    texts = [error] if isinstance(error, str) else [_said(one) for one in _chain(error)]
    numbers = set[int]() if isinstance(error, str) else {one.errno or 0 for one in _chain(error) if isinstance(one, OSError)}
    found = next((kind for kind in REFUSALS if kind.numbers & numbers or any(map(kind.words.search, texts))), None)
    if found is None and any(map(UNTOLD.search, texts)):
        found = _behind_sqlite(places)
        if found is None and "unable to open" in texts[-1] and (gone := next((one for one in places if not one.exists()), None)):
            return f"{gone} is not there any more. Put it back, or run `assay init`, which makes what is not there. {NOTHING_LOST}"
        if found is None:
            return f"Dagster's instance cannot be read or written: {texts[-1]}. Look at its folder and disk, {AGAIN}"
    if found is None:
        return None
    return f"{_said_of(found, places)}. {found.hint}"


def found_now(places: Sequence[Path]) -> str | None:
    """Why nothing can be written now to one of these places, in words without what to do; None if all can be written to."""
    if any(_is_full(place) for place in places):
        return _said_of(FULL, places)
    return _said_of(READ_ONLY, places) if _shut(places) else None


def _said_of(found: Refusal, places: Sequence[Path]) -> str:
    if found is READ_ONLY and (shut := _shut(places)):
        return f"{', '.join(map(str, shut))} cannot be written to"
    where = f" ({'; '.join(_room(place) for place in _by_room(places))})" if found is FULL else ""
    return f"{found.says[0].upper()}{found.says[1:]}{where}"


def _shut(places: Sequence[Path]) -> list[Path]:
    """Those that cannot be written to, without what lies in another of them."""
    shut = [place for place in places if not os.access(_nearest(place), os.W_OK)]
    return [place for place in shut if not set(place.parents) & set(shut)]


def _behind_sqlite(places: Sequence[Path]) -> Refusal | None:
    """What SQLite, which does not tell, most likely met: what is short now."""
    if any(_is_full(place) for place in _with_temporary(places)):
        return FULL
    if any(len(str(place)) > LONGEST_OF_SQLITE for place in places):
        return TOO_LONG
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        return FILE_SIZE
    return OPEN_FILES if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < FEW_FILES else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, the last first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__  # type: ignore[assignment]  # None ends it


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _is_full(place: Path) -> bool:
    there = os.statvfs(_nearest(place))
    return there.f_bavail * there.f_frsize < NEARLY_NOTHING or (there.f_files > 0 and there.f_favail < FEWEST_LEFT)


def _by_room(places: Sequence[Path]) -> list[Path]:
    """One place of each disk that is full; if none is any more, the one with the least room."""
    disks = {_nearest(place).stat().st_dev: _nearest(place) for place in reversed(_with_temporary(places))}
    return [place for place in disks.values() if _is_full(place)] or [min(disks.values(), key=lambda place: os.statvfs(place).f_bavail)]


def _with_temporary(places: Sequence[Path]) -> list[Path]:
    with suppress(FileNotFoundError):  # there is none that can be used
        return [*places, Path(tempfile.gettempdir())]
    return [*places]


def _room(place: Path) -> str:
    there = os.statvfs(place)
    files = f", {there.f_favail:,} files" if there.f_files else ""
    return f"{place}: {there.f_bavail * there.f_frsize // KILOBYTE:,} kB{files} free"


def _nearest(place: Path) -> Path:
    return next(path for path in (place, *place.parents) if path.exists())
