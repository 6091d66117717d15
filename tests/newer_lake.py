"""A table as a newer Assay leaves it: its newest commit says a version of the format that this one does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

from assay.lake.format import FORMAT
from assay.lake.log import commit, info
from assay.lake.publisher import ATTEMPT_ID
from assay.lake.snapshots import open_snapshot

if TYPE_CHECKING:
    from pathlib import Path

NEXT = FORMAT + 1


def written_by_a_newer(lake: Path, name: str) -> int:
    """Let a newer Assay commit to a table; returns the version that it wrote."""
    table = open_snapshot(lake, name).table
    with mock.patch("assay.lake.log.FORMAT", NEXT), mock.patch("assay.lake.log.release", return_value="9.9.9"):
        version = commit(table, [info("WRITE", {ATTEMPT_ID: "by a newer one"})])
    assert version is not None
    return version
