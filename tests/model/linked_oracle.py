"""What becomes of the rows of `linked_product`, in plain Python: which contents bronze has, what of them is published, held, and made gold.

It asks nothing of Assay. What is published of a dataset that others refer to, and under which of its names bronze has a content, is told
to it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from linked_product import FIELDS, ITEMS, LAST, SALES, STORES, Cells, Terms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

WHOLE = "all"
Value = str | int | None
Values = tuple[Value, ...]


class Content(NamedTuple):
    """A landing file: its bytes, and the rows that they say."""

    packed: bytes
    rows: tuple[Cells, ...]


class Place(NamedTuple):
    """Where a row landed."""

    arrival: str
    file: str
    row: int


def by_size(name: str) -> list[tuple[bool, int, str]]:
    """How the names of files are ordered: numbers in them by their size."""
    return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split("([0-9]+)", name)]


@dataclass
class Files:
    """The files of one dataset, by name: those that lie in landing, and those that bronze has, by arrival."""

    dataset: str
    there: dict[str, Content] = field(default_factory=dict)
    held: dict[str, dict[str, Content]] = field(default_factory=dict)

    def arrival(self, name: str, terms: Terms) -> str:
        if self.dataset == STORES:
            return WHOLE
        day = name.split("_")[1][:10]
        return day if terms.arrivals == "day" else f"{day[:7]}-01"

    def arrivals(self, terms: Terms) -> list[str]:
        return sorted({*self.held, *(self.arrival(name, terms) for name in self.there)})

    def take(self, arrivals: Iterable[str], terms: Terms) -> None:
        """Bronze is made of what there is, and keeps what is archived. Of a snapshot the newest file is all."""
        for key in arrivals:
            found = self.held.get(key, {}) | {name: one for name, one in self.there.items() if self.arrival(name, terms) == key}
            newest = max(found, key=by_size, default="")
            self.held[key] = {newest: found[newest]} if found and self.dataset == STORES else found

    def contents(self) -> dict[str, list[list[str]]]:
        """The names of each content that bronze must have, by arrival."""
        found: dict[str, dict[bytes, list[str]]] = defaultdict(lambda: defaultdict(list))
        for arrival, files in self.held.items():
            for name, content in files.items():
                found[arrival][content.packed].append(name)
        return {arrival: list(named.values()) for arrival, named in found.items()}

    def rows(self, names: Mapping[str, Collection[str]], erased: Collection[str]) -> dict[Place, Cells]:
        """The rows of bronze in their order, of contents that are there under these names in each arrival."""
        places = [
            (Place(arrival, name, number), cells)
            for arrival, there in names.items()
            for name in there
            for number, cells in enumerate(self.held[arrival][name].rows, 1)
            if not (self.dataset == SALES and cells[4] in erased)
        ]
        return dict(sorted(places, key=lambda one: (one[0].arrival, by_size(one[0].file), one[0].row)))


@dataclass
class Fates:
    """What becomes of rows, by partition: published values, places that are held, and how many landed."""

    published: dict[str, dict[Values, Values]] = field(default_factory=lambda: defaultdict(dict))
    held: dict[str, set[Place]] = field(default_factory=lambda: defaultdict(set))
    landed: Counter[str] = field(default_factory=Counter)

    def is_refused(self, key: str, terms: Terms) -> bool:
        """Whether a partition breaks a promise about the whole of it, be it that it has no rows any more."""
        share = len(self.held[key]) / self.landed[key] if self.held[key] else 0.0
        is_too_bad = terms.share is not None and share > 0 and share >= terms.share
        return is_too_bad or (terms.count is not None and len(self.published[key]) <= terms.count)


def partition_of(at: str | None, terms: Terms) -> str | None:
    """The partition of a time in UTC; None for one that cannot be read, or lies in none."""
    try:
        moment = datetime.strptime(at or "", "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    day = str(moment.astimezone(ZoneInfo(terms.zone)).date())
    if not terms.start <= day < LAST:
        return None
    return day if terms.grain == "day" else f"{day[:7]}-01"


def judged(dataset: str, terms: Terms, rows: Mapping[Place, Cells], known: Collection[Values]) -> Fates:
    """The fates of rows, in their order, if all partitions are made from them. `known` are the rows of the dataset that this one refers to."""
    fates, last = Fates(), dict[tuple[str, Values], str]()
    for place, cells in rows.items():
        row = dict(zip(FIELDS[dataset], cells, strict=True))
        part = WHOLE if dataset == STORES else partition_of(row["at"], terms)
        if part is None:
            fates.held[f"arrival/{place.arrival}"].add(place)
            continue
        fates.landed[part] += 1
        values = _good(dataset, terms, row, known)
        if values is None:
            fates.held[part].add(place)
            continue
        by_name = dict(zip({STORES: ("store",), ITEMS: ("code",), SALES: ("number", "item")}[dataset], values, strict=False))
        key: Values = tuple(by_name[name] for name in terms.key_of(dataset)) or place  # without a key no row replaces another
        scope = "" if terms.scope == "table" else part
        if (scope, key) in last:
            del fates.published[last[scope, key]][key]
        last[scope, key] = part
        fates.published[part][key] = values if dataset == STORES else (part, *values)
    return fates


def _good(dataset: str, terms: Terms, row: Mapping[str, str | None], known: Collection[Values]) -> Values | None:
    """The values that are published of a row, without its partition; None if it breaks a rule."""
    if dataset == STORES:
        return (row["store"], row["town"]) if row["store"] is not None else None
    number, amount = row.get("number"), row["price" if dataset == ITEMS else "amount"]
    measured = _number(amount)
    if amount is not None and (measured is None or measured < terms.least):
        return None
    said, there = (row["store"], {one[0] for one in known}) if dataset == ITEMS else (row["item"], {one[1] for one in known})
    if terms.refers and terms.strict and said is not None and said not in there:
        return None
    if dataset == ITEMS:
        return (row["code"], row["store"], measured) if row["code"] is not None else None
    is_paired = None in (row["item"], row["store"]) or (row["item"], row["store"]) in {one[1:3] for one in known}
    if _number(number) is None or row["item"] is None or (terms.pair and not is_paired):
        return None
    return (_number(number), row["item"], row["store"], row["buyer"], measured, row["note"])


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.lstrip("-").isdigit() else None


def gold_of(silver: Mapping[str, Sequence[Values]]) -> dict[str, dict[str, tuple[int, int]]]:
    """By model and day the rows and their sum."""
    found: dict[str, dict[str, tuple[int, int]]] = {"monthly": {}, "both": {}, "again": {}}

    def add(model: str, day: str, amount: Value) -> None:
        count, total = found[model].get(day, (0, 0))
        found[model][day] = count + 1, total + int(amount or 0)

    for place, dataset in ((5, SALES), (3, ITEMS)):
        for row in silver[dataset]:
            day = str(row[0])
            month = str(date.fromisoformat(day).replace(day=1))
            add("both", month, row[place])
            if dataset == SALES:
                add("monthly", day, row[place])
                add("again", month, row[place])
    return found
