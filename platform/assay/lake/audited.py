"""Publishing a table together with its quarantine: two commits that become visible as one.

Quarantine commits first, under the fingerprints that the table's commit will name; readers follow those, so until it is made they see
neither, and a crash between the two shows nothing (see `quarantine`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assay.lake.publisher import Provenance, Published, publish
from assay.lake.quarantine_changes import noted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import polars as pl

    from assay.lake.quarantine import Quarantine
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
    current: Mapping[str, int | None],
    provenance: Provenance,
    landed: Callable[[pl.DataFrame], pl.DataFrame],
    fence: Mapping[str, int | None] | None = None,
    also: Mapping[str, int] | None = None,
    whole: bool = False,
) -> Published:
    """Publish the staged partitions and the rows that they reject, and note in the commit what that changes in quarantine.

    `rejected` has quarantine's columns but for the publication, PARTITION being the partition's key. `wanted` and `current` have the
    fingerprints to come and those seen when the inputs were read, of these partitions and maybe of others. `landed` is as in `noted`,
    `fence` what else the table's log must still say, `also` the tokens that are committed with those of the partitions. Raises what
    `publish` raises; then readers see what they saw before. What quarantine has of partitions that go, because these are the `whole`
    table, goes with them: by the same commit nobody sees it any more.
    """
    keys = staging.slice.keys
    tokens, seen = {key: wanted[key] for key in keys}, {key: current[key] for key in keys}
    changes = noted(quarantine.held(seen), rejected, landed, seen)
    notes = {key: {**provenance.notes.get(key, {}), **changes.get(key, {})} for key in keys}
    provenance = replace(provenance, notes=notes)
    if whole:
        quarantine.clear(quarantine.refused_elsewhere(keys), provenance)
    outdated = quarantine.store(rejected, tokens, seen, provenance) + (quarantine.held_elsewhere(keys) if whole else [])
    expected = {**seen, **(fence or {})}
    done = publish(quarantine.root, staging, {**tokens, **(also or {})}, expected=expected, provenance=provenance, whole=whole)
    quarantine.clear(outdated, provenance)
    return done
