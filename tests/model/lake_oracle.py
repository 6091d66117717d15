"""The oracle of the model: which contents landed under which names, who was erased, and what the documents say becomes of every row then.

Plain Python. It reads no table and asks nothing of Assay; what it cannot know, which of two contents a writer took that was at work while
their file was archived, it leaves open.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lake_product import SALES, VARIANTS, calendar_of, csv_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Cells = tuple[str, ...]
Content = tuple[Cells, ...]


class Place(NamedTuple):
    """Where a row landed: the name of its file and the row in it. Ordered as files of one product are: by arrival, suffix and row."""

    file: str
    row: int

    @property
    def arrival(self) -> str:
        return self.file.split("_")[1]


Rows = dict[Place, Cells]


@dataclass
class Fates:
    """What becomes of the rows of a dataset: published cells and held places by partition, and the duplicates of each."""

    published: dict[str, dict[Place, Cells]] = field(default_factory=lambda: defaultdict(dict))
    held: dict[str, set[Place]] = field(default_factory=lambda: defaultdict(set))
    undated: dict[str, set[Place]] = field(default_factory=lambda: defaultdict(set))
    duplicates: Counter[str] = field(default_factory=Counter)

    @property
    def partitions(self) -> set[str]:
        return {*self.published, *self.held}

    def refused(self, version: str) -> set[str]:
        """The partitions of which a version of the contract refuses too large a share."""
        limit = VARIANTS[version].limit
        found = {
            key: len(places) / (len(places) + len(self.published[key]) + self.duplicates[key])
            for key, places in self.held.items()
            if places
        }
        return {key for key, share in found.items() if limit is not None and share >= limit}


def judged(dataset: str, rows: Mapping[Place, Cells], version: str, unread: Collection[Place] = ()) -> Fates:
    """The fates of rows under a version of the contract, if all partitions are made from them. Of those `unread` bronze knows no date yet."""
    found, last, calendar = Fates(), dict[tuple[str, int], tuple[str, Place]](), calendar_of(dataset, version)
    for place, cells in sorted(rows.items()):
        day, number, amount = cells[0], int(cells[1]), cells[-1]
        key = None if place in unread else calendar.partition_of(day)
        if key is None:
            found.undated[place.arrival].add(place)
        elif not amount.lstrip("-").isdigit() or int(amount) < VARIANTS[version].least:
            found.held[key].add(place)
        else:
            scope = (key if dataset == SALES else "", number)
            if scope in last:
                before, old = last[scope]
                found.duplicates[before] += 1
                del found.published[before][old]
            last[scope] = key, place
            found.published[key][place] = cells
    return found


def hash_of(dataset: str, content: Content) -> str:
    """How the content of a file is known."""
    return hashlib.blake2b(csv_of(dataset, [*content]).encode(), digest_size=16).hexdigest()


@dataclass
class Landing:
    """The landing folder of one dataset as upstream knows it. A name is that of a file without its ending."""

    dataset: str
    there: dict[str, Content] = field(default_factory=dict)
    gone: dict[str, set[str | None]] = field(default_factory=dict)  # of an archived name the hashes that bronze may keep; None for nothing
    contents: dict[str, Content] = field(default_factory=dict)
    since_rest: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    history: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # of a name the hashes that landed, in order

    def land(self, name: str, content: Content) -> None:
        self.there[name] = content
        self.gone.pop(name, None)
        digest = hash_of(self.dataset, content)
        self.contents[digest] = content
        self.since_rest[name].add(digest)
        self.history[name].append(digest)

    def went_back(self, name: str, old: str, new: str) -> bool:
        """Whether a content of a name had been replaced for good before another one landed."""
        landed = self.history[name]
        return len(landed) - 1 - landed[::-1].index(new) < landed.index(old)

    def archive(self, name: str, held: str | None, *, at_work: bool) -> None:
        """A file goes while bronze holds `held` under its name; a writer that is `at_work` may have read another content before."""
        now = hash_of(self.dataset, self.there.pop(name))
        self.gone[name] = {held, now, *self.since_rest[name]} if at_work else {held}

    def at_rest(self) -> None:
        """Nobody is at work: what was read before counts no more."""
        self.since_rest.clear()
        for name, content in self.there.items():
            self.since_rest[name].add(hash_of(self.dataset, content))

    def names(self, kept: Mapping[str, str]) -> dict[str, str]:
        """The files that bronze must hold, with their hashes: those that are there, and those that it has `kept` of others. Raises
        AssertionError if it kept what it could not, or did not keep what it must."""
        for name, allowed in self.gone.items():
            assert kept.get(name) in allowed, f"bronze keeps {kept.get(name)} of {name}, which was archived, and may keep {allowed}"
        there = {name: hash_of(self.dataset, content) for name, content in self.there.items()}
        return there | {name: digest for name, digest in kept.items() if name in self.gone}

    def rows(self, sources: Mapping[str, str], erased: Iterable[str] = ()) -> Rows:
        """The rows of some files, without those of erased people."""
        gone = {*erased}
        return {
            Place(name, number): cells
            for name, digest in sources.items()
            for number, cells in enumerate(self.contents[digest], 1)
            if not names(self.dataset, cells) & gone
        }


def names(dataset: str, cells: Cells) -> set[str]:
    """The people whom a row names."""
    return {cells[2]} if dataset == SALES else set()


def gold_rows(name: str, inputs: Mapping[str, Iterable[tuple[str, int, int]]]) -> dict[str, tuple[int, int]]:
    """What a model makes: by day the rows and their sum. `inputs` have (day, rows, sum) of each table that it reads."""
    found: dict[str, tuple[int, int]] = {}
    for rows in inputs.values():
        for day, count, total in rows:
            key = day if name == "monthly" else f"{day[:7]}-01"
            before = found.get(key, (0, 0))
            found[key] = before[0] + count, before[1] + total
    return found
