"""The history of a quarantine: which publication held or gave back which rows, which attempt was refused, which rows a steward discarded.

Read from the Delta logs of the tables themselves, where each publication notes what it changed (see `changes`), and from the
decisions. There is no second record that could disagree. What was cleaned out of a log is read from provenance.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from assay.lake.provenance import history_of
from assay.lake.publisher import CONTRACT_VERSION, PARTITIONS
from assay.lake.quarantine.changes import CHANGES, LISTED
from assay.lake.quarantine.store import ARRIVALS, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.lake.quarantine.reader import View
    from assay.lake.snapshots import Snapshot

PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Publication:
    """One partition in one commit of a table: who wrote it, when (UTC), and what was noted of it."""

    at: datetime
    partition: str
    run_id: str
    contract_version: str
    note: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the quarantined rows of a partition. `kind` is published, refused, discard or restore.

    `before` and `after` count the held rows by rule; of a decision, `after` counts its rows. `changes` maps each of CHANGES that took
    place to {"rows": count, "listed": {source file: [rows]}}, with only the first rows listed. A decision lists its rows as `decided`.
    """

    at: datetime
    kind: str
    partition: str
    run_id: str = ""
    contract_version: str = ""
    before: Mapping[str, int] = field(default_factory=dict)
    after: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by: str = ""
    because: str = ""


def publications(snapshot: Snapshot) -> Iterator[Publication]:
    """Every partition of every commit, oldest first."""
    for entry in reversed([*history_of(snapshot)]):
        if PARTITIONS not in entry:
            continue
        at = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
        for partition, note in json.loads(entry[PARTITIONS]).items():
            yield Publication(at, partition, entry.get("assay.run_id", ""), entry.get(CONTRACT_VERSION, ""), note)


def history(view: View, partition: str | None = None) -> list[Event]:
    """Everything that happened to a dataset's quarantine, oldest first; with `partition` (as quarantine shows it) only there."""
    found = [*_published(view.silver, ""), *_published(view.bronze, ARRIVALS), *_refused(view.quarantine), *_decided(view.decisions)]
    return sorted((event for event in found if partition in {None, event.partition}), key=lambda event: event.at)


def run_times(view: View) -> dict[str, datetime]:
    """When each run that stored rows in quarantine did so last."""
    return {one.run_id: one.at for one in publications(view.quarantine)}


def _published(snapshot: Snapshot | None, prefix: str) -> Iterator[Event]:
    held: dict[str, Mapping[str, int]] = {}
    for one in publications(snapshot) if snapshot else ():
        before, after = held.get(one.partition, {}), one.note.get("held", {})
        changes = {name: one.note[name] for name in CHANGES if name in one.note}
        held[one.partition] = after
        if before != after or changes:
            yield Event(one.at, PUBLISHED, prefix + one.partition, one.run_id, one.contract_version, before, after, changes)


def _refused(quarantine: Snapshot) -> Iterator[Event]:
    """The commits that kept rows of refused partitions; those that only cleared some note no refusal."""
    for one in publications(quarantine):
        if one.partition.startswith(REFUSED) and "refusal" in one.note:
            partition = one.partition.removeprefix(REFUSED).rpartition("@")[0]
            rules = one.note.get("held", {})
            yield Event(one.at, "refused", partition, one.run_id, one.contract_version, {}, rules, because=one.note["refusal"])


def _decided(decisions: Snapshot | None) -> Iterator[Event]:
    if decisions is None:
        return
    rows = decisions.scan().sort("decision", "_partition", "source_file", "source_row").collect()
    for (_, partition), part in rows.group_by("decision", "_partition", maintain_order=True):
        first = part.row(0, named=True)
        listed: dict[str, list[int]] = {}
        for file, row in part.select("source_file", "source_row").head(LISTED).iter_rows():
            listed.setdefault(file, []).append(row)
        rules = dict(part.group_by("rule").len().sort("rule").iter_rows())
        changes = {"decided": {"rows": part.height, "listed": listed}}
        yield Event(
            first["decided_at"],
            first["kind"],
            str(partition),
            after=rules,
            changes=changes,
            by=first["decided_by"],
            because=first["because"],
        )
