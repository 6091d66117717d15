"""Damage: what lies on the disk of a table against what was committed, found file by file; raised as TableDamaged, by name.

A quick look asks the file system (there, a file, of the size that the log says), a deep one reads the bytes and compares their digest,
which is in the name of each file of ours: most bits that flip in Parquet are read as other values. How it is mended: `mending`.
"""

from __future__ import annotations

import os
import stat
from collections import OrderedDict
from contextlib import contextmanager
from hashlib import blake2b, file_digest
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from assay.errors import STAYS, AssayError, TableDamaged
from assay.lake.log import LOG, entry, entry_name
from assay.lake.log_entries import ENTRY, HINT, checkpoints_of, versions_of, what_is_short, what_is_wrong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from assay.lake.snapshots import DataFile, Snapshot

MARK = "_table"  # a file in the folder of each table that was ever committed to: its log cannot have never been
ASIDE = "_damaged"  # the folder, beside the files of a table, of what was set aside
PANIC = "PanicException"  # what a panic of a Rust library is called; no Exception, and of no module that can be imported
FIRST_WORDS = 160
KNOWN_GOOD = 50_000
MISSING, NO_FILE, NOT_ALLOWED = "is missing", "is no file", "must not be read by this user"
DIGEST_BYTES = 8


class Damage(NamedTuple):
    """Something that is not as it was committed: `path` relative to the table, and what was found there. `file` if the log names it."""

    path: str
    found: str
    file: DataFile | None = None


def hint_of(name: str) -> str:
    """What to do about a damaged table."""
    return f"`assay check-lake {name}` says what is lost and how it is mended. Other tables are not concerned."


def damaged_error(name: str, version: int | None, found: list[Damage]) -> TableDamaged:
    """The error that names the first of what was found."""
    at = "" if version is None else f" at version {version}"
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return TableDamaged(f"Tried to read {name}{at}; {found[0].path} {found[0].found}{more}.", hint=hint_of(name))


def file_damage(file: DataFile) -> str | None:
    """What the file system says against a data file; None if nothing."""
    try:
        there = os.stat(file.path)  # noqa: PTH116  # a quarter of Path's time, and a plan asks for each file of a table
    except (FileNotFoundError, NotADirectoryError):
        return MISSING
    except PermissionError:
        return NOT_ALLOWED
    if not stat.S_ISREG(there.st_mode):
        return NO_FILE
    return None if there.st_size == file.size else f"has {there.st_size} bytes, not {file.size}"


def damaged_files(table: Snapshot, files: Iterable[DataFile] | None = None) -> list[Damage]:
    """The files of a table (default: of its version) that a quick look finds damaged."""
    found = ((file, file_damage(file)) for file in (table.files if files is None else files))
    return [Damage(within(table, file), why, file) for file, why in found if why]


def refuse_damaged(table: Snapshot, files: Iterable[DataFile]) -> None:
    """Raise TableDamaged if a quick look finds one of some files damaged."""
    if found := damaged_files(table, files):
        raise damaged_error(table.name, table.version, found)


def changed_files(table: Snapshot, files: Iterable[DataFile]) -> list[Damage]:
    """Those of some files whose bytes are not those that were committed. Each is read, but for those that were read as they are now."""
    found = ((file, file_damage(file) or _digest_damage(file)) for file in files)
    return [Damage(within(table, file), why, file) for file, why in found if why]


def refuse_changed(table: Snapshot, files: Iterable[DataFile]) -> None:
    """Raise TableDamaged if the bytes of one of some files are not those that were committed."""
    if found := changed_files(table, files):
        raise damaged_error(table.name, table.version, found)


class _Good:
    """The files whose bytes were read and are right, as the file system knew them then."""

    def __init__(self) -> None:
        self._lock, self._seen = Lock(), OrderedDict[tuple[str, int, int, int], None]()

    def holds(self, key: tuple[str, int, int, int]) -> bool:
        with self._lock:
            return key in self._seen

    def add(self, key: tuple[str, int, int, int]) -> None:
        with self._lock:
            self._seen[key] = None
            while len(self._seen) > KNOWN_GOOD:
                self._seen.popitem(last=False)


_good = _Good()


def _digest_damage(file: DataFile) -> str | None:
    """Of a file that another tool wrote nobody knows the digest."""
    if file.digest == Path(file.path).name:
        return None
    try:
        with Path(file.path).open("rb") as opened:
            there = Path(file.path).stat()
            key = (file.path, there.st_ino, there.st_size, there.st_mtime_ns)
            if _good.holds(key):
                return None
            found = file_digest(opened, lambda: blake2b(digest_size=DIGEST_BYTES)).hexdigest()
    except FileNotFoundError:
        return MISSING
    except PermissionError:
        return NOT_ALLOWED
    if found != file.digest:
        return "has other bytes than were committed"
    _good.add(key)
    return None


def unreadable(path: str, error: Exception) -> TableDamaged:
    """The error for a data file that cannot be read, told by its place."""
    file = Path(path)
    for folder in file.parents:
        if (folder / LOG).exists():
            why = MISSING if isinstance(error, FileNotFoundError) else f"cannot be read: {first_words(error)}"
            return damaged_error(f"{folder.parent.name}/{folder.name}", None, [Damage(str(file.relative_to(folder)), why)])
    return damaged_error(str(file.parent), None, [Damage(file.name, f"cannot be read: {first_words(error)}")])


def is_passing(error: BaseException) -> bool:
    """Whether the system refused something for the moment, such as another open file: that is no damage."""
    return isinstance(error, OSError) and error.errno is not None and error.errno not in STAYS


@contextmanager
def log_read(name: str, folder: Path, version: int | None = None) -> Iterator[None]:
    """Inside, a library reads the log of a table: what it fails with, a panic too, is raised as TableDamaged, in words of ours.

    An error for which the log gives no cause, and that may pass, is raised as it is.
    """
    try:
        yield
    except AssayError:
        raise
    except BaseException as error:
        is_panic = type(error).__name__ == PANIC
        if not isinstance(error, Exception) and not is_panic:
            raise
        found = log_damage(folder)
        if not found and is_passing(error):
            raise
        if version is not None and not found and not entry(folder / LOG, version).exists():
            found = [Damage(LOG, f"has no version {version}")]
        raise damaged_error(name, version, found or [Damage(LOG, f"cannot be read: {first_words(error)}")]) from None


def refuse_half_written(name: str, folder: Path, version: int) -> None:
    """Raise TableDamaged if an entry of a log is empty, or the newest is cut between two lines: no library complains of that."""
    log = folder / LOG
    with os.scandir(log) as there:
        empty = sorted(one.name for one in there if ENTRY.fullmatch(one.name) and one.is_file() and not one.stat().st_size)
    base = max(checkpoints_of(log, version), default=-1) if empty else -1
    found = [Damage(f"{LOG}/{one}", "is empty") for one in empty if base < int(one.partition(".")[0]) <= version]
    newest = entry(log, version)
    if not found and newest.is_file() and (why := what_is_short(newest.read_text(encoding="utf-8"))):
        found = [Damage(f"{LOG}/{newest.name}", why)]
    if found:
        raise damaged_error(name, version, found)


def log_damage(folder: Path) -> list[Damage]:
    """What is wrong with a log: its checkpoints, what names the newest of them, and the entries since the newest sound one."""
    log = folder / LOG
    try:
        if not log.is_dir():
            return [Damage(LOG, NO_FILE.replace("file", "folder") if log.exists() else "is gone")]
        versions, checkpoints = versions_of(log), checkpoints_of(log)
    except PermissionError:
        return [Damage(LOG, NOT_ALLOWED)]
    found, base = list[Damage](), -1
    for version, parts in checkpoints.items():
        broken = [Damage(f"{LOG}/{part.name}", why) for part in parts if (why := _checkpoint_damage(part))]
        found += broken
        base = base if broken else version
    found += _hint_damage(log, set(checkpoints))
    if base < 0 and not versions:
        return [*found, Damage(LOG, "has no entries")]
    newest = max(versions, default=-1)  # whoever opens the table looks at it, also if a checkpoint says the same
    for version in range(base if base == newest else base + 1, newest + 1):
        if why := what_is_wrong(entry(log, version)):
            found.append(Damage(f"{LOG}/{entry_name(version)}", why))
    return found


def _checkpoint_damage(path: Path) -> str | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches():
                pass
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"cannot be read: {first_words(error)}"
    return None


def _hint_damage(log: Path, checkpoints: set[int]) -> list[Damage]:
    import json

    path = log / HINT
    if not path.exists():
        return []
    try:
        named = json.loads(path.read_bytes())["version"]
    except (ValueError, KeyError, TypeError, OSError):
        return []  # delta-rs looks for itself then
    return [] if named in checkpoints else [Damage(f"{LOG}/{HINT}", f"names the checkpoint of version {named}, which is missing")]


def first_words(error: BaseException) -> str:
    """What a library says of an error, without its backtrace, on one line."""
    words = " ".join(str(error).partition("\n")[0].split())
    return words[:FIRST_WORDS].rstrip(". ") or type(error).__name__


def is_entry(path: str) -> bool:
    """Whether damage is that of an entry of the log."""
    return ENTRY.fullmatch(Path(path).name) is not None


def within(table: Snapshot, file: DataFile) -> str:
    """The path of a data file below its table."""
    return str(Path(file.path).relative_to(table.folder))
