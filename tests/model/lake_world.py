"""A home of the product, and what is done in it: each a call of the product's own functions, without Dagster's instance and without dbt.

Gold is planned, staged and published by the gold step; only its rows come from SQL that DuckDB runs here on the snapshots that it pinned.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import dagster as dg
from lake_product import KIND, PEOPLE, contracts, csv_of, models

from assay.erasure.removing import Person
from assay.errors import AssayError
from assay.gold.calendars import calendars_of
from assay.gold.models import LAYER, pick
from assay.gold.step import Project, build_gold, gold_spec
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.quarantine.decisions import Decision, decide, in_force, taken
from assay.lake.quarantine.decisions import Kind as DecisionKind
from assay.lake.quarantine.reader import Fate, View
from assay.lake.snapshots import newest
from assay.lake.workplaces import workplace
from assay.masking.keyring import read_ring
from assay.masking.subjects import erasure_token
from assay.masking.tokens import tokenizer
from assay.orchestration.backfill import Ran, Request
from assay.orchestration.calendars import arrivals_of, definition_of, events_of
from assay.orchestration.erasing import Erasing
from assay.orchestration.partitions import slice_of, whole_of
from assay.orchestration.plan import Planner
from assay.orchestration.replay import Picked, Wanted
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import SecretReference
from assay.steps import Outcome, Run, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from assay.contracts.model.contract import Contract
    from assay.lake.erasures import Erasure
    from assay.orchestration.due import Due


NOW = datetime(2024, 6, 1, tzinfo=UTC)
CHANGES = {  # by layer: of which rows, and what an update makes of them
    "bronze": ("number = '{}'", {"amount": "'77'"}),
    "silver": ("number = {}", {"amount": "amount + 1"}),
    "quarantine": ("source_row = {}", {"reason": "'another tool knows better'"}),
    "claims": ("source_row = {}", {"displaced": "NOT displaced"}),
    "gold": ("n > 0", {"n": "n + 1"}),
}
TICK_SECONDS = 0.01  # a file system tells no shorter times apart: what was before somebody began, and what after, does not depend on luck
KEY = "model:" + b64encode(bytes(range(32))).decode()  # the same in each life: tokens are a part of what files are named by

MEMORY, ROOM = Path("/dev/shm"), 256 << 20  # thousands of small files; some machines have less memory for them than a long life takes


def memory() -> Path | None:
    """A folder in memory with room for a life, where there is one."""
    is_roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if is_roomy else None


@dataclass
class World:
    """A home folder and the version of each dataset's contract."""

    home: Path
    variants: Mapping[str, Mapping[str, Contract]]
    versions: dict[str, str] = field(default_factory=lambda: {"sales": "1.0.0", "meters": "1.0.0"})
    planners: dict[tuple[str, ...], Planner] = field(default_factory=dict)  # by the versions of the contracts, as sensors keep theirs
    plans: dict[dg.AssetKey, Due] = field(default_factory=dict)
    gave_way: ClassVar[Counter[str]] = Counter()  # the runs of backfills, replays and erasures that failed, by error

    @classmethod
    def make(cls) -> World:
        """An empty home, in memory where there is such a place."""
        home = Path(tempfile.mkdtemp(prefix="model-", dir=memory()))
        (home / "masking.keys").write_text(f"{KEY}\n")
        return cls(home, contracts())

    def remove(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def contracts(self) -> dict[str, Contract]:
        return {name: self.variants[name][version] for name, version in self.versions.items()}

    def run(self, *, force: bool = False) -> Run:
        keys = SecretReference("file", str(self.home / "masking.keys"))
        return Run(self.lake, self.home / "landing", self.contracts, "run", force, keys, NOW)

    def planner(self, *, force: bool = False) -> Planner:
        project = Project(self.home, self.home / "manifest.json", models(), self.home / "scratch")
        return Planner(self.run(force=force), self.contracts, project)

    def land(self, dataset: str, name: str, rows: Sequence[tuple[str, ...]]) -> None:
        """A file lands whole, as upstream drops it."""
        path = self.home / "landing" / dataset / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(f".{name}").write_text(csv_of(dataset, [*rows]))
        path.with_name(f".{name}").replace(path)

    def archive(self, dataset: str, name: str) -> None:
        (self.home / "landing" / dataset / f"{name}.csv").unlink()

    def gold(self, planner: Planner) -> list[Outcome]:
        """Bring all months of all models up to date."""
        return [one for stage in planner.stages if stage.name.startswith(LAYER) for one in make_gold(planner, planner.due(stage.keys))]

    def backfill(self, planner: Planner, after_each: Callable[[], None] = lambda: None) -> list[Ran]:
        """All that the plan finds due, stage by stage, as `assay backfill` does."""
        found = []
        for one in carry_out(planner):
            after_each()
            found.append(one)
        return found

    def at_a_place(self, work: Callable[[], object]) -> object:
        """Work as every run of Dagster does: known to be at work."""
        time.sleep(TICK_SECONDS)
        with workplace(self.home / "scratch", "a run"):
            time.sleep(TICK_SECONDS)
            return work()

    def erase(self, planner: Planner, person: str) -> Erasure:
        """One person leaves, as by `assay erase`."""
        return Erasing(planner, Person(KIND, person), "a clerk", carry_out, lambda _: None).execute()

    def replay(self, planner: Planner, contract: Contract) -> list[Ran]:
        """All that is held of a dataset is judged again, as by `assay quarantine replay`: the arrivals first."""
        wanted = Wanted.of(View.open(self.lake, contract.dataset), contract)
        found, run = list[Ran](), replace(planner.run, force=True)
        for layer, chosen in (("bronze", wanted.arrivals), ("silver", wanted.events)):
            key = dg.AssetKey([layer, contract.dataset])
            picked = Picked(run, planner.contracts, planner.project, {key: chosen})
            found += [carried_out(picked, [due]) for due in picked.due([key]) if due.partitions]
        return found

    def decide(self, dataset: str, kind: DecisionKind) -> tuple[int, set[tuple[str, int]]] | None:
        """Restore all rows that are discarded, or, when there are none or another `kind` is meant, discard all that are held.

        Returns what was decided, if there was anything.
        """
        view = View.open(self.lake, dataset)
        held = view.rows(Fate.HELD)
        rows = in_force(view.decisions) if view.decisions and kind is DecisionKind.RESTORE else held.clear()
        if rows.is_empty():
            kind, rows = DecisionKind.DISCARD, held
        if rows.is_empty():
            return None
        number = decide(self.lake, dataset, Decision(kind, "a steward", NOW, "no reason"), rows, taken(view.decisions), fence=view.fence)
        return number, {(str(hash_), int(row)) for hash_, row in rows.select("source_hash", "source_row").rows()}

    def changed_by_another(self, name: str, how: str, number: str) -> bool:
        """What delta-rs does to a table by itself: to some rows by a number, or to all of a model; whether there was a table with rows."""
        from deltalake import DeltaTable, write_deltalake

        table = newest(self.lake, name)
        if table is None or not table.files:
            return False
        which, change = CHANGES[name.partition("/")[0]]
        handle = DeltaTable(str(self.lake / name))
        if how == "delete":
            handle.delete(which.format(number))
        elif how == "update":
            handle.update(change, predicate=which.format(number))
        else:
            write_deltalake(handle, table.scan().head(1).collect().to_arrow(), mode="append")
        return True

    def plans_again(self) -> Iterator[tuple[Due, Due, bool]]:
        """Of each table of bronze and silver the plan of who has planned before, that of who begins now, and whether the first is an old one."""
        planner = self.planners.setdefault(tuple(self.versions.values()), self.planner())
        keys = [dg.AssetKey([layer, name]) for layer in ("bronze", "silver") for name in planner.contracts]
        for again, anew in zip(planner.due(keys), self.planner().due(keys), strict=True):
            yield again, anew, self.plans.get(again.key) is again
            self.plans[again.key] = again

    def due(self) -> dict[str, list[str]]:
        """What the plan finds to do, and what it cannot plan."""
        planner = self.planner()
        found = [due for stage in planner.stages for due in planner.due(stage.keys)]
        return {"/".join(one.key.path): [*one.partitions, one.problem] for one in found if one.partitions or one.problem}


def tokens_of(world: World) -> dict[str, str]:
    """What stands for each person in silver."""
    (key,) = read_ring(world.run().keys).keys
    return {one: tokenizer(key, f"subject:{KIND}")(one) for one in PEOPLE}


def erasure_tokens(world: World) -> dict[str, str]:
    """By which the record of erasures knows each person."""
    (key,) = read_ring(world.run().keys).keys
    return {one: erasure_token(key, KIND, one) for one in PEOPLE}


def make_bronze(run: Run, contract: Contract, keys: Iterable[str] | None) -> list[Outcome]:
    definition, spec = arrivals_of(contract), bronze_spec(contract)
    if definition is None:
        return list(ingest(run, contract, slice_of(None, [], spec)))
    slice_ = slice_of(definition, definition.get_partition_keys() if keys is None else keys, spec)
    return list(ingest(run, contract, slice_, whole_of(definition, spec)))


def make_silver(run: Run, contract: Contract, keys: Iterable[str] | None) -> list[Outcome]:
    definition, spec = events_of(contract), silver_spec(contract)
    if definition is None:
        return list(refine_partitions(run, contract, slice_of(None, [], spec)))
    slice_ = slice_of(definition, definition.get_partition_keys() if keys is None else keys, spec)
    return list(refine_partitions(run, contract, slice_, whole_of(definition, spec)))


def make_gold(planner: Planner, due: Iterable[Due]) -> list[Outcome]:
    """The due months of some models of one stage."""
    project, calendars = planner.project, calendars_of(planner.project.models, planner.contracts)
    slices = {
        model.name: slice_of(definition_of(calendars[model.table]), one.partitions, gold_spec(model, calendars[model.table]))
        for one in due
        if one.partitions and (model := pick(project.models, one.key.path[1]))
    }
    return [outcome for _, outcome in build_gold(planner.run, project, slices)]


def carry_out(planner: Planner) -> Iterator[Ran]:
    """Plan and run one stage after the other. What fails is told and stops the stage's asset alone, as a failed run does."""
    for stage in planner.stages:
        due = planner.due(stage.keys)
        for group in [due] if stage.name.startswith(LAYER) else [[one] for one in due]:
            if any(one.partitions or one.problem for one in group):
                yield carried_out(planner, group)


def carried_out(planner: Planner, group: Sequence[Due]) -> Ran:
    """What became of one run."""
    failure, outcomes = "; ".join(one.problem for one in group if one.problem) or None, list[Outcome]()
    try:
        outcomes = _run(planner, group)
    except AssayError as error:
        World.gave_way[type(error).__name__] += 1
        failure = str(error)
    refused = [one.refusal for one in outcomes if one.status is Status.REFUSED]
    return Ran(Request(tuple(one.key for one in group), None, None, 0), "run", 0.0, failure or next(iter(refused), None), {})


def _run(planner: Planner, due: Sequence[Due]) -> list[Outcome]:
    layer, name = due[0].key.path
    if layer == LAYER:
        return make_gold(planner, due)
    make = make_bronze if layer == "bronze" else make_silver
    return make(planner.run, planner.contracts[name], due[0].partitions) if due[0].partitions else []
