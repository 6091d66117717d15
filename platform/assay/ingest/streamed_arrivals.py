"""Arriving: an arrival too large to be held is written part by part into one file, which is staged once its last part was read.

A fault of a file that is found late, or a row that is missing, takes all of it away: nothing of such an arrival is published.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from assay.ingest.chunks import Chunk
from assay.ingest.unpartitioned import set_aside
from assay.lake.manifest import KEY, Landed, Manifest
from assay.lake.quarantine.rejected import Spilling
from assay.lake.stored_days import days_in
from assay.lake.streaming_writer import Growing

if TYPE_CHECKING:
    from assay.ingest.chunks import Prepared
    from assay.ingest.reading import Source
    from assay.ingest.work import Work


@dataclass
class Arriving:
    """One arrival on its way into bronze; `key` is that of its partition."""

    work: Work
    key: str
    growing: Growing = field(init=False)
    landed: dict[str, Landed] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    last: Prepared | None = None

    def __post_init__(self) -> None:
        slice_ = self.work.slice.only([self.key])
        self.growing = Growing(self.work.run.lake / slice_.spec.name, slice_)
        self.aside = Spilling(self.key, self.work.run.lake)

    def add(self, made: Prepared) -> None:
        """Take the next part."""
        self.last = made
        self.aside.add(set_aside(made.rows, self.work.contract, self.work.run.run_id))
        if made.rows.num_rows:
            self.growing.add(made.rows)
        for manifest in made.manifests.values():
            for one in manifest.sources:
                before = self.landed.get(one.name, replace(one, rows=0, erased=0))
                self.landed[one.name] = replace(before, rows=before.rows + one.rows, erased=before.erased + one.erased)
        for source in made.sources:
            known = self.sources.get(source.landed.name, replace(source, rows=0))
            self.sources[source.landed.name] = replace(known, rows=known.rows + source.rows, numbers=None, first=1)

    def done(self) -> Chunk:
        """The arrival as it would be published, or why it could not be read. Raises AssayError if a row was lost."""
        assert self.last is not None  # noqa: S101  # a part was added
        nothing = replace(self.last, rows=self.last.rows.slice(0, 0), part=None)
        if self.last.failed:
            self.discard()
            return Chunk(None, self.aside.none(), nothing)
        manifest = Manifest(tuple(self.landed.values()), days_in(self.growing.close(), self.growing.sizes))
        self.work.refuse_lost(self.key, manifest)
        staging = self.growing.finish({KEY: manifest.dump()})
        sources = [replace(source, landed=self.landed[name]) for name, source in self.sources.items()]
        return Chunk(staging, self.aside.all(), replace(nothing, manifests={self.key: manifest}, sources=sources))

    def discard(self) -> None:
        """Take away what was written, unless it is staged."""
        self.growing.discard()
