"""What lies in the landing folder, as the sensor, the backfill and `assay landing` say it: the survey, and what of it bronze has.

Whether a file that is taken is in bronze yet is not found out here: the plan says which arrivals are due.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING

import dagster as dg

from assay.cached_property import cached_property
from assay.contracts.language.file_names import arrival_names
from assay.errors import TableUnreadable
from assay.ingest.bronze_contents import Holdings
from assay.ingest.survey import Fate, Group, Sighting, census, each_of
from assay.lake.expired import has_expired
from assay.lake.snapshots import newest
from assay.orchestration.clock import now

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.orchestration.plan import Planner

SHOWN = 3


class State(StrEnum):
    """What has become of a file."""

    INGESTED = "ingested"
    SUPERSEDED = "superseded"  # a snapshot is its newest file
    ARCHIVED = "archived"  # it is not there any more, and bronze keeps its rows
    DUE = "to be ingested"
    WAITS = "waits"
    IGNORED = "ignored"
    EXPIRED = "expired"  # bronze had it, and it is older than its contract keeps it


@dataclass(frozen=True)
class Landing:
    """What lies below the landing folder, in groups of files that fare alike."""

    groups: Sequence[Group]

    @classmethod
    def look(cls, planner: Planner) -> Landing:
        """Survey the landing folder of a planner."""
        return cls(census(planner.run.landing, planner.contracts, now(), planner.run.linked))

    def of(self, datasets: Collection[str]) -> Landing:
        """What concerns some datasets; what belongs to none is of the dataset without a name."""
        return Landing([one for name in datasets for one in self._by_dataset.get(name, ())])

    @cached_property
    def _by_dataset(self) -> dict[str, list[Group]]:
        found = dict[str, list[Group]]()
        for one in self.groups:
            found.setdefault(one.like.dataset, []).append(one)
        return found

    @cached_property
    def sightings(self) -> list[Sighting]:
        """Each file, by name."""
        return each_of(self.groups)

    @property
    def fares(self) -> list[str]:
        """Which files there are and how they fare: other words when that has changed."""
        return sorted(f"{one.below!a} {one.like} {one.digest.hex() or one.names}" for one in self.groups)

    def waiting(self, most: int | None = None) -> list[Sighting]:
        """The files that wait, or some, those that are taken first before the others."""
        return sorted((one for _, one in self._of(Fate.WAITS, most)), key=lambda one: (str(one.until), one.name))[:most]

    def ignored(self, most: int | None = None) -> list[Sighting]:
        """The files that nobody takes, or the first of them."""
        return [one for _, one in sorted(self._of(Fate.IGNORED, most), key=lambda one: one[0])][:most]

    def _of(self, fate: Fate, most: int | None) -> list[tuple[str, Sighting]]:
        return [one for group in self.groups if group.like.fate is fate for one in group.sightings(most)]

    @property
    def counts(self) -> Counter[Fate]:
        """How many files fare how."""
        found = Counter[Fate]()
        for group in self.groups:
            found[group.like.fate] += len(group.names)
        return found

    def states(self, planner: Planner) -> Iterator[tuple[Sighting, State]]:
        """Each file with what has become of it, by dataset and name."""
        names = [one for one in planner.contracts if any(seen.dataset == one for seen in self.sightings)]
        due = {one.key.path[1]: one.fingerprints for one in planner.due([dg.AssetKey(["bronze", name]) for name in names])}
        last = {name: self._newest(planner.contracts[name]) for name in names}
        opened = cache(partial(newest, planner.run.lake))
        for one in sorted(self.sightings, key=lambda one: (one.dataset, one.name)):
            if one.fate is not Fate.TAKEN:
                yield one, State(one.fate.value)
            elif not one.arrival and last[one.dataset] != one.name:
                yield one, State.SUPERSEDED
            else:
                there = State.EXPIRED if has_expired(opened(f"bronze/{one.dataset}"), one.arrival) else State.INGESTED
                yield one, State.DUE if (one.arrival or "all") in due[one.dataset] else there

    def archived(self, planner: Planner) -> Iterator[tuple[Sighting, State]]:
        """The files whose rows bronze has and that do not lie in landing any more, by dataset and name."""
        there = {one.name for one in self.sightings}
        for name, contract in sorted(planner.contracts.items()):
            holdings = Holdings.of_table(newest(planner.run.lake, f"bronze/{name}"), contract)
            held = {(file.name, arrival) for arrival in holdings.arrivals for file in holdings.of(arrival)}
            for file, arrival in sorted(held):
                if file not in there:
                    yield Sighting(file, Fate.TAKEN, name, arrival), State.ARCHIVED

    def _newest(self, contract: Contract) -> str:
        taken = (one.name for one in self.sightings if one.dataset == contract.dataset and one.fate is Fate.TAKEN)
        return max(taken, key=arrival_names(contract.source.path).order, default="")

    def notes(self) -> list[str]:
        """What waits and what is ignored, in sentences: the first of each, and how many there are."""
        counts = self.counts
        waiting = [f"{one.name} until {one.until:%Y-%m-%d %H:%M %Z} ({one.why})" for one in self.waiting(SHOWN)]
        return [
            *_said("wait", counts[Fate.WAITS], waiting),
            *_said("are ignored", counts[Fate.IGNORED], [f"{one.name} ({one.why})" for one in self.ignored(SHOWN)]),
        ]

    def metadata(self) -> dict[str, int | list[str]]:
        """For the landing asset of one dataset: the counts, and what waits or is ignored."""
        counts = self.counts
        lists = {"waiting": [f"{one.name} until {one.until:%Y-%m-%d %H:%M %Z}" for one in self.waiting()]}
        lists["ignored"] = [f"{one.name}: {one.why}" for one in self.ignored()]
        return {**{str(fate): counts[fate] for fate in Fate}, **{f"{name} files": found for name, found in lists.items() if found}}


def damaged_bronze(lake: Path, names: Iterable[str]) -> dict[str, TableUnreadable]:
    """The datasets of whose bronze nobody can say what it has, and why."""
    found: dict[str, TableUnreadable] = {}
    for name in names:
        try:
            newest(lake, f"bronze/{name}")
        except TableUnreadable as error:
            found[name] = error
    return found


def _said(what: str, count: int, first: Sequence[str]) -> list[str]:
    if not count:
        return []
    more = f", and {count - len(first)} more (`assay landing` lists them)" if count > len(first) else ""
    return [f"{count} {'files' if count > 1 else 'file'} {what if count > 1 else _one(what)}: {', '.join(first)}{more}."]


def _one(what: str) -> str:
    return {"wait": "waits", "are ignored": "is ignored"}[what]
