"""Erasures: which people were erased, as tokens that only the key can tell, and the receipt of each. One partition for each, by number.

Ingest asks here and leaves these people out, so that a file which lands again does not bring them back. Whoever read before an erasure had
begun is kept out by the `fence`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.errors import PublishContention, Superseded
from assay.lake.fence import FENCE, RECORDS, fence_of, known_elsewhere
from assay.lake.log import commit, info, txn
from assay.lake.migrations import TOKEN
from assay.lake.publisher import ATTEMPT_ID, ATTEMPTS, Provenance, fingerprint, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import Snapshot, newest
from assay.lake.staging import stage
from assay.lake.tables import open_or_create

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from deltalake import DeltaTable

LAYER, NAME = "erasures", RECORDS
BEGUN, DONE = "begun", "done"
SCHEMA = pa.schema(
    [
        pa.field("erasure", pa.int64(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("token", pa.string(), nullable=False),
        pa.field("asked_by", pa.string(), nullable=False),
        pa.field("asked_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("done_at", pa.timestamp("us", tz="UTC")),
        pa.field("detail", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person who is erased: `detail` is what is to be done as long as that is begun, and the receipt once it is done."""

    number: int
    state: str
    subject: str
    token: str
    asked_by: str
    asked_at: datetime
    done_at: datetime | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def done(self, at: datetime, receipt: Mapping[str, Any]) -> Erasure:
        """The same with its receipt."""
        return replace(self, state=DONE, done_at=at, detail=receipt)


def spec() -> TableSpec:
    """The table of all erasures."""
    return TableSpec(NAME, SCHEMA, ("erasure",))


def erasures(root: Path) -> list[Erasure]:
    """Every erasure as it stands now, by number."""
    there = newest(root, NAME)
    if there is None:
        return []
    rows = there.scan(columns=SCHEMA.names).collect().sort("erasure")
    return [Erasure(**row | {"detail": json.loads(row["detail"])}) for row in rows.rename({"erasure": "number"}).iter_rows(named=True)]


def begin(root: Path, subject: str, token: str, by: str, detail: Mapping[str, Any] | None = None) -> Erasure:
    """Write down a new erasure and what is to be done, under a number that nobody has or ever had.

    Raises PublishContention when others begin first every time.
    """
    for _ in range(ATTEMPTS):
        erasure = Erasure(_highest(root) + 1, BEGUN, subject, token, by, datetime.now(UTC), detail=detail or {})
        try:
            _write(root, erasure, None)
        except Superseded:
            continue  # another one has just begun
        return erasure
    raise PublishContention(f"Tried {ATTEMPTS} times to write down an erasure in {NAME}.")


def _highest(root: Path) -> int:
    """The highest number of an erasure, if another tool has taken its row away, too: the log goes on to know it."""
    there = newest(root, NAME)
    known = [int(key) for key in (there.tokens(TOKEN) if there else {}) if key.isdecimal()]
    return max([*known, *(one.number for one in erasures(root))], default=0)


def record(root: Path, erasure: Erasure) -> None:
    """Write an erasure down as it stands, in one commit. Raises Superseded when another process has written it meanwhile."""
    there = newest(root, NAME)
    _write(root, erasure, there.token(f"{TOKEN}{erasure.number}") if there else None)


def _write(root: Path, erasure: Erasure, seen: int | None) -> None:
    import polars as pl

    key = str(erasure.number)
    values = (*(getattr(erasure, name) for name in Erasure.__slots__[:-1]), json.dumps(erasure.detail, sort_keys=True))
    frame = pl.DataFrame([values], schema=pl.Schema(SCHEMA), orient="row")
    staging = stage(root / NAME, Slice(spec(), (Partition(key, (key,)),)), [frame])
    token = fingerprint(erasure.number, staging.attempt)
    publish(root, staging, {key: token}, expected={key: seen}, provenance=Provenance())


def raise_fence(root: Path, names: Iterable[str]) -> int:
    """Raise the fence of the lake, then that of the tables that are there of some; returns the number.

    Whoever has noted a smaller one can publish to none of them any more, whatever they had read or written.
    """
    number = _next(root)
    for name in names:
        while (table := newest(root, name)) is not None and fence_of(table) < number:
            if _commit(table.table, number):
                break
    return number


def _next(root: Path) -> int:
    for _ in range(ATTEMPTS):
        table = open_or_create(root, spec(), SCHEMA)
        known = fence_of(Snapshot(NAME, table)) or known_elsewhere(root, NAME)  # a record that begins anew goes on above all others
        number = known + 1
        if _commit(table, number):
            return number
    raise PublishContention(f"Tried {ATTEMPTS} times to raise the fence of {NAME}.")


def _commit(table: DeltaTable, number: int) -> bool:
    """Commit the number on top of the version that was looked at; False when another writer was first."""
    ours = {ATTEMPT_ID: f"fence {number}"}  # no other tool has changed the table
    return commit(table, [info("WRITE", ours), txn(TOKEN + FENCE, number)]) is not None
