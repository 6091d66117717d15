"""Features: what a table asks of its readers. One whose file list alone would show wrong rows is not read, nor one of a newer format."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from assay.code_version import release
from assay.errors import FormatNewer, UnsupportedTableFeature
from assay.lake.format import FORMAT
from assay.lake.log import ENGINE
from assay.lake.log_entries import commits_of
from assay.lake.tokens import format_of

if TYPE_CHECKING:
    from pathlib import Path

    from deltalake import DeltaTable

READABLE_FEATURES = {"timestampNtz"}
OLDEST_READER_OF_FEATURES = 3
LOOK_BACK = 100  # so many commits are looked through for whoever wrote the newer format


def refuse_unreadable(name: str, table: DeltaTable) -> None:
    """Raise UnsupportedTableFeature for deletion vectors, column mapping and the like: the file list would show deleted rows."""
    protocol = table.protocol()
    features = set(protocol.reader_features or []) - READABLE_FEATURES
    mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if features or mapping != "none" or 1 < protocol.min_reader_version < OLDEST_READER_OF_FEATURES:
        raise UnsupportedTableFeature(f"Tried to read {name}; it needs {sorted(features) or mapping} of its reader.")


def refuse_newer(name: str, log: Path, version: int) -> None:
    """Raise FormatNewer for a version of a table that is of a newer format than this Assay writes."""
    if (found := format_of(log, version)) > FORMAT:
        raise newer(name, found, log, version)


def newer(name: str, found: int, log: Path, version: int) -> FormatNewer:
    """The error that names the table, its format, and which Assay wrote it as far as the log says."""
    said = (str(one.get("engineInfo")) for one in islice(commits_of(log, version), LOOK_BACK))
    writer = next((f", written by {one}" for one in said if one.startswith(f"{ENGINE}/")), "")
    return FormatNewer(
        f"Tried to open {name}; it is of format version {found}{writer}. This is {ENGINE}/{release()}, which knows up to version {FORMAT}."
    )
