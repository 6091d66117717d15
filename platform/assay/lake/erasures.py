"""Erasures: which people were erased, as tokens that only the key can tell, and the receipt of each. One partition for each, by number.

Ingest asks here and leaves these people out, so that a file which lands again does not bring them back. A fence in the log of each bronze
table says which erasure it knows: an ingest that began before loses its compare-and-swap, whatever it had read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.errors import PublishContention
from assay.lake.migrations import TOKEN
from assay.lake.publisher import ATTEMPTS, Provenance, fingerprint, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import Snapshot, newest
from assay.lake.staging import stage
from assay.lake.tables import open_or_create, sync_log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

LAYER, NAME = "erasures", "erasures/requests"
FENCE = "erasures"
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


def record(root: Path, erasure: Erasure) -> None:
    """Write an erasure down as it stands, in one commit. Raises Superseded when another process has written it meanwhile."""
    import polars as pl

    key = str(erasure.number)
    values = (*(getattr(erasure, name) for name in Erasure.__slots__[:-1]), json.dumps(erasure.detail, sort_keys=True))
    frame = pl.DataFrame([values], schema=pl.Schema(SCHEMA), orient="row")
    there = newest(root, NAME)
    seen = there.token(TOKEN + key) if there else None
    staging = stage(root / NAME, Slice(spec(), (Partition(key, (key,)),)), [frame])
    token = fingerprint(erasure.number, staging.attempt)
    publish(root, staging, {key: token}, expected={key: seen}, provenance=Provenance())


def fence_of(table: Snapshot | None) -> int | None:
    """The newest erasure that a bronze table knows; None for none."""
    return table.token(TOKEN + FENCE) if table else None


def fence(root: Path, bronze: TableSpec, number: int) -> None:
    """Let a bronze table know an erasure. Whoever read before what it holds, or should hold, cannot publish any more."""
    from deltalake import CommitProperties, Transaction
    from deltalake.exceptions import CommitFailedError

    for _ in range(ATTEMPTS):
        table = open_or_create(root, bronze, bronze.schema)
        if (fence_of(Snapshot(bronze.name, table)) or 0) >= number:
            return
        once = CommitProperties(max_commit_retries=0, app_transactions=[Transaction(TOKEN + FENCE, number)])
        try:
            table.create_write_transaction([], "append", table.schema(), list(bronze.partition_by), commit_properties=once)
        except CommitFailedError:
            continue  # another writer was first: look again
        sync_log(root / bronze.name, table.version() + 1)
        return
    raise PublishContention(f"Tried {ATTEMPTS} times to tell {bronze.name} of an erasure.")
