"""Publishing a table together with its quarantine: two commits that become visible as one.

Quarantine commits first, under a number that the table's commit will name; readers follow that, so until it is made they see neither, and
a crash between the two shows nothing (see `side_tables`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from assay.lake.publisher import Provenance, Published, current_tokens, publish
from assay.lake.quarantine.changes import noted, noted_by_parts
from assay.lake.side_tables import PUBLICATION, as_published, publications_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    import polars as pl

    from assay.lake.quarantine.rejected import Rejected
    from assay.lake.quarantine.store import Quarantine
    from assay.lake.snapshots import Snapshot
    from assay.lake.staged import Staging


def weight(staging: Staging | None, rejected: Rejected) -> int:
    """About how many bytes are staged or held for a commit: one of more than a bound would take too much with it if it failed."""
    return rejected.size + (staging.size if staging else 0)


def publish_audited(
    quarantine: Quarantine,
    staging: Staging,
    rejected: Rejected,
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

    `wanted` has the fingerprints to come
    of these partitions and maybe of others, `before` is the table as it was when the inputs were read: whoever has published one of the
    partitions since, be it the same rows, goes first. `landed` is as in `noted`, `unchanged` what else the log must still say, `also` the
    tokens that are committed with those of the partitions. Raises what `publish` raises; then readers see what they saw before. What
    quarantine has of partitions that go, because these are the `whole` table, goes with them: by the same commit nobody sees it any more.
    """
    keys = staging.slice.keys
    seen, named = current_tokens(before, keys), publications_of(before, keys)
    aside = quarantine.stage(rejected, dict.fromkeys(keys, staging.publication))
    try:
        changes = _changes(quarantine, rejected, aside, landed, seen=seen, named=named)
    except BaseException:
        aside.discard()
        raise
    notes = {key: {**provenance.notes.get(key, {}), **changes.get(key, {})} for key in keys}
    provenance = replace(provenance, notes=notes)
    if whole:
        quarantine.clear(quarantine.refused_elsewhere(keys), provenance)
    outdated = quarantine.store(aside, named, provenance)
    outdated += quarantine.held_elsewhere(keys) if whole else []
    tokens = {key: wanted[key] for key in keys} | {PUBLICATION + key: staging.publication for key in keys} | dict(also or {})
    expected = {**seen, **as_published(before, keys), **(unchanged or {})}
    done = publish(quarantine.root, staging, tokens, expected=expected, provenance=provenance, whole=whole)
    quarantine.clear(outdated, provenance)
    return done


def _changes(
    quarantine: Quarantine,
    rejected: Rejected,
    aside: Staging,
    landed: Callable[[pl.DataFrame], pl.DataFrame],
    *,
    seen: Mapping[str, int | None],
    named: Mapping[str, int | None],
) -> dict[str, dict[str, Any]]:
    """What the rows that were staged `aside` change in quarantine, by partition: see `noted`. `seen` and `named` are what is published of
    each: its fingerprint, and its publication.
    """
    few = {key: number for key, number in named.items() if key not in rejected.spilled}
    changes = noted(quarantine.held(few).collect(), rejected.held, landed, seen)
    for key, spilled in rejected.spilled.items():
        if seen[key] is None:
            changes[key] = {"held": dict(sorted(spilled.rules.items()))} if spilled.rules else {}
        else:
            after = quarantine.staged_rows(aside, key)
            changes[key] = noted_by_parts(quarantine.held({key: named[key]}), after, landed, seen).get(key, {})
    return changes
