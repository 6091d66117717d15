"""What is on disk once it is said to be: files that appear whole or not at all, folders whose entries survive a power cut."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

READ_BY_ALL = 0o666  # as far as the process lets: what `open` asks for


def sync_folder(folder: Path) -> None:
    """Make the entries of a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def create_file(path: Path, content: bytes, mode: int = READ_BY_ALL) -> bool:
    """Make a file, whole and durable, unless there is one of that name, which stays: then False. A link fails where a name is taken."""
    with _unfinished(path, content, mode) as fresh:
        try:
            os.link(fresh, path)
        except FileExistsError:
            return False
    sync_folder(path.parent)
    return True


def replace_file(path: Path, content: bytes, mode: int = READ_BY_ALL) -> None:
    """Put a file in the place of another: whoever opens the name has the old one or the new one, whole, also after a power cut."""
    with _unfinished(path, content, mode) as fresh:
        fresh.replace(path)
    sync_folder(path.parent)


def move_folder(fresh: Path, target: Path) -> None:
    """Give a folder with its files its name: whoever finds it finds all of them, whole. Raises OSError where the name is taken."""
    for file in fresh.rglob("*"):
        if file.is_file():
            with file.open("rb") as content:
                os.fsync(content.fileno())
    for folder in (fresh, *(one for one in fresh.rglob("*") if one.is_dir())):
        sync_folder(folder)
    fresh.rename(target)
    sync_folder(target.parent)


@contextmanager
def _unfinished(path: Path, content: bytes, mode: int) -> Iterator[Path]:
    """A file with the content beside a path. It never has another mode, not even while it is written."""
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:  # noqa: PTH123  # Path.open takes no mode of the file
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)
