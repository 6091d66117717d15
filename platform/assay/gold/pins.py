"""Pins: what a dbt run is told to read, as JSON between the process that builds and the plugin that makes the views.

A table has its version, or a list of it and of the partitions that are built anew: these are not read, because they may be damaged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.lake.snapshots import partition_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from assay.lake.snapshots import DataFile


@dataclass(frozen=True, slots=True)
class Pin:
    """The version of a table that is read (None: the newest), but for some partitions."""

    version: int | None = None
    replaced: frozenset[str] = field(default_factory=frozenset)

    def keeps(self, file: DataFile) -> bool:
        """Whether a file is read."""
        return partition_key(file) not in self.replaced


def dump(pins: Mapping[str, int], replaced: Mapping[str, Collection[str]]) -> str:
    """The versions of tables, and the partitions of some that are built anew."""
    return json.dumps({table: [version, *sorted(replaced[table])] if table in replaced else version for table, version in pins.items()})


def load(text: str) -> dict[str, Pin]:
    """Read what `dump` wrote."""
    return {
        table: Pin(said[0], frozenset(said[1:])) if isinstance(said, list) else Pin(int(said)) for table, said in json.loads(text).items()
    }
