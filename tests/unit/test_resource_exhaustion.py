"""What a machine had too little of is one sentence, whatever library tells it in whatever words."""

from __future__ import annotations

import errno
import gc
import os
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from assay.cli.exit_codes import unraised
from assay.resource_exhaustion import found_now, told

if TYPE_CHECKING:
    from collections.abc import Iterator


# as the pinned versions of SQLite, delta-rs, Polars, PyArrow, DuckDB and Python say it
@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("(sqlite3.OperationalError) database or disk is full", "No space is left on the disk ("),
        (
            "Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)",
            "No space is left on the disk (",
        ),
        ("[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device", "No space is left on the disk ("),
        ("IO Error: Could not write file: Disk quota exceeded", "No space is left on the disk ("),
        (
            "[Errno 27] Error writing bytes to file. Detail: [errno 27] File too large",
            "A file may not grow any more. Raise the limit (ulimit -f)",
        ),
        ("Too many open files (os error 24)", "Too many files are open. Raise the limit (ulimit -n)"),
        ("malloc of size 1048576 failed", "There is not enough memory."),
        ("Out of Memory Error: could not allocate block of size 256.0 KiB", "There is not enough memory."),
        ("_internal.abi3.so: failed to map segment from shared object", "There is not enough memory."),
        ("can't start new thread", "There is not enough memory."),
        ("(sqlite3.OperationalError) attempt to write a readonly database", "It cannot be written to. Let this user write there"),
        ("(sqlite3.OperationalError) database is locked", "Another process has held a database of Dagster's instance locked"),
        ("(sqlite3.OperationalError) disk I/O error", "Dagster's instance cannot be read or written: "),
        ("(sqlite3.OperationalError) unable to open database file", "{place} is not there any more. Put it back, or run `assay init`"),
        ("No usable temporary directory found in ['/tmp']", "There is no temporary folder"),
    ],
)
def test_a_refusal_is_told_in_one_sentence_with_what_to_do(said: str, sentence: str, tmp_path: Path) -> None:
    words = told(said, [tmp_path / "not" / "there"])
    assert words is not None
    assert words.startswith(sentence.format(place=tmp_path / "not" / "there"))
    assert "What is published is whole." in words


def test_a_refusal_is_found_behind_the_error_that_it_caused(tmp_path: Path) -> None:
    error = RuntimeError("the storage failed")
    error.__cause__ = sqlite3.OperationalError("database or disk is full")
    assert str(tmp_path) in str(told(error, [tmp_path]))
    late = RuntimeError("while another was handled")
    late.__context__ = OSError(errno.EMFILE, "Too many open files")
    assert str(told(late, [tmp_path])).startswith("Too many files are open")


def test_a_disk_that_is_full_is_told_by_the_place_on_it(tmp_path: Path) -> None:
    """Dagster's instance, or the lake, may lie on another disk than the home."""
    shm = Path("/dev/shm")  # nothing is written there
    devices = {shm: (0, 0), tmp_path: (9_000_000, 900)}

    def of(path: Path) -> os.statvfs_result:
        blocks, files = devices.get(path, (9_000_000, 900))
        return os.statvfs_result((4096, 4096, blocks, blocks, blocks, 0 if path == shm else 900, files, files, 0, 255))

    with mock.patch("assay.resource_exhaustion.os.statvfs", of):
        assert str(told("database or disk is full", [tmp_path, shm])).startswith("No space is left on the disk (/dev/shm: 0 kB free)")
        assert str(found_now([tmp_path, shm])).startswith("No space is left on the disk (/dev/shm")
        assert found_now([tmp_path]) is None


def test_any_other_error_is_none(tmp_path: Path) -> None:
    assert told(ValueError("no such column: disk"), [tmp_path]) is None
    assert told("silver/sales: 2 of 3 partitions were refused", [tmp_path]) is None


def thrown_away(error: Exception) -> None:
    """A step that is given up while it works, and fails when it writes down that it failed."""

    def step() -> Iterator[int]:
        try:
            yield 1
        finally:
            raise error

    one = step()
    next(one)
    del one
    gc.collect()


@pytest.mark.slow
def test_what_was_refused_where_nobody_can_catch_it_is_one_sentence_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before, a disk that was full when a step was thrown away showed a traceback of Dagster's log, once in fifty levels of free space."""
    monkeypatch.setattr(sys, "unraisablehook", unraised)
    thrown_away(sqlite3.OperationalError("database or disk is full"))
    assert capsys.readouterr().err.startswith("assay: No space is left on the disk (")
    thrown_away(ValueError("a fault of ours"))
    assert "Traceback" in capsys.readouterr().err
