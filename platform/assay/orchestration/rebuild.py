"""The plan of an erasure: what held a person is made again, and what that makes outdated. Nothing is ingested for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.gold.models import LAYER
from assay.orchestration.calendars import events_of, keys_of
from assay.orchestration.plan import Planner

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    import dagster as dg

    from assay.orchestration.due import Due


@dataclass(frozen=True)
class Rebuild(Planner):
    """A planner that finds due: the silver partitions that held a person, whether or not a file waits; of gold what is outdated."""

    chosen: Mapping[str, frozenset[str]]

    def due(self, keys: Iterable[dg.AssetKey], first: date | None = None, last: date | None = None) -> list[Due]:
        """As the planner that it extends, with chosen partitions of silver and none of bronze. A table of another calendar goes whole."""
        wanted = list(keys)
        found = super().due([key for key in wanted if key.path[0] == LAYER], first, last)
        silver = [key for key in wanted if key.path[0] == "silver" and key.path[1] in self.chosen]
        for planned in super().due(silver, first, last):
            partitions = dict.fromkeys(self._ordered(planned.key.path[1]), 0)
            found.append(planned if planned.at_once or planned.problem else replace(planned, fingerprints=partitions, settled={}))
        return found

    def _ordered(self, dataset: str) -> list[str]:
        definition = events_of(self.contracts[dataset])
        return [key for key in (keys_of(definition) if definition else ["all"]) if key in self.chosen[dataset]]
