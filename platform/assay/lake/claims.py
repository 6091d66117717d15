"""Claims: which keys the published partitions of a table claim, and by which rows; kept where a key may be published once in the table.

A claim is the row that a partition would publish of a key if there were no other partition. One of the claims to a key is published, the
others are displaced. Claims are stored beside the table, by partition and publication; three kinds of `txn` entries in its own log say what
holds at each version: FENCE changes with each publication, CLAIMED says that a partition's claims were written down, DISPLACED is a number
for the rows that it should not publish.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from assay.lake.accounts import rows_by_values
from assay.lake.damage import file_damage
from assay.lake.migrations import GONE, TOKEN
from assay.lake.publisher import fingerprint
from assay.lake.quarantine.store import PARTITION, PUBLICATION
from assay.lake.side_tables import SideTable, altered_beside, noted_beside, publications_of
from assay.lake.slices import TableSpec
from assay.lake.snapshots import newest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    import polars as pl

    from assay.lake.snapshots import Snapshot

LAYER = "claims"
FENCE, CLAIMED, DISPLACED_NOW = "claims/", "claims/", "displaced/"
KEY, DISPLACED = "key", "displaced"
PLACE = ("source_file", "source_row")
SCHEMA = pa.schema(
    [
        pa.field(KEY, pa.string(), nullable=False),
        pa.field("arrival", pa.date32()),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),
        pa.field("source_hash", pa.string(), nullable=False),
        pa.field(DISPLACED, pa.bool_(), nullable=False),
        pa.field(PARTITION, pa.string(), nullable=False),
        pa.field(PUBLICATION, pa.string(), nullable=False),
    ]
)
COLUMNS = (*SCHEMA.names[:6], PARTITION)


def claims_table(root: Path, dataset: str) -> SideTable:
    """The table of a dataset's claims. Keys are not in its log: they may be somebody's tokens, and would outlive the files."""
    spec = TableSpec(f"{LAYER}/{dataset}", SCHEMA, (PARTITION, PUBLICATION), without_bounds=frozenset({KEY}))
    return SideTable(root, spec)


def altered_claims(root: Path, dataset: str, silver: Snapshot | None) -> set[str]:
    """The partitions whose claims are damaged, gone, or changed by another tool: only they can write them down again."""
    there = newest(root, claims_table(root, dataset).spec.name)
    claimed = silver.tokens(TOKEN + CLAIMED) if silver else {}
    named = publications_of(silver, noted_beside(there) | {key for key in claimed if key})
    written = {file.values for file in there.files} if there else set()
    rows = rows_by_values(silver)
    gone = {key for key, number in named.items() if key in claimed and rows.get((key,)) and (key, str(number)) not in written}
    return altered_beside(there, named) | gone


def displaced_digest(displaced: pl.DataFrame) -> int:
    """A number for the rows of one partition (PLACE) that are published by others; 0 for none."""
    return fingerprint(DISPLACED, displaced.select(PLACE).sort(PLACE).rows()) if displaced.height else 0


def with_displaced(made_from: int, displaced: int) -> int:
    """The fingerprint of a partition: of what it is made from, and of the rows that are published by others."""
    return fingerprint(made_from, displaced) if displaced else made_from


def displaced_now(silver: Snapshot | None, key: str) -> int:
    """The number of the rows that a partition should not publish, as its newest publication left it."""
    return (silver.token(f"{TOKEN}{DISPLACED_NOW}{key}") if silver else None) or 0


def gave_way_to(root: Path, dataset: str, silver: Snapshot, keys: Collection[str]) -> set[str]:
    """The published partitions that do not publish a row because one of some others publishes its key."""
    import polars as pl

    there = newest(root, claims_table(root, dataset).spec.name)
    if there is None:
        return set()
    named = {(key, str(number)) for key, number in publications_of(silver, _published(silver)).items() if number is not None}
    rows = there.scan(lambda file: file.values in named and not file_damage(file), (KEY, DISPLACED, PARTITION)).collect()
    mine = pl.col(PARTITION).is_in([*keys])
    claimed = rows.filter(mine & ~pl.col(DISPLACED))[KEY]
    return {*rows.filter(~mine & pl.col(DISPLACED) & pl.col(KEY).is_in(claimed.implode()))[PARTITION]}


class Keyed(NamedTuple):
    """How the keys of published rows are read: the columns that tell them, and a frame of these as PARTITION and KEY."""

    columns: Sequence[str]
    keys: Callable[[pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Standing:
    """The claims of all published partitions at one version of their table (COLUMNS), and the fence of that version.

    Of the partitions in `unknown` nobody has written them down under this meaning of the key: there they are read from what is published,
    without a place. Those that are `contradicted` are among them: their claims are written down, and are not of so many rows as they
    publish.
    """

    rows: pl.DataFrame
    unknown: frozenset[str]
    contradicted: frozenset[str]
    fence: int | None

    @classmethod
    def read(cls, root: Path, dataset: str, silver: Snapshot | None, meaning: int, keyed: Keyed) -> Standing:
        """Read the claims of a snapshot. `keyed` gives the PARTITION and KEY of published rows."""
        import polars as pl

        nothing = pl.DataFrame(schema={name: pl.Schema(SCHEMA)[name] for name in COLUMNS})
        if silver is None:
            return cls(nothing, frozenset(), frozenset(), None)
        tokens, claimed = _published(silver), silver.tokens(TOKEN + CLAIMED)
        now = {key: number for key, number in publications_of(silver, tokens).items() if number is not None}
        there = newest(root, claims_table(root, dataset).spec.name)
        altered = altered_beside(there, now)
        said = {key for key, number in now.items() if key not in altered and claimed.get(key) == claimed_token(meaning, number)}
        named = {(key, str(now[key])) for key in said}
        rows = nothing
        if there and named:
            rows = there.scan(lambda file: file.values in named and not file_damage(file), COLUMNS).collect()
        kept = dict(rows.filter(~pl.col(DISPLACED)).group_by(PARTITION).len().iter_rows())
        there_are: dict[str, int] = dict.fromkeys(tokens, 0)
        for file in silver.files:
            there_are[file.values[0]] = there_are.get(file.values[0], 0) + file.rows
        known = {key for key in said if there_are[key] == kept.get(key, 0)}
        unknown = frozenset(key for key, published in there_are.items() if published and key not in known)
        read = nothing
        if {*keyed.columns} <= {*silver.schema.names}:  # a table of another key may lack some: no row of it has a key of this one
            there_now = silver.scan(lambda file: file.values[0] in unknown and not file_damage(file), keyed.columns).collect()
            read = keyed.keys(there_now).with_columns(pl.lit(value=False).alias(DISPLACED))
        rows = pl.concat([rows.filter(pl.col(PARTITION).is_in(known)), read], how="diagonal_relaxed")
        return cls(rows.select(COLUMNS), unknown, frozenset(said - known), silver.token(TOKEN + FENCE))


def claimed_token(meaning: int, publication: int) -> int:
    """What a log says of a partition whose claims are written down under its publication and a meaning of the key."""
    return fingerprint(CLAIMED, meaning, publication)


def _published(silver: Snapshot) -> Mapping[str, int]:
    """The fingerprint of each published partition: what else the log keeps has a name with a slash."""
    return {key: token for key, token in silver.tokens(TOKEN).items() if "/" not in key and token != GONE}
