"""What the plan of a dataset depends on, all of it in one place; and the plans that found nothing to do, kept while none of it changes.

A plan is a function of its planner (contracts, code, settings: none changes while it lives) and of `PlanInputs`. Taking these asks the file
system about each file that the plan would ask about, and computes nothing. What cannot be told so cheaply has no inputs: damage, a file
that was written a moment ago, a log without its newest entry. Then the plan is made from nothing, as it is once in a quarter of an hour.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.ingest.folders import looked_at, once
from assay.ingest.landing import at_rest, listed_days, listing_of
from assay.lake.bounded_cache import BoundedCache
from assay.lake.damage import file_damage
from assay.lake.fence import RECORDS, fence_of
from assay.lake.foreign import BESIDE
from assay.lake.snapshot_cache import Commit, newest_commit
from assay.lake.snapshots import open_snapshot
from assay.masking.methods import Masks
from assay.orchestration.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.orchestration.due import Due
    from assay.steps import Run

MOST_PARTITIONS = 500_000  # of so many partitions it is remembered that they are as they should be, some 100 bytes each
QUARTER = "quarter"  # what a look keeps the time under, by which its plans are remembered


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """All that the plans of a dataset's bronze and silver look at, outside of their planner, while nothing of it is damaged.

    `quarter`: the time, as plans are told it: it opens windows, ends days, lets partitions expire.
    `landed`: where the files of its source lie, and their stamps. All are older than the coarsest clock of a file system.
    `tables`: the newest entry of the log of each of `tables_of`, None where there is no folder. Files, tokens, constraints, erasures and
    removals are what the log says. Each data file of its own tables is there as it was committed: that was asked, and is no value.
    `keys`: the id of the key that masks, where one is used.
    """

    quarter: datetime
    landed: bytes
    tables: tuple[Commit | None, ...]
    keys: tuple[str, ...]

    @classmethod
    def look(cls, run: Run, contract: Contract, quarter: datetime) -> PlanInputs | None:
        """As they are now; inside of `one_look`, of landing as it was listed. None if the plan must be made from nothing."""
        at_ns = looked_at()
        try:
            listed = listed_days(run.landing, contract.source, run.linked)
            if not at_rest(listed, contract.source.path, at_ns):
                return None
            own = own_tables(contract)
            tables = [_seen(run.lake, name, own=name in own) for name in tables_of(contract)]
            keys = Masks(run.keys, run.contracts).meaning(contract)
        except (AssayError, OSError, _NotTold):
            return None
        if tables[0] is None and tables[1] is not None:  # bronze is gone: how silver remembers it is read in old entries of its log
            return None
        return cls(quarter, listing_of(listed), tuple(tables), keys)


def own_tables(contract: Contract) -> list[str]:
    """The tables that are a dataset's own: their data files are looked at as well."""
    return [f"{layer}/{contract.dataset}" for layer in ("bronze", "silver", *BESIDE)]


def tables_of(contract: Contract) -> list[str]:
    """Every table that the plan of a dataset looks at: its own, those that its rules look into, the record of erasures."""
    return [*own_tables(contract), *(f"silver/{name}" for name in contract.upstream), RECORDS]


class RememberedPlans:
    """The plans of one planner that found nothing to do, by asset, each with the inputs of which that is true.

    From the second time on that an asset is asked about: who plans once, as a backfill, pays nothing.
    """

    def __init__(self) -> None:
        self._asked = set[tuple[str, str]]()
        self._kept: BoundedCache[tuple[str, str], tuple[PlanInputs, Due]] = BoundedCache(lambda one: len(one[1].settled), MOST_PARTITIONS)

    def of(self, run: Run, contract: Contract, layer: str, make: Callable[[], Due]) -> Due:
        """The plan of an asset, remembered or made. A tick is one look: inputs are those of its beginning, whichever stage asks."""
        asset = (layer, contract.dataset)
        if asset not in self._asked:
            self._asked.add(asset)
            return make()
        quarter = once(QUARTER, now)
        before = once((self, contract.dataset), lambda: PlanInputs.look(run, contract, quarter))
        if before is None:
            return make()
        kept = self._kept.get(asset)
        if kept is not None and kept[0] == before:
            return kept[1]
        due = make()
        # what has changed while it was planned may have been seen or not
        if due.has_nothing_to_do and PlanInputs.look(run, contract, now()) == before:
            self._kept.keep(asset, (before, due))
        return due


class _NotTold(Exception):
    """What a table is like is not told by its newest entry."""


def _seen(lake: Path, name: str, *, own: bool) -> Commit | None:
    """The newest entry of a table, None if it has no folder. Raises _NotTold if that does not tell what a plan sees of it."""
    commit = newest_commit(f"{lake}/{name}")
    if commit is None:
        try:
            os.stat(f"{lake}/{name}")  # noqa: PTH116  # most tables beside a dataset's own are not there
        except FileNotFoundError:
            return None
        raise _NotTold
    table = open_snapshot(lake, name, seen=commit)
    damaged = own and any(map(file_damage, table.files))
    if table.version != commit.version or damaged or (name == RECORDS and not fence_of(table)):  # 0: all other tables are asked
        raise _NotTold
    return commit
