"""Decisions: rows of a quarantine that a steward does not want, and who took that back. Appended, never changed.

One decision is one commit, under the next number; two that are taken at once cannot have the same number, so of two the later one counts.
A decision is about a row of a landed content (its hash and the row in it). It hides the row from quarantine and does nothing else: what
is published is for the contract alone to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.lake.duckdb_sql import literal
from assay.lake.migrations import TOKEN
from assay.lake.publisher import Provenance, fingerprint, publish
from assay.lake.slices import Partition, Slice, TableSpec
from assay.lake.snapshots import newest
from assay.lake.staging import stage

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import polars as pl

    from assay.lake.snapshots import Snapshot

LAYER = "decisions"
ROW = ("source_hash", "source_row")
SCHEMA = pa.schema(
    [
        pa.field("decision", pa.int64(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("decided_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("decided_by", pa.string(), nullable=False),
        pa.field("because", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),
        pa.field("source_hash", pa.string(), nullable=False),
        pa.field("_partition", pa.string(), nullable=False),
    ]
)


class Kind(StrEnum):
    """What a decision does to its rows."""

    DISCARD = "discard"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided what, when (UTC) and why."""

    kind: Kind
    by: str
    at: datetime
    because: str


def decisions_spec(dataset: str) -> TableSpec:
    """The table of a dataset's decisions: one row for each decision and quarantined row, one partition for each decision."""
    return TableSpec(f"{LAYER}/{dataset}", SCHEMA, ("decision",))


def taken(snapshot: Snapshot | None) -> int:
    """The number of the newest decision, also of one whose rows are all erased; 0 if none was ever taken."""
    number = 0
    while snapshot and snapshot.token(f"{TOKEN}{number + 1}") is not None:
        number += 1
    return number


def decide(root: Path, dataset: str, decision: Decision, rows: pl.DataFrame, after: int, *, fence: int) -> int:
    """Record a decision about `rows` (rule, source_file, source_row, source_hash, _partition) in one commit; returns its number.

    `after` is the newest decision (`taken`) that was known when the rows were chosen, `fence` was noted before they were read. Raises
    Superseded, and changes nothing, when somebody has decided since, or somebody is erased, whose rows these may be.
    """
    import polars as pl

    number = after + 1
    frame = rows.select(
        pl.lit(number, pl.Int64).alias("decision"), pl.lit(str(decision.kind)).alias("kind"),
        pl.lit(decision.at, pl.Datetime("us", "UTC")).alias("decided_at"), pl.lit(decision.by).alias("decided_by"),
        pl.lit(decision.because).alias("because"), "rule", "source_file", "source_row", "source_hash", "_partition",
    )  # fmt: skip
    spec, key = decisions_spec(dataset), str(number)
    staging = stage(root / spec.name, Slice(spec, (Partition(key, (key,)),)), [frame])
    token = fingerprint(number, staging.attempt)  # two decisions are never the same, whatever they say
    publish(root, staging, {key: token}, expected={key: None}, provenance=Provenance(fence=fence))
    return number


def decisions_of(root: Path, dataset: str) -> Snapshot | None:
    """The newest decisions of a dataset; None if there are none."""
    return newest(root, decisions_spec(dataset).name)


def in_force(snapshot: Snapshot) -> pl.DataFrame:
    """The rows that are discarded: those whose newest decision says so. Columns of SCHEMA, one row for each of ROW."""
    import polars as pl

    newest_ = snapshot.scan().sort("decision").unique(ROW, keep="last", maintain_order=True)
    return newest_.filter(pl.col("kind") == str(Kind.DISCARD)).collect()


def in_force_sql(snapshot: Snapshot) -> str:
    """The same in DuckDB, without the columns that quarantine has as well, but for ROW."""
    return (
        f"SELECT source_hash, source_row, decision, decided_by, decided_at, because FROM ({snapshot.duckdb_select()})"  # noqa: S608  # quoted
        f" QUALIFY row_number() OVER (PARTITION BY source_hash, source_row ORDER BY decision DESC) = 1 AND kind = {literal(Kind.DISCARD)}"
    )
