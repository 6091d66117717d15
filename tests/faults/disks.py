"""Disks: what a recording has left on one if all was killed, or the power was cut, by what each kind of file system promises.

After a kill everything that was done is there. After a cut promised is only what was asked for: the content of a file as it was when the file was synced, the names in a folder as they were when the
folder was. Everything since may be there or not, each piece for itself, but a rename is one piece.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from shim import Op

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shim import Entry

BLOCK = 4096
VOLATILE = "-shm"  # written through a mapping; SQLite makes it anew


class End(StrEnum):
    """How it all ended: what is left of what was not synced."""

    KILL = "kill"  # everything
    NOTHING = "nothing"  # the weakest that POSIX allows
    NAMES = "names"  # of content nothing: files that are empty, or lack their end
    ORDERED = "ordered"  # one journal, as ext4's: whatever is synced makes all names before it durable
    CONTENT = "content"  # of names nothing: what was written into files that were there already
    SOME = "some"  # by chance: names and blocks


@dataclass(slots=True)
class File:
    """Its bytes now, when it was synced, and each change since: an offset and bytes, or a length and None."""

    now: bytearray = field(default_factory=bytearray)
    synced: bytes = b""
    since: list[tuple[int, bytes | None]] = field(default_factory=list)
    whole: bytes | None = None  # what it is now, once somebody has asked: one object, whose hash is reckoned once

    def change(self, at: int, data: bytes | None) -> None:
        _apply(self.now, at, data)
        self.since.append((at, data))
        self.whole = None

    def sync(self) -> None:
        self.synced, self.since = self.content(), []

    def content(self) -> bytes:
        self.whole = bytes(self.now) if self.whole is None else self.whole
        return self.whole

    def some(self, chance: random.Random) -> bytes:
        """The synced bytes and, by chance, some of the blocks that were written since."""
        left = bytearray(self.synced)
        for at, data in self.since:
            if data is None:
                if chance.random() < 0.5:
                    _apply(left, at, None)
                continue
            for begin in range(0, len(data), BLOCK):
                if chance.random() < 0.5:
                    _apply(left, at + begin, data[begin : begin + BLOCK])
        return bytes(left)


def _apply(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
    else:
        content.extend(bytes(max(0, at - len(content))))
        content[at : at + len(data)] = data


Names = dict[str, int]
Tree = dict[str, bytes | str | None]  # by path: the content of a file, where a link leads to, None for a folder
Changes = dict[str, int | None]  # names that appear with their inode, or go


@dataclass(slots=True)
class Folder:
    """Its names now, when it was synced, in the journal, and each change since it was synced."""

    now: Names = field(default_factory=dict)
    synced: Names = field(default_factory=dict)
    journal: Names = field(default_factory=dict)
    since: list[Changes] = field(default_factory=list)

    def change(self, changes: Changes) -> None:
        _rename(self.now, changes)
        self.since.append(changes)

    def sync(self) -> None:
        self.synced, self.since = dict(self.now), []

    def some(self, chance: random.Random) -> Names:
        left = dict(self.synced)
        for changes in self.since:
            if chance.random() < 0.5:
                _rename(left, changes)
        return left


def _rename(names: Names, changes: Changes) -> None:
    for name, inode in changes.items():
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


@dataclass
class Disk:
    """What lay below `root` at first, and what has been done since."""

    root: str
    top: int = 0
    files: dict[int, File] = field(default_factory=dict)
    folders: dict[int, Folder] = field(default_factory=dict)
    links: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Path) -> Disk:
        """A folder as it is now, all of it synced."""
        disk = cls(str(root))
        disk.top = disk._take(root)
        return disk

    def _take(self, path: Path) -> int:
        inode = path.lstat().st_ino
        if path.is_symlink():
            self.links[inode] = str(path.readlink())
        elif path.is_dir():
            names = {one.name: self._take(one) for one in path.iterdir()}
            self.folders[inode] = Folder(names, dict(names), dict(names))
        else:
            content = path.read_bytes()
            self.files[inode] = File(bytearray(content), content, whole=content)
        return inode

    def do(self, entry: Entry) -> None:
        """Let one operation of a recording happen."""
        if entry.op in {Op.WRITE, Op.TRUNCATE}:
            self.files[entry.inode].change(entry.number, entry.data if entry.op is Op.WRITE else None)
        elif entry.op is Op.SYNC:
            everything = [*self.files.values(), *self.folders.values()]
            for one in [self.files.get(entry.inode) or self.folders[entry.inode]] if entry.inode else everything:
                one.sync()
            for folder in self.folders.values():
                folder.journal = dict(folder.now)
        elif entry.op is not Op.SAID:
            self._do_to_names(entry)

    def _do_to_names(self, entry: Entry) -> None:
        match entry.op:
            case Op.CREATE:
                self.files[entry.inode] = File()
                self._name(entry.first, entry.inode)
            case Op.MKDIR:
                self.folders[entry.inode] = Folder()
                self._name(entry.first, entry.inode)
            case Op.LINK:
                self._name(entry.second, self.inode(entry.first))
            case Op.RENAME:
                self._move(entry.first, entry.second)
            case Op.UNLINK | Op.RMDIR:
                self._name(entry.first, None)
            case Op.SYMLINK:
                self.links[-len(self.links) - 1] = entry.first
                self._name(entry.second, -len(self.links))

    def inode(self, path: str) -> int:
        """The inode of a path as it is now."""
        at = self.top
        for part in os.path.relpath(path, self.root).split("/"):
            at = at if part == "." else self.folders[at].now[part]
        return at

    def _place(self, path: str) -> tuple[Folder, str]:
        folder, name = os.path.split(os.path.normpath(path))
        return self.folders[self.inode(folder)], name

    def _name(self, path: str, inode: int | None) -> None:
        folder, name = self._place(path)
        folder.change({name: inode})

    def _move(self, old: str, new: str) -> None:
        inode, (here, name), (there, other) = self.inode(old), self._place(old), self._place(new)
        if here is there:
            here.change({name: None, other: inode})
        else:
            there.change({other: inode})
            here.change({name: None})

    def paths(self) -> list[str]:
        """Every path that there is now."""
        return [*self.left(End.KILL, random.Random())]

    def left(self, end: End, chance: random.Random) -> Tree:
        """What is left at such an end."""
        return dict(self._left(self.top, "", end, chance))

    def _left(self, inode: int, path: str, end: End, chance: random.Random) -> Iterator[tuple[str, bytes | str | None]]:
        if inode in self.links:
            yield path, self.links[inode]
        elif inode in self.files:
            if not path.endswith(VOLATILE):
                yield path, self._content(self.files[inode], end, chance)
        else:
            yield path, None
            for name, child in sorted(self._names(self.folders[inode], end, chance).items()):
                yield from self._left(child, f"{path}/{name}".lstrip("/"), end, chance)

    def _content(self, file: File, end: End, chance: random.Random) -> bytes:
        if end in {End.KILL, End.CONTENT}:
            return file.content()
        return file.some(chance) if end is End.SOME else file.synced

    def _names(self, folder: Folder, end: End, chance: random.Random) -> Names:
        if end in {End.KILL, End.NAMES}:
            return folder.now
        if end is End.SOME:
            return folder.some(chance)
        return folder.journal if end is End.ORDERED else folder.synced


def write(tree: Tree, target: Path) -> None:
    """Make a folder of a tree."""
    for path, content in tree.items():
        place = target / path
        if content is None:
            place.mkdir(parents=True)
        elif isinstance(content, str):
            place.symlink_to(content)
        else:
            place.write_bytes(content)


def read(folder: Path) -> Tree:
    """The tree of a folder."""
    return Disk.of(folder).left(End.KILL, random.Random())
