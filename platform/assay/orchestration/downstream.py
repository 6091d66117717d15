"""What removed rows have fed: the partitions of silver and gold downstream of them, and which of these are not made from what is left.

It follows provenance, not values: a sum in gold tells of a person although no name stands there. A partition of silver is proved by its
account (made from exactly the rows that bronze has now), a month of gold by its fingerprint (made from exactly what silver has now).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.model.calendars import event_calendar
from assay.gold.calendars import calendars_of, reach_of
from assay.gold.models import LAYER
from assay.lake.migrations import outgrown, published_keys
from assay.lake.provenance import history_of
from assay.lake.publisher import INPUTS, current_tokens
from assay.lake.slices import WHOLE, Partition
from assay.lake.snapshots import newest, table_names
from assay.orchestration.calendars import events_of, keys_of
from assay.refine.accounts import Accounts
from assay.refine.inputs import Inputs
from assay.refine.step import silver_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.gold.models import Model
    from assay.lake.snapshots import Snapshot
    from assay.orchestration.plan import Planner

Fed = dict[str, frozenset[str]]  # table -> keys of partitions
WHOLE_TABLE = frozenset({WHOLE.key})


@dataclass(frozen=True)
class Downstream:
    """What is downstream of the rows of some event days, by dataset. `planner` says what there is and what it would be made from."""

    planner: Planner
    days: Mapping[str, frozenset[str]]

    @property
    def lake(self) -> Path:
        """The root of the tables."""
        return self.planner.run.lake

    def fed(self) -> Fed:
        """The partitions that were fed, by table: whether or not they have rows now."""
        found = {f"silver/{name}": silver_keys(self.planner.contracts[name], days) for name, days in self.days.items()}
        models = {model.table: model for model in self.planner.project.models}
        for model in models.values():
            found |= self._months(model, found)
        orphans = [name for name in table_names(self.lake) if name.startswith(f"{LAYER}/") and name not in models]
        while fresh := [name for name in orphans if name not in found and self._reads(name) & found.keys()]:
            found |= {name: frozenset(published_keys(newest(self.lake, name))) or WHOLE_TABLE for name in fresh}
        return {name: keys for name, keys in found.items() if keys}

    def published(self, dataset: str, fed: Fed) -> frozenset[str]:
        """The partitions of silver that were published from such rows: one that waits for its file goes on waiting."""
        definition, keys = events_of(self.planner.contracts[dataset]), fed.get(f"silver/{dataset}", frozenset())
        there = keys if definition is None else keys.intersection(keys_of(definition))
        current = current_tokens(newest(self.lake, f"silver/{dataset}"), sorted(there))
        return frozenset(key for key in there if current[key] is not None)

    def unproved(self, fed: Fed) -> list[str]:
        """The fed partitions that hold rows and that are not made from what is there now, with what is known of why."""
        return [*self._unproved_silver(fed), *self._unproved_gold(fed)]

    def kept(self, fed: Fed) -> dict[str, list[str]]:
        """The fed months of gold that nobody can make again, because other rows that they are made from have expired."""
        due = {"/".join(one.key.path): one for stage in self.planner.stages for one in self.planner.due(stage.keys)}
        found = {name: sorted(keys & due[name].kept) for name, keys in fed.items() if name in due}
        return {name: keys for name, keys in found.items() if keys}

    def _months(self, model: Model, fed: Fed) -> Fed:
        """The published months of a model within reach of which an input was fed; all if that has no partitions."""
        calendars = calendars_of(self.planner.project.models, self.planner.contracts)
        inputs = [table for table in model.depends_on if fed.get(table)]
        table, own = newest(self.lake, model.table), calendars.get(model.table)
        if table is None or not inputs:
            return {}
        if own is None:
            return {model.table: frozenset(published_keys(table)) or WHOLE_TABLE}

        def is_fed(month: date, by: str) -> bool:
            calendar, reach = calendars.get(by), reach_of(model, month, own)
            return calendar is None or any(reach.concerns(calendar, date.fromisoformat(key)) for key in fed[by])

        months = {key: date.fromisoformat(key) for key in published_keys(table)}
        return {model.table: frozenset(key for key, month in months.items() if any(is_fed(month, one) for one in inputs))}

    def _reads(self, name: str) -> set[str]:
        """The tables that publications of a table have read, as far back as its log goes."""
        table = newest(self.lake, name)
        commits = history_of(table) if table else []
        return {one for commit in commits for one in json.loads(commit.get(INPUTS, "{}"))}

    def _unproved_silver(self, fed: Fed) -> Iterator[str]:
        for dataset in self.days:
            contract, spec = self.planner.contracts[dataset], silver_spec(self.planner.contracts[dataset])
            table = newest(self.lake, spec.name)
            if table is None or not table.files:
                continue
            if why := outgrown(table, spec.calendar):
                yield f"{spec.name} ({why})"
                continue
            inputs, there = Inputs.pin(self.planner.run, contract), _with_rows(table)
            accounts = Accounts.beside(table, self.lake, contract)
            for key in sorted(fed.get(spec.name, frozenset()) & there):
                partition = WHOLE if contract.is_snapshot else Partition(key, (key,))
                if not accounts.closes(partition, inputs.days(partition)):
                    yield f"{spec.name} {key}"

    def _unproved_gold(self, fed: Fed) -> Iterator[str]:
        names = sorted(name for name in fed if name.startswith(f"{LAYER}/"))
        planned = {"/".join(key.path): key for stage in self.planner.stages for key in stage.keys}
        for name in names:
            table = newest(self.lake, name)
            left = sorted(fed[name] & _with_rows(table)) if table else []
            if not left:
                continue
            if name not in planned:
                yield f"{name} {_some(left)} (no model that can be built makes it: mend or bring back the model, or delete the table)"
                continue
            (due,) = self.planner.due([planned[name]])
            if left := [key for key in left if key not in due.settled and key not in due.kept]:
                yield f"{name} {_some(left)}" + (f" ({due.problem})" if due.problem else "")


def silver_keys(contract: Contract, days: frozenset[str]) -> frozenset[str]:
    """The event partitions in which some days lie, by key; of a table without partitions the whole."""
    calendar = event_calendar(contract)
    if calendar is None:
        return WHOLE_TABLE
    return frozenset(calendar.first_of(date.fromisoformat(day)).isoformat() for day in days)


def _with_rows(table: Snapshot) -> set[str]:
    return {file.values[0] if file.values else WHOLE.key for file in table.files}


def _some(keys: list[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{keys[0]} and {len(keys) - 1} more"
