"""Chunks: what an ingestion hands from step to step, as values: arrivals that are prepared, and arrivals that are staged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from assay.errors import FileUnreadable
    from assay.ingest.reading import Source
    from assay.lake.manifest import Manifest
    from assay.lake.quarantine.rejected import Rejected
    from assay.lake.staged import Staging


@dataclass(frozen=True, slots=True)
class Prepared:
    """The rows of some arrivals; by partition key the manifest of each, or why it could not be read. `sources` are the files of `rows`.

    Of a `part` of an arrival the manifest only counts what landed; the last is that which does not go on.
    """

    rows: pa.Table
    manifests: Mapping[str, Manifest]
    sources: Sequence[Source]
    failed: Mapping[str, FileUnreadable]
    part: str | None = None
    goes_on: bool = False

    @property
    def erased(self) -> dict[str, int]:
        """How many rows of an arrival are left out because they name an erased person; only of arrivals that have such rows."""
        return {key: count for key, manifest in self.manifests.items() if (count := manifest.erased)}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some arrivals whose rows are staged; `staging` is None if none could be read."""

    staging: Staging | None
    rejected: Rejected
    made: Prepared
