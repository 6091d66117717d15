"""What is left of a few operations, by each end: the judge of all power cuts is judged here."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from disks import Disk, End, read, write
from shim import Entry, Op

if TYPE_CHECKING:
    from pathlib import Path


def entry(op: Op, first: str = "", second: str = "", *, inode: int = 0, number: int = 0, data: bytes = b"") -> Entry:
    return Entry(op, 0, inode, number, first, second, data)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A file that was there; one that is written, linked to its name and not synced."""
    (tmp_path / "old").write_bytes(b"old")
    disk = Disk.of(tmp_path)
    for one in (
        entry(Op.CREATE, f"{tmp_path}/tmp", inode=-7),
        entry(Op.WRITE, inode=-7, data=b"new"),
        entry(Op.LINK, f"{tmp_path}/tmp", f"{tmp_path}/new"),
        entry(Op.UNLINK, f"{tmp_path}/tmp"),
        entry(Op.WRITE, inode=(tmp_path / "old").stat().st_ino, number=3, data=b"er"),
    ):
        disk.do(one)
    return disk


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (End.KILL, {"old": b"older", "new": b"new"}),
        (End.NOTHING, {"old": b"old"}),
        (End.NAMES, {"old": b"old", "new": b""}),
        (End.ORDERED, {"old": b"old"}),
        (End.CONTENT, {"old": b"older"}),
    ],
)
def test_what_was_not_synced_is_left_as_the_end_says(disk: Disk, end: End, left: dict[str, bytes]) -> None:
    assert disk.left(end, random.Random(0)) == {"": None, **left}


def test_what_was_synced_is_left_by_every_end(disk: Disk, tmp_path: Path) -> None:
    for inode in (-7, (tmp_path / "old").stat().st_ino, tmp_path.stat().st_ino):
        disk.do(entry(Op.SYNC, inode=inode))
    for end in End:
        assert disk.left(end, random.Random(0)) == {"": None, "old": b"older", "new": b"new"}


def test_in_a_journal_a_sync_of_anything_makes_all_names_durable(disk: Disk, tmp_path: Path) -> None:
    disk.do(entry(Op.SYNC, inode=(tmp_path / "old").stat().st_ino))
    assert disk.left(End.ORDERED, random.Random(0)) == {"": None, "old": b"older", "new": b""}
    assert disk.left(End.NOTHING, random.Random(0)) == {"": None, "old": b"older"}


def test_chance_leaves_each_of_all_that_can_be_left_and_a_rename_is_one_piece(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"old")
    disk = Disk.of(tmp_path)
    disk.do(entry(Op.CREATE, f"{tmp_path}/tmp", inode=-7))
    disk.do(entry(Op.WRITE, inode=-7, data=b"new"))
    disk.do(entry(Op.SYNC, inode=-7))
    disk.do(entry(Op.RENAME, f"{tmp_path}/tmp", f"{tmp_path}/kept"))
    found = {str(sorted(disk.left(End.SOME, random.Random(seed)).items())) for seed in range(99)}
    trees = [{"kept": b"old"}, {"kept": b"old", "tmp": b"new"}, {"kept": b"new"}]
    assert found == {str(sorted({"": None, **tree}.items())) for tree in trees}


def test_a_tree_is_written_and_read_as_it_is(tmp_path: Path) -> None:
    tree = {"": None, "a": None, "a/file": b"1", "link": "a/file"}
    write(tree, tmp_path / "there")
    assert read(tmp_path / "there") == tree
