"""The publisher: what was staged and checked becomes visible in one atomic Delta commit, or not at all.

The commit removes exactly the files of the slice's partitions and adds the staged ones, by compare-and-swap on the version that was just
looked at. A partition's `txn` token is the fingerprint of what made it, so a rerun with the same inputs, code and contract finds that it
has nothing to do, and a run that was overtaken learns it. Two tables that must agree are published one after the other, the one that
readers start from last (see `quarantine`).
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.errors import PermanentFailure, PublishContention, Superseded
from assay.lake.constraints import keeps_only
from assay.lake.damage import within
from assay.lake.fence import fence_to_note, refuse_late
from assay.lake.log import add, commit, info, remove, txn
from assay.lake.migrations import CALENDAR, GONE, TOKEN, number_of, other_tokens, partition_token, refuse_outgrown
from assay.lake.schemas import changes_columns, refuse_mismatch
from assay.lake.snapshots import UNTYPED, Snapshot, open_snapshot
from assay.lake.tables import has_columns, open_or_create, with_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from deltalake import DeltaTable

    from assay.lake.log import Action
    from assay.lake.slices import Slice
    from assay.lake.snapshots import DataFile
    from assay.lake.staged import Staging

ATTEMPT_ID = "assay.attempt"  # the key of a commit that says which publication it is; no other tool has it
CONTRACT_VERSION = "assay.contract_version"  # the key of a commit that says under which version of the contract it was judged
INPUTS = "assay.inputs"  # the key of a commit that says which version of each table was read
PARTITIONS = "assay.partitions"  # the key of a commit that says what was noted of each partition
ATTEMPTS, FAILURES = 200, 5
LONGEST_PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made a publication and from what; it is written into the commit.

    `inputs` maps each input table to the version that was read; `notes` maps a partition's key to what is worth knowing of it. `fence` was
    noted before anything was read, `replaces` are the files that were read to be replaced, where no fingerprint tells (see `fence`), and
    `retained` is what the log then said of what has expired (see `expired`).
    """

    run_id: str = ""
    contract_version: str = ""
    code_version: str = ""
    inputs: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fence: int | None = None
    replaces: Collection[str] | None = None
    retained: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did: the version it wrote, how often it had to try, and the files and rows it added."""

    version: int
    attempts: int
    files: int
    rows: int


def fingerprint(*parts: object) -> int:
    """A positive 63-bit number for a list of JSON values: equal lists give equal numbers, in every process and on every machine."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) >> 1


def current_tokens(snapshot: Snapshot | None, keys: Iterable[str]) -> dict[str, int | None]:
    """The fingerprints that the table holds for these partitions now; None for one that was never published."""
    return {key: partition_token(snapshot, key) for key in keys}


def publish(
    root: Path,
    staging: Staging,
    tokens: Mapping[str, int],
    *,
    expected: Mapping[str, int | None] | None = None,
    provenance: Provenance | None = None,
    whole: bool = False,
) -> Published:
    """Replace the partitions of the staged slice by the staged files, in one commit; if it is the `whole` table, also what else it has.

    `tokens` gives each partition of the slice its fingerprint. `expected` says which fingerprints the partitions had when the inputs were
    read: if one is different now, Superseded is raised. Without `expected` the last writer wins. Raises Fenced when an erasure has begun
    since, SchemaDrift when the files do not fit the table, CalendarChanged when partitions of another calendar would stay beside them,
    FormatNewer, PublishContention when others win every time, the storage's own error when it fails again and again; all is as it was then.
    """
    spec, wanted = staging.slice.spec, pa.schema([*staging.slice.spec.schema, *staging.added])
    commit = _Commit(root, staging, tokens, provenance or Provenance(), whole)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            table = open_or_create(root, spec, wanted)
            changes = changes_columns(Snapshot(spec.name, table), staging.slice, wanted, whole=whole)
            if not changes:
                refuse_mismatch(spec, wanted, pa.schema(table.schema()), table.metadata().partition_columns)
            refuse_late(root, Snapshot(spec.name, table), staging.slice, commit.provenance)
            _refuse_overtaken(table, staging.slice, tokens, expected or {}, whole=whole)
            _refuse_missing(staging)
        except (PermanentFailure, Superseded):
            if not commit.offers:
                staging.discard()  # later it could be that a file is live: the janitor takes what is not
            raise
        fits = (changes or has_columns(table, wanted)) and keeps_only(table, spec)
        version = commit.offer(table, wanted if changes else None) if fits else None
        if version is None:
            time.sleep(random.random() * min(0.01 * 2 ** min(attempt, 6), LONGEST_PAUSE_SECONDS))  # noqa: S311  # not for secrets
            version = commit.landed_in(table)
        if version is not None:
            return Published(version, attempt, len(staging.files), sum(file.rows for file in staging.files))
        commit.give_up_when_broken()
    raise PublishContention(f"Tried {ATTEMPTS} times to publish {len(staging.slice.partitions)} partitions of {spec.name}.")


def removals_of(table: Snapshot, is_meant: Callable[[DataFile], bool], among: Iterable[DataFile] | None = None) -> list[Action]:
    """What takes files out of a table (or `among` some of its files), one by one: no filter can say too much."""
    now = int(time.time() * 1000)
    return [
        remove(within(table, file), file.size, dict(zip(table.partition_by, file.values, strict=True)), now)
        for file in (table.files if among is None else among)
        if is_meant(file)
    ]


def _refuse_overtaken(
    table: DeltaTable, slice_: Slice, tokens: Mapping[str, int], expected: Mapping[str, int | None], *, whole: bool
) -> None:
    if not whole:
        refuse_outgrown(Snapshot(slice_.spec.name, table), slice_)
    current = Snapshot(slice_.spec.name, table) if expected else None
    unseen = dict.fromkeys(other_tokens(current, slice_).keys() - expected.keys()) if whole else {}
    for key, before in {**expected, **unseen}.items():
        if partition_token(current, key) not in {before, tokens.get(key)}:
            raise Superseded(f"Tried to publish partition {key!r} of {slice_.spec.name}; another run has published it since.")


def _refuse_missing(staging: Staging) -> None:
    """Nobody could read a table that names a file which is not there."""
    if missing := staging.missing:
        raise Superseded(f"Tried to publish to {staging.slice.spec.name}; {missing[0]}, which was staged for it, is not there any more.")


@dataclass(slots=True)
class _Commit:
    """One publication on its way into the log, under an id that tells it from every other."""

    root: Path
    staging: Staging
    tokens: Mapping[str, int]
    provenance: Provenance
    whole: bool = False
    failures: list[Exception] = field(default_factory=list)
    offers: int = 0

    def offer(self, table: DeltaTable, columns: pa.Schema | None = None) -> int | None:
        """Commit on top of the version that `table` shows; None when that was lost, or when its outcome is unknown.

        `columns` are those that the table is given: then every file that it has goes in the same commit.
        """
        from deltalake.exceptions import DeltaError

        self.offers += 1
        changes = with_columns(table, columns) if columns is not None else []
        try:
            return commit(table, [self._info(), *self._tokens(table), *changes, *self._removals(table), *self._additions()])
        except (DeltaError, OSError) as failure:
            self.failures.append(failure)  # an error does not mean "not committed": `landed_in` decides
            return None

    def landed_in(self, table: DeltaTable) -> int | None:
        """Say which of the versions since the last look this publication wrote, if it did."""
        seen, now = table.version(), open_snapshot(self.root, self.staging.slice.spec.name)
        for entry in now.history(now.version - seen) if now.version > seen else []:
            if entry.get(ATTEMPT_ID) == self.staging.attempt:
                return int(entry["version"])
        return None

    def give_up_when_broken(self) -> None:
        """Raise the storage's own error once it has failed, not lost a race, too often."""
        if len(self.failures) >= FAILURES:
            raise self.failures[-1]

    def _additions(self) -> list[Action]:
        columns = self.staging.slice.spec.partition_by
        return [
            add(file.path, file.size, dict(zip(columns, file.partition.values, strict=True)), file.modified_ms, file.statistics())
            for file in self.staging.files
        ]

    def _removals(self, table: DeltaTable) -> list[Action]:
        snapshot, slice_ = Snapshot(self.staging.slice.spec.name, table), self.staging.slice
        if self.whole or not slice_.spec.partition_by:
            return removals_of(snapshot, lambda file: self.whole or slice_.owner(file.values) is not None)
        near = snapshot.files_of({partition.values[0] for partition in slice_.partitions})  # not years of files for one day
        return removals_of(snapshot, lambda file: slice_.owner(file.values) is not None, near)

    def _tokens(self, table: DeltaTable) -> list[Action]:
        """The `txn` entries: the fingerprints, which calendar they are of, which partitions are gone, which columns have no type."""
        spec, snapshot = self.staging.slice.spec, Snapshot(self.staging.slice.spec.name, table)
        gone = dict.fromkeys(other_tokens(snapshot, self.staging.slice) if self.whole else (), GONE)
        calendar = {CALENDAR: number_of(spec.calendar)} if spec.calendar else {}
        numbers = (
            {TOKEN + key: token for key, token in {**gone, **self.tokens}.items()} | calendar | fence_to_note(snapshot, self.provenance)
        )
        return [txn(app, number) for app, number in (numbers | {UNTYPED + name: 0 for name in sorted(spec.untyped)}).items()]

    def _info(self) -> Action:
        staging, why = self.staging, self.provenance
        partitions = {key: summary | dict(why.notes.get(key, {})) for key, summary in staging.summaries().items()}
        said = {
            ATTEMPT_ID: staging.attempt,
            "assay.run_id": why.run_id,
            CONTRACT_VERSION: why.contract_version,
            "assay.code_version": why.code_version,
            INPUTS: json.dumps(dict(why.inputs)),
            PARTITIONS: json.dumps(partitions),
        }
        return info("WRITE", said, mode="Append", partitionBy=json.dumps(list(staging.slice.spec.partition_by)))
