"""Features: what a table asks of its readers. One whose file list alone would show wrong rows is not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import UnsupportedTableFeature

if TYPE_CHECKING:
    from deltalake import DeltaTable

READABLE_FEATURES = {"timestampNtz"}
OLDEST_READER_OF_FEATURES = 3


def refuse_unreadable(name: str, table: DeltaTable) -> None:
    """Raise UnsupportedTableFeature for deletion vectors, column mapping and the like: the file list would show deleted rows."""
    protocol = table.protocol()
    features = set(protocol.reader_features or []) - READABLE_FEATURES
    mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if features or mapping != "none" or 1 < protocol.min_reader_version < OLDEST_READER_OF_FEATURES:
        raise UnsupportedTableFeature(f"Tried to read {name}; it needs {sorted(features) or mapping} of its reader.")
