"""Lives of linked datasets: files land, are sent again and archived, contracts change, some partitions are built, in any order.

Whatever the plan says is not due must be what `linked_oracle` says, at every moment: silver, quarantine, bronze, gold. A planner that lives
must plan as one that begins in another process.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter, OrderedDict, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING
from unittest import mock

import lake_product
from lake_quick import quick
from lake_tables import Tables
from lake_world import KEY, NOW, carried_out, make_bronze, make_silver, memory
from linked_oracle import WHOLE, Content, Fates, Files, Values, gold_of, judged, partition_of
from linked_product import (
    BUYERS,
    BY_MONTH,
    ENDINGS,
    FIELDS,
    ITEMS,
    PUBLISHED,
    SALES,
    STORES,
    Cells,
    Terms,
    bytes_of,
    contracts_of,
    models,
)

from assay.erasure.removing import Person
from assay.errors import AssayError, TableMissing
from assay.gold.models import LAYER
from assay.gold.step import Project
from assay.ingest import arrived, folders, landing_file
from assay.ingest.folders import one_look
from assay.lake.bounded_cache import BoundedCache
from assay.lake.quarantine.decisions import Decision, decide, in_force, taken
from assay.lake.quarantine.decisions import Kind as Decided
from assay.lake.quarantine.reader import Fate, View
from assay.masking.keyring import read_ring
from assay.masking.tokens import tokenizer
from assay.orchestration.erasing import Erasing
from assay.orchestration.plan import Planner
from assay.settings import SecretReference
from assay.steps import BATCH_BYTES, Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from assay.orchestration.backfill import Ran
    from assay.orchestration.due import Due

DAYS = ("2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02")
ZONES = ("UTC", "America/New_York", "Asia/Kolkata")
CHANGES = {
    "least": (0, 2, 6, 7), "share": (None, 0.3, 0.5, 0.8), "count": (None, 0, 1), "scope": ("table", "partition"), "grain": ("day", "month"),
    "zone": ZONES, "start": ("2024-01-01", "2024-01-31"), "key": (("number",), ("number", "item"), ("item",), ()), "masked": (False, True),
    "strict": (True, False), "refers": (True, False), "pair": (True, False),
}  # fmt: skip
CALENDAR, KEYED = {"grain", "zone", "start"}, {"scope", "key", "masked"}


@dataclass(frozen=True)
class Kind:
    """Of which datasets a life is, upstream first, which terms of theirs may change, and what else happens. `small` makes batches small."""

    datasets: tuple[str, ...]
    changes: tuple[str, ...]
    acts: tuple[Callable[[Life], None], ...] = ()
    small: bool = False
    has_gold: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """The datasets that have partitions."""
        return tuple(name for name in self.datasets if name != STORES)


@dataclass
class Life:
    """A home, what has landed in it, and what its contracts say."""

    kind: Kind
    random: Random
    terms: dict[str, Terms] = field(default_factory=dict)
    files: dict[str, Files] = field(default_factory=dict)
    discarded: dict[str, set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    erased: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)  # the datasets whose calendar was changed
    unsettled: set[str] = field(default_factory=set)  # those whose key means something else than what is published was settled by
    judged: Counter[str] = field(default_factory=Counter)
    lives: Planner | None = None

    def __post_init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="linked-", dir=memory()))
        (self.home / "masking.keys").write_text(f"{KEY}\n")
        self.keys, self.tables = SecretReference("file", str(self.home / "masking.keys")), Tables(self.home / "lake")
        (key,) = read_ring(self.keys).keys
        raw = {"store": [f"s{n}" for n in range(1, 6)], "item": [f"i{n}" for n in range(1, 8)], "customer": BUYERS}
        self.raw = {tokenizer(key, f"subject:{kind}")(value): value for kind, values in raw.items() for value in values}
        pick, masked = self.random.choice, "masked" in self.kind.changes and self.random.random() < 0.5
        for name in self.kind.datasets:
            self.files[name] = Files(name)
            self.terms[name] = Terms(
                grain=pick(("day", "day", "month")), zone=pick(ZONES), arrivals=pick(("day", "month")), masked=masked,
                scope=pick(("table", "table", "partition")), form=pick((*ENDINGS,)) if name != STORES else "csv",
                refers=STORES in self.kind.datasets,
            )  # fmt: skip

    # what is done

    def land(self, dataset: str, name: str, rows: Sequence[Cells]) -> None:
        noted = self.random.random() < 0.8
        packed = bytes_of(dataset, name, self.terms[dataset].form, rows, noted=noted)
        path = self.home / "landing" / dataset / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f".{name}").write_bytes(packed)
        path.with_name(f".{name}").replace(path)
        said = rows if noted or dataset != SALES else [(*row[:-1], None) for row in rows]
        self.files[dataset].there[name] = Content(packed, tuple(said))

    def something_lands(self) -> str:
        dataset, pick = self.random.choice((*self.kind.datasets, *self.kind.events)), self.random.choice
        files = self.files[dataset]
        suffix = pick(("_a", "_b", "_9", "_10")) + pick(ENDINGS[self.terms[dataset].form])
        name = pick(sorted(files.there)) if files.there and self.random.random() < 0.4 else f"{dataset}_{pick(DAYS)}{suffix}"
        landed = [one.rows for known in (files.there, *files.held.values()) for one in known.values()]
        old = [rows for rows in landed if dataset != SALES or not self.erased & {row[4] for row in rows}]
        rows = list(pick(old)) if old and self.random.random() < 0.5 else [self.row_of(dataset) for _ in range(pick((0, 1, 2, 4, 6)))]
        for _ in range(pick((0, 1, 2))) if rows else ():
            rows[self.random.randrange(len(rows))] = self.row_of(dataset)
        if self.random.random() < 0.2:
            self.random.shuffle(rows)
        self.land(dataset, name, rows)
        return dataset

    def row_of(self, dataset: str) -> Cells:
        pick, chance = self.random.choice, self.random.random
        at = f"{pick(DAYS)}T{pick(('00:30', '12:00', '23:30'))}:00Z" if chance() > 0.05 else pick(("someday", None))
        store = f"s{self.random.randint(1, 5)}" if chance() > 0.1 else None
        amount = pick(("1", "5", "9", "-1", "x", None)) if chance() < 0.3 else "6"
        if dataset == STORES:
            return (store, pick(("t1", "t2")))
        if dataset == ITEMS:
            return (at, f"i{self.random.randint(1, 6)}", store, amount)
        buyer = pick([one for one in BUYERS if one not in self.erased])
        item = f"i{self.random.randint(1, 7)}" if chance() > 0.05 else None
        return (at, str(self.random.randint(1, 6)), item, store, buyer, amount, pick(("a", None)))

    def something_is_archived(self) -> None:
        dataset = self.random.choice(self.kind.events)
        if there := sorted(self.files[dataset].there):
            name = self.random.choice(there)
            (self.home / "landing" / dataset / name).unlink()
            del self.files[dataset].there[name]

    def some_partitions_are_made(self) -> None:
        dataset, force = self.random.choice(self.kind.datasets), self.random.random() < 0.15
        with suppress(AssayError):  # what it reads was never made, or it is to be replaced whole
            if self.random.random() < 0.5:
                self._take(dataset, self._some(self.files[dataset].arrivals(self.terms[dataset])), force=force)
            else:
                self._publish_some(dataset, force=force)

    def a_file_is_taken_in(self) -> None:
        dataset = self.something_lands()
        with suppress(AssayError):
            self._take(dataset, self.files[dataset].arrivals(self.terms[dataset]))
            self._publish_some(dataset)

    def _take(self, dataset: str, arrivals: list[str], *, force: bool = False) -> None:
        if arrivals:
            make_bronze(self.run(force=force), contracts_of(self.terms)[dataset], arrivals)
            self.files[dataset].take(arrivals, self.terms[dataset])

    def _publish_some(self, dataset: str, *, force: bool = False) -> None:
        days = {partition_of(f"{day}T12:00:00Z", self.terms[dataset]) for day in DAYS}
        make_silver(self.run(force=force), contracts_of(self.terms)[dataset], self._some(sorted(key for key in days if key)))

    def _some(self, keys: Sequence[str]) -> list[str]:
        return sorted(self.random.sample(keys, self.random.randint(1, len(keys)))) if keys else []

    def a_contract_changes(self) -> None:
        what, dataset = self.random.choice(self.kind.changes), self.random.choice(self.kind.events)
        dataset = SALES if what in {"key", "pair"} else dataset
        before = dict(self.terms)
        value = self.random.choice(CHANGES[what])
        for name in self.kind.events if what == "masked" and self.random.random() < 0.7 else (dataset,):
            self.terms[name] = replace(self.terms[name], **{what: value})
        try:
            contracts_of(self.terms)
        except AssayError:  # such as a reference from an open column to a masked one
            self.terms = before
            return
        self.lives = None
        self.moved |= {dataset} if what in CALENDAR else set()
        self.unsettled |= {*self.kind.events} if what in KEYED else set()

    def a_steward_decides(self) -> None:
        dataset, kind = self.random.choice(self.kind.events), self.random.choice((Decided.DISCARD, Decided.RESTORE))
        try:
            view = View.open(self.home / "lake", dataset)
        except TableMissing:
            return
        rows = (
            view.rows(Fate.HELD)
            if kind is Decided.DISCARD
            else in_force(view.decisions)
            if view.decisions
            else view.rows(Fate.HELD).clear()
        )
        if rows.is_empty():
            return
        rows = rows.sample(self.random.randint(1, rows.height), seed=self.random.randrange(100))
        decide(self.home / "lake", dataset, Decision(kind, "a steward", NOW, "no reason"), rows, taken(view.decisions), fence=view.fence)
        decided = {(str(hash_), int(row)) for hash_, row in rows.select("source_hash", "source_row").iter_rows()}
        self.discarded[dataset] = self.discarded[dataset] | decided if kind is Decided.DISCARD else self.discarded[dataset] - decided

    def a_person_leaves(self) -> None:
        left = sorted({*BUYERS[:-1]} - self.erased)
        if (
            not left
            or self.tables.caught_up().newest("bronze/sales") is None
            or any(due.at_once or due.problem for due in self.due().values())
        ):
            return
        who = self.random.choice(left)
        Erasing(self.planner(), Person("customer", who), "a clerk", self._carry_out, lambda _: None).execute()
        self.erased.add(who)

    def a_stage_is_made(self) -> None:
        planner = self.planner()
        self._make(planner, planner.due(self.random.choice(planner.stages).keys))

    def all_that_is_due_is_made(self) -> None:
        for _ in range(2):  # what waited for something is made then
            for _ in self._carry_out(self.planner()):
                pass
            self.look()
        self.look(settled=True)

    def _carry_out(self, planner: Planner) -> Iterator[Ran]:
        for stage in planner.stages:
            yield from self._make(planner, planner.due(stage.keys))

    def _make(self, planner: Planner, due: Sequence[Due]) -> list[Ran]:
        found: list[Ran] = []
        is_gold = bool(due) and due[0].key.path[0] == LAYER
        for group in [due] if is_gold else [[one] for one in due]:
            layer, name = group[0].key.path if group else ("", "")
            if any(one.partitions for one in group):
                found.append(carried_out(planner, group))
                if layer == "bronze":
                    assert found[-1].failure is None, found[-1].failure
                    self.files[name].take(group[0].partitions, self.terms[name])
        return found

    # what is there

    def run(self, *, force: bool = False) -> Run:
        batch = self.random.choice((1, 100, BATCH_BYTES)) if self.kind.small else BATCH_BYTES
        return Run(
            self.home / "lake", self.home / "landing", contracts_of(self.terms), "run", force, self.keys, NOW, batch_bytes=batch,
            index=self.home / "index",
        )  # fmt: skip

    def planner(self) -> Planner:
        run = self.run()
        return Planner(
            run,
            run.contracts,
            Project(self.home, self.home / "manifest.json", models() if self.kind.has_gold else (), self.home / "scratch"),
        )

    def due(self) -> dict[str, Due]:
        """The plan of another process; that of who lives must be the same."""
        fresh = self.planner()
        with another_process():
            found = {"/".join(one.key.path): one for stage in fresh.stages for one in fresh.due(stage.keys)}
        self.lives = self.lives or self.planner()
        with one_look():
            for one in (one for stage in self.lives.stages for one in self.lives.due(stage.keys)):
                other = found["/".join(one.key.path)]
                assert (one.fingerprints, one.settled, one.problem, one.waits) == (
                    other.fingerprints,
                    other.settled,
                    other.problem,
                    other.waits,
                )
        return found

    def silver(self, dataset: str) -> list[Values]:
        """What is published, with the raw values in the place of tokens."""
        table = self.tables.caught_up().newest(f"silver/{dataset}")
        return [tuple(self.raw.get(row.get(name), row.get(name)) for name in PUBLISHED[dataset]) for row in (table.rows() if table else [])]  # type: ignore[arg-type]

    def look(self, *, settled: bool = False) -> None:
        """All that is not due is as it has to be. Once all was built that could be, what is due still was refused."""
        due = self.due()
        for dataset in self.kind.datasets:
            to_refer = {ITEMS: STORES, SALES: ITEMS}.get(dataset, "")
            bronze, silver = due[f"bronze/{dataset}"], due[f"silver/{dataset}"]
            if bronze.partitions or silver.problem or silver.at_once:
                continue
            fates = judged(dataset, self.terms[dataset], self.rows(dataset), self.silver(to_refer) if to_refer else ())
            self._look_at(dataset, fates, {*silver.partitions})
            if settled and self.terms[dataset].scope == "partition":
                assert all(fates.is_refused(key, self.terms[dataset]) for key in silver.partitions), f"{dataset} is still due"
        if self.kind.has_gold:
            self._look_at_gold(due)

    def rows(self, dataset: str) -> dict[object, Cells]:
        """What bronze must have, under the names that it has; it has nothing else."""
        there = defaultdict[str, dict[str, dict[int, Cells]]](lambda: defaultdict(dict))
        table = self.tables.caught_up().newest(f"bronze/{dataset}")
        for row in table.rows() if table else []:
            arrival = WHOLE if dataset == STORES else str(row["_arrival_date"])
            there[arrival][row["_source_file"].split("/")[1]][row["_source_row"]] = tuple(row.get(name) or None for name in FIELDS[dataset])
        names = {
            arrival: {next((name for name in named if name in there[arrival]), named[0]) for named in contents}
            for arrival, contents in self.files[dataset].contents().items()
        }
        rows = self.files[dataset].rows(names, self.erased)
        found = {
            (arrival, name, number): row
            for arrival, files in there.items()
            for name, rows_ in files.items()
            for number, row in rows_.items()
        }
        assert {tuple(place): cells for place, cells in rows.items()} == found, f"bronze/{dataset}"
        return rows  # type: ignore[return-value]

    def _look_at(self, dataset: str, fates: Fates, due: set[str]) -> None:
        published, is_whole = self.silver(dataset), self.terms[dataset].scope == "table" and dataset != STORES
        self.unsettled -= set() if due else {dataset}
        if is_whole and dataset not in self.unsettled and self.terms[dataset].key:
            place = [PUBLISHED[dataset].index(name) for name in self.terms[dataset].key_of(dataset)]
            assert max(Counter(tuple(row[at] for at in place) for row in published).values(), default=0) <= 1, (
                f"{dataset}: a key is there twice"
            )
        if due and (is_whole or dataset in self.moved):
            return
        self.judged[dataset] += 1
        for key in {WHOLE if dataset == STORES else str(row[0]) for row in published} | {*fates.published} - due:
            found = sorted((row for row in published if dataset == STORES or row[0] == key), key=repr)
            if key not in due:
                assert found == sorted(fates.published[key].values(), key=repr), f"silver/{dataset} {key}"
        held = {(key, place.file, place.row) for key, places in fates.held.items() for place in places}
        contents = {name: hash_of(one) for files in self.files[dataset].held.values() for name, one in files.items()}
        shown = {(part, file, row) for part, file, row in held if (contents[file], row) not in self.discarded[dataset]}
        assert {one for one in self._held(dataset) if one[0] not in due} == {one for one in shown if one[0] not in due}, (
            f"quarantine/{dataset}"
        )

    def _held(self, dataset: str) -> set[tuple[str, str, int]]:
        try:
            rows = View.open(self.home / "lake", dataset).rows(Fate.HELD)
        except TableMissing:
            return set()
        return {(part, file.split("/")[1], row) for part, file, row in rows.select("_partition", "source_file", "source_row").iter_rows()}

    def _look_at_gold(self, due: dict[str, Due]) -> None:
        if any(due[f"silver/{name}"].at_once or due[f"silver/{name}"].problem for name in (ITEMS, SALES)):
            return
        wanted, gold = gold_of({name: self.silver(name) for name in (ITEMS, SALES)}), [due[f"gold/{name}"] for name in BY_MONTH]
        waits = {month for one in gold for month in one.partitions}
        for name in BY_MONTH if not any(one.at_once or one.problem for one in gold) else ():
            table = self.tables.newest(f"gold/{name}")
            inputs = [self.tables.newest(one) for one in BY_MONTH[name][0]]
            if table is not None or all(inputs):
                found = [(str(row["day"]), (row["n"], row["total"])) for row in (table.rows() if table else [])]
                there = {day: one for day, one in wanted[name].items() if f"{day[:7]}-01" not in waits}
                assert sorted(one for one in found if f"{one[0][:7]}-01" not in waits) == sorted(there.items()), f"gold/{name}"
                self.judged["gold"] += 1


def hash_of(content: Content) -> str:
    """How the content of a file is known."""
    return hashlib.blake2b(content.packed, digest_size=16).hexdigest()


@contextmanager
def another_process() -> Iterator[None]:
    """Inside, nothing is known of landing but what the index keeps."""
    known, last = OrderedDict[object, object](), BoundedCache[object, object](lambda _: 1, 100)
    landing_file._hash_once.cache_clear()
    with mock.patch.object(arrived, "_known", known), mock.patch.object(folders, "_last", last):
        yield


def live(seed: int, kind: Kind, steps: int) -> Life:
    """A life of so many steps, then all that is due is made. Raises AssertionError where something is not as it has to be."""
    life = Life(kind, Random(seed))
    acts = (*(Life.a_file_is_taken_in,) * 4, Life.something_lands, Life.some_partitions_are_made, Life.a_stage_is_made)
    chosen = (*acts * 2, *(Life.all_that_is_due_is_made,) * 3, *kind.acts)
    try:
        with quick(), mock.patch.dict(lake_product.BY_MONTH, BY_MONTH, clear=True):
            for dataset in kind.datasets:
                rows = [life.row_of(dataset) for _ in range(6)] if dataset != STORES else [("s1", "t1"), ("s2", "t1"), ("s3", "t2")]
                life.land(dataset, f"{dataset}_{DAYS[0]}_a{ENDINGS[life.terms[dataset].form][0]}", rows)
            life.all_that_is_due_is_made()
            for _ in range(steps):
                life.random.choice(chosen)(life)
                life.look()
            life.all_that_is_due_is_made()
    finally:
        shutil.rmtree(life.home, ignore_errors=True)
    return life
