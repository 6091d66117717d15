"""Who on this machine may use what Assay writes: its owner alone, or a group as well, where ASSAY_GROUP names one.

The umask covers every library that makes files here, in whatever language it is written, and every process that this one starts. The mode
of the home bars everybody else from what has an open mode nevertheless. What the files mean is not this module's business.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from assay.settings import Settings

OWNER_ALONE, OWNER_AND_GROUP = 0o077, 0o007  # what is taken from the mode of every file and folder that is made

_found: list[int] = []  # the umask that this process was started with


@dataclass(frozen=True, slots=True)
class Misfit:
    """A file or folder of the home that others may use, or that the group may not. `mended`: it is as it should be now."""

    path: Path
    mode: int
    mended: bool = False


def keep_private(settings: Settings) -> None:
    """From now on whatever this process and its children make is for the owner alone, or for the group too, if the settings name one."""
    before = os.umask(_taken(settings))
    if not _found:
        _found.append(before)


@contextmanager
def as_elsewhere() -> Iterator[None]:
    """Inside, files are made as the user has them made: what belongs to a checkout is shared as its other files are."""
    before = os.umask(_found[0]) if _found else None
    try:
        yield
    finally:
        if before is not None:
            os.umask(before)


def make_home(settings: Settings) -> None:
    """Make the home and close it, also one that was only begun, by landing files. One that is in use keeps the mode that it was given.

    Raises SettingsError when this user may not give it to the group.
    """
    home = settings.home
    if not home.exists():
        with as_elsewhere():
            home.parent.mkdir(parents=True, exist_ok=True)
        home.mkdir()
    elif settings.instance_file.exists() or {entry.name for entry in os.scandir(home)} - settings.own_entries:
        return
    for folder in (home, *(home / one for one in settings.own_entries if (home / one).is_dir() and not (home / one).is_symlink())):
        handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            if os.fstat(handle).st_uid == os.geteuid():
                _give(handle, folder, settings.group)
        finally:
            os.close(handle)


def share(settings: Settings, files: Iterable[Path]) -> None:
    """Let the group write these files, as far as they are there and this user's: some libraries have modes of their own."""
    for path in files:
        with suppress(FileNotFoundError), _at(str(path)) as handle:
            if handle is not None:
                _looked_at(handle, path, settings.group, mend=True)


def is_open(settings: Settings) -> bool:
    """Whether others than those for whom it is may look into the home."""
    return bool(settings.home.stat().st_mode & _taken(settings))


def others_of(settings: Settings) -> str:
    """Who has no business in the home, in words."""
    return "other users of this machine" if settings.group is None else "users outside of its group"


def misfits(settings: Settings, *, mend: bool = False) -> Iterator[Misfit]:
    """What of the home does not have the mode that it should, the home first. With `mend` it gets it, where it is this user's.

    Links are not followed. What landed is upstream's, and what is not Assay's own somebody else's: both are left out. Raises SettingsError
    when this user may not give a file to the group.
    """
    for name, folders, files, folder in os.fwalk(settings.home):
        where = Path(name)
        if where == settings.home:
            folders[:] = [one for one in folders if one in settings.own_entries]
            files = [one for one in files if where / one == settings.key_file]  # noqa: PLW2901
        elif where == settings.landing:
            folders[:], files = [], []  # noqa: PLW2901
        for path, entry in ((where, "."), *((where / one, one) for one in files)):
            group = None if path == settings.key_file else settings.group  # who shares a home is not given its keys by that
            with suppress(FileNotFoundError), _at(entry, folder) as handle:
                if handle is not None and (found := _looked_at(handle, path, group, mend=mend)) is not None:
                    yield found


@contextmanager
def _at(entry: str, folder: int | None = None) -> Iterator[int | None]:
    """A file or folder by its name in an open folder; None for a link, which is not followed, and for what is closed to this user too."""
    try:
        handle = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EACCES):
            raise
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _taken(settings: Settings) -> int:
    return OWNER_ALONE if settings.group is None else OWNER_AND_GROUP


def _looked_at(handle: int, path: Path, group: int | None, *, mend: bool) -> Misfit | None:
    """By the open file, not by its name: whoever may write to a folder could put a link in its place meanwhile."""
    found = os.fstat(handle)
    known = stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)
    if not known or _wanted(found, group) == (stat.S_IMODE(found.st_mode), found.st_gid):
        return None
    ours = found.st_uid == os.geteuid()
    if mend and ours:
        _give(handle, path, group)
    return Misfit(path, stat.S_IMODE(found.st_mode), mended=mend and ours)


def _wanted(found: os.stat_result, group: int | None) -> tuple[int, int]:
    """The mode that something should have, and its group. A group may do what its owner may; folders hand their group on."""
    mode = stat.S_IMODE(found.st_mode)
    if group is None:
        return mode & ~OWNER_ALONE, found.st_gid
    shared = mode & ~OWNER_AND_GROUP | (mode & stat.S_IRWXU) >> 3
    return (shared | stat.S_ISGID if stat.S_ISDIR(found.st_mode) else shared), group


def _give(handle: int, path: Path, group: int | None) -> None:
    mode, gid = _wanted(os.fstat(handle), group)
    try:
        if group is not None:
            os.fchown(handle, -1, gid)  # before the mode: a change of the group takes the bit that hands it on
        os.fchmod(handle, mode)
    except OSError as error:
        if error.errno != errno.EPERM or group is None:
            error.filename = str(path)  # a file system that is read-only, not a group that is another's
            raise
        hint = "Name a group in ASSAY_GROUP that this user belongs to."
        raise SettingsError(f"Tried to give {path} to the group {group}; {error.strerror}.", hint=hint) from error
