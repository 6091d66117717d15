"""Maintenance of a lake, as `assay maintain` and the asset of that name do it: what the plan says is asked, then what can go is removed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from assay.cached_property import cached_property
from assay.errors import TableUnreadable
from assay.gold.models import LAYER
from assay.lake.manifest import manifest_of
from assay.lake.migrations import partition_token, published_keys
from assay.lake.slices import WHOLE
from assay.lake.snapshots import newest, table_names
from assay.lake.workplaces import deleting
from assay.maintenance.cleaning import Survey
from assay.orchestration.downstream import silver_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from assay.maintenance.cleaning import Cleaning
    from assay.orchestration.due import Due
    from assay.orchestration.plan import Planner
    from assay.settings import Settings


@dataclass(frozen=True)
class Maintaining:
    """The maintenance of a lake. `waits` is told who is at work first, an erasure or another maintenance."""

    settings: Settings
    planner: Planner
    waits: Callable[[str], None] = lambda _: None

    def execute(self, names: Collection[str] | None = None, *, dry_run: bool = False) -> list[Cleaning]:
        """Remove what nobody needs any more of some tables, or of all there is; returns what. A dry run removes nothing."""
        with deleting(self.settings.scratch, self.waits):
            keep = timedelta(days=self.settings.vacuum_days)
            found = list(Survey(self.settings, datetime.now(UTC), keep, Outdated(self.planner).by).cleanings(names))
            for one in [] if dry_run else found:
                one.carry_out(self.settings.lake)
        return found


@dataclass(frozen=True)
class Outdated:
    """What is published and would be made in another way now, or cannot be planned: it may be made from what bronze has no more."""

    planner: Planner

    def by(self, name: str, path: Path) -> bool:
        """Whether anything that an old file of a bronze table may have fed is outdated. What is not known is."""
        dataset = name.partition("/")[2]
        if (contract := self.planner.contracts.get(dataset)) is None or self._gold_is:
            return True
        try:
            days = frozenset(day.isoformat() for day in manifest_of(str(path)).days if day is not None)
            table = newest(self.planner.run.lake, f"silver/{dataset}")
        except TableUnreadable:
            return True
        published = {key for key in silver_keys(contract, days) if partition_token(table, key) is not None}
        return bool(published - self._settled(f"silver/{dataset}"))

    @cached_property
    def _gold_is(self) -> bool:
        tables = [name for name in table_names(self.planner.run.lake) if name.startswith(f"{LAYER}/")]
        try:
            return any(self._published(name) - self._settled(name) for name in tables)
        except TableUnreadable:
            return True

    def _published(self, name: str) -> set[str]:
        table = newest(self.planner.run.lake, name)
        return published_keys(table) or ({WHOLE.key} if table else set())

    def _settled(self, name: str) -> set[str]:
        due = self._due.get(name)
        return {*due.settled, *due.kept} if due else set()

    @cached_property
    def _due(self) -> dict[str, Due]:
        found = [one for stage in self.planner.stages for one in self.planner.due(stage.keys)]
        return {"/".join(one.key.path): one for one in found}
