"""Retention: files of partitions that are older than a contract keeps them are taken out of a table, in one commit that says which.

What that means for whoever publishes is in `expired`; the files themselves go with those of other earlier versions. The receipts are a
table of their own.
"""

from __future__ import annotations

import json
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.errors import PublishContention, TableUnreadable
from assay.lake.foreign import by_key
from assay.lake.log import commit, info, txn
from assay.lake.migrations import TOKEN
from assay.lake.monthly import MONTH, replace_months
from assay.lake.provenance import history_of
from assay.lake.publisher import ATTEMPT_ID, ATTEMPTS, fingerprint, removals_of
from assay.lake.slices import TableSpec
from assay.lake.snapshots import newest, open_snapshot, total_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from assay.lake.snapshots import DataFile, Snapshot

REMOVAL = "removal/"  # the app id in a table's log, after TOKEN: the number of its newest removal
NOTE = "assay.retention"  # the key of a commit that says what was removed
LAYER, RECEIPTS = "retention", "retention/receipts"
SCHEMA = pa.schema(
    [
        pa.field("removal", pa.int64(), nullable=False),
        pa.field("removed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("table", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("contract_version", pa.string(), nullable=False),
        pa.field("retention", pa.string(), nullable=False),
        pa.field("kept_from", pa.date32(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("partitions", pa.string(), nullable=False),
        pa.field("month", pa.date32(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What goes of a table at a version: its files, and what the log keeps in their place (`txn` entries after TOKEN)."""

    files: Sequence[DataFile] = ()
    tokens: Mapping[str, int] = field(default_factory=dict)

    @property
    def partitions(self) -> dict[str, tuple[int, int]]:
        """Rows and bytes of what goes, by the first of the partition values."""
        return {key: (total_rows(found), sum(file.size for file in found)) for key, found in sorted(by_key(self.files).items())}


def take_out(root: Path, name: str, choose: Callable[[Snapshot], Chosen], why: Mapping[str, Any]) -> Removed | None:
    """Take out of a table what is chosen of it, in one commit that says so, and `why`; None if that is nothing.

    The table is looked at, and chosen from, again as long as other writers are first.
    """
    number = fingerprint(uuid.uuid4().hex)
    for _ in range(ATTEMPTS):
        table = open_snapshot(root, name)
        chosen = choose(table)
        if not chosen.files and not chosen.tokens:
            return None
        note = {**why, "number": number, "partitions": chosen.partitions}
        about = info("WRITE", {ATTEMPT_ID: f"retention {number}", NOTE: json.dumps(note)}, mode="Overwrite")
        tokens = [txn(TOKEN + app, value) for app, value in {**chosen.tokens, REMOVAL: number}.items()]
        version = commit(table.table, [about, *tokens, *removals_of(table, lambda _: True, chosen.files)])
        if version is not None:
            return Removed.of(name, version, note, datetime.now(UTC))
    raise PublishContention(f"Tried {ATTEMPTS} times to remove what has expired from {name}.")


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed from a table, by the version that has it no more: rows and bytes by partition, and by which contract."""

    removal: int
    removed_at: datetime
    table: str
    version: int
    contract_version: str
    retention: str
    kept_from: date
    rows: int
    bytes: int
    partitions: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, name: str, version: int, note: Mapping[str, Any], at: datetime) -> Removed:
        """As the commit says it."""
        partitions = {key: (rows, size) for key, (rows, size) in note["partitions"].items()}
        rows, size = (sum(one[number] for one in partitions.values()) for number in (0, 1))
        kept_from = date.fromisoformat(note["kept_from"])
        return cls(
            note["number"], at, name, version, note["contract_version"], note["retention"], kept_from, rows, size, partitions
        )  # fmt: skip


def without_receipt(root: Path, names: Iterable[str]) -> list[Removed]:
    """The newest removals of some tables that no receipt tells of: who made them was killed before."""
    known, found = {one.removal for one in receipts(root)}, list[Removed]()
    for name in names:
        with suppress(TableUnreadable):  # its receipt waits until it can be read
            found += _without_receipt(newest(root, name), known)
    return found


def _without_receipt(table: Snapshot | None, known: Collection[int]) -> list[Removed]:
    number = table.token(TOKEN + REMOVAL) if table else None
    if table is None or number is None or number in known:
        return []
    for commit_ in history_of(table):
        if NOTE in commit_ and (note := json.loads(commit_[NOTE]))["number"] == number:
            at = datetime.fromtimestamp(commit_["timestamp"] / 1000, UTC)
            return [Removed.of(table.name, commit_["version"], note, at)]
    return []


def receipts(root: Path) -> list[Removed]:
    """Every receipt, the oldest first."""
    there = newest(root, RECEIPTS)
    rows = there.scan(columns=SCHEMA.names[:-1]).collect().sort("removed_at", "removal").iter_rows(named=True) if there else ()
    return [Removed(**row | {"partitions": json.loads(row["partitions"])}) for row in rows]


def write_receipts(root: Path, removals: Sequence[Removed]) -> None:
    """Add receipts to those of their month, in one commit. Nobody else writes any: one at a time removes what has expired."""
    import polars as pl

    if not removals:
        return
    spec = TableSpec(RECEIPTS, SCHEMA, (MONTH,))
    told = {one.removal: one for one in [*receipts(root), *removals]}.values()
    months = {f"{one.removed_at:%Y-%m-01}" for one in removals}
    values = [
        (*(getattr(one, name) for name in Removed.__slots__[:-1]), json.dumps(one.partitions), one.removed_at.date().replace(day=1))
        for one in told
        if f"{one.removed_at:%Y-%m-01}" in months
    ]
    replace_months(root, spec, pl.DataFrame(values, schema=pl.Schema(SCHEMA), orient="row"))
