"""Rejected rows on their way to quarantine: in a frame, or on disk where a partition has more than is held. Values, nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from assay.lake.quarantine.store import PARTITION
from assay.lake.spill import Spill

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    import polars as pl


@dataclass(frozen=True, slots=True)
class Spilled:
    """The rejected rows of one partition on disk, and how many there are by rule."""

    rows: Spill
    rules: Mapping[str, int]


@dataclass
class Spilling:
    """The rejected rows of one partition that is too large to be held, on their way to the disk of `folder`, batch by batch."""

    key: str
    folder: Path
    rules: Counter[str] = field(default_factory=Counter)
    nothing: pl.DataFrame | None = None  # a batch without its rows

    def __post_init__(self) -> None:
        self.rows = Spill(self.folder)

    def add(self, rejected: pl.DataFrame) -> None:
        """Take those of the next batch, which has some or none."""
        self.nothing = rejected.clear()
        for found in by_rule(rejected).values():
            self.rules.update(found)
        self.rows.add(rejected.drop(PARTITION))

    def none(self) -> Rejected:
        """As if there were none."""
        assert self.nothing is not None  # noqa: S101  # there was a batch
        return Rejected(self.nothing)

    def all(self) -> Rejected:
        """All of them."""
        return replace(self.none(), spilled={self.key: Spilled(self.rows, self.rules)})


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows with quarantine's columns but for the publication, PARTITION being the partition's key.

    `held` are those of most partitions; `spilled` has by key the partitions too large to be held, those without a rejected row as well.
    """

    held: pl.DataFrame
    spilled: Mapping[str, Spilled] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """About how many bytes there are."""
        return int(self.held.estimated_size()) + sum(one.rows.size for one in self.spilled.values())

    def only(self, keys: Collection[str]) -> Rejected:
        """Those of some partitions."""
        import polars as pl

        held = self.held.filter(pl.col(PARTITION).is_in(list(keys)))
        return Rejected(held, {key: one for key, one in self.spilled.items() if key in keys})

    def by_rule(self) -> dict[str, dict[str, int]]:
        """How many rows there are by partition and rule."""
        return by_rule(self.held) | {key: dict(sorted(one.rules.items())) for key, one in self.spilled.items() if one.rules}


def all_of(several: Iterable[Rejected]) -> Rejected:
    """What several have, as one."""
    import polars as pl

    parts = list(several)
    return Rejected(pl.concat(one.held for one in parts), {key: rows for one in parts for key, rows in one.spilled.items()})


def by_rule(rejected: pl.DataFrame) -> dict[str, dict[str, int]]:
    """The number of rows by PARTITION and rule."""
    found: dict[str, dict[str, int]] = {}
    for key, rule, rows in rejected.group_by(PARTITION, "rule").len().sort(PARTITION, "rule").iter_rows():
        found.setdefault(key, {})[rule] = rows
    return found
