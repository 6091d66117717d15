"""Publishing a table together with its quarantine: two commits that become visible as one.

Quarantine commits first, under a number that the table's commit will name; readers follow that, so until it is made they see neither, and
a crash between the two shows nothing (see `beside`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assay.lake.beside import PUBLICATION, as_published, publications_of
from assay.lake.publisher import Provenance, Published, current_tokens, publish
from assay.lake.quarantine_changes import noted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from assay.lake.quarantine import Quarantine
    from assay.lake.snapshots import Snapshot
    from assay.lake.staged import Staging


def weight(staging: Staging | None, rejected: pl.DataFrame) -> int:
    """About how many bytes are staged or held for a commit: one of more than a bound would take too much with it if it failed."""
    return int(rejected.estimated_size()) + (staging.size if staging else 0)


def publish_audited(
    quarantine: Quarantine,
    staging: Staging,
    rejected: pl.DataFrame,
    *,
    wanted: Mapping[str, int],
    before: Snapshot | None,
    provenance: Provenance,
    landed: Callable[[pl.DataFrame], pl.DataFrame],
    unchanged: Mapping[str, int | None] | None = None,
    also: Mapping[str, int] | None = None,
    whole: bool = False,
) -> Published:
    """Publish the staged partitions and the rows that they reject, and note in the commit what that changes in quarantine.

    `rejected` has quarantine's columns but for the publication, PARTITION being the partition's key. `wanted` has the fingerprints to come
    of these partitions and maybe of others, `before` is the table as it was when the inputs were read: whoever has published one of the
    partitions since, be it the same rows, goes first. `landed` is as in `noted`, `unchanged` what else the log must still say, `also` the
    tokens that are committed with those of the partitions. Raises what `publish` raises; then readers see what they saw before. What
    quarantine has of partitions that go, because these are the `whole` table, goes with them: by the same commit nobody sees it any more.
    """
    keys = staging.slice.keys
    seen, named = current_tokens(before, keys), publications_of(before, keys)
    changes = noted(quarantine.held(named), rejected, landed, seen)
    notes = {key: {**provenance.notes.get(key, {}), **changes.get(key, {})} for key in keys}
    provenance = replace(provenance, notes=notes)
    if whole:
        quarantine.clear(quarantine.refused_elsewhere(keys), provenance)
    outdated = quarantine.store(rejected, dict.fromkeys(keys, staging.publication), named, provenance)
    outdated += quarantine.held_elsewhere(keys) if whole else []
    tokens = {key: wanted[key] for key in keys} | {PUBLICATION + key: staging.publication for key in keys} | dict(also or {})
    expected = {**seen, **as_published(before, keys), **(unchanged or {})}
    done = publish(quarantine.root, staging, tokens, expected=expected, provenance=provenance, whole=whole)
    quarantine.clear(outdated, provenance)
    return done
