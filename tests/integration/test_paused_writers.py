"""A forced backfill is stopped by a signal before a commit, somebody is erased, it goes on: nothing of the person is there afterwards.

It is a real process, stopped before the first commit to each table that holds the person's rows. The fence alone has to hold: whoever erases
is told not to wait.
"""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from people_world import found_in

from assay.contracts.reading.odcs import load_contracts
from assay.erasure.removing import Person
from assay.gold.step import Project
from assay.lake import publisher
from assay.lake.erasures import DONE
from assay.lake.snapshots import open_snapshot
from assay.lake.workplaces import at_work
from assay.masking.keyring import new_entry, read_ring
from assay.masking.tokens import tokenizer
from assay.orchestration import erasing
from assay.orchestration.backfill import Backfill
from assay.orchestration.build import previews_accepted
from assay.orchestration.erasing import Erasing
from assay.orchestration.lake_assets import lake_assets
from assay.orchestration.plan import Planner
from assay.settings import Settings
from assay.steps import Run
from nursery import Child
from people import MEMBER, PAYMENT, csv_of, write_people

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.orchestration.backfill import Ran

ADA, BOB = "ada.planted@secret.example", "bob.other@secret.example"
REFERENCE = """\
        relationships:
          - to: members.email
            customProperties:
              - {property: name, value: payer_known}
"""
WHOLE_TABLE = ("      - property: rejectedShare\n", "      - {property: keyScope, value: table}\n      - property: rejectedShare\n")


@dataclass
class Purse:
    """Payments without gold: good rows, rejected rows and rows without a day, of two people."""

    folder: Path

    @property
    def settings(self) -> Settings:
        return Settings(self.folder / "home", self.folder / "no_dbt_project")

    def open(self) -> Purse:
        write_people(self.folder / "contracts", (REFERENCE, ""), WHOLE_TABLE)
        ring = self.settings.home / "masking.keys"
        ring.parent.mkdir(parents=True)
        ring.touch(0o600)
        ring.write_text(new_entry())
        both = [{"email": ADA}, {"email": BOB}]
        rows = [{"payer": who, **said} for who in (ADA, BOB) for said in ({}, {"amount": "-1"}, {"day": "someday"})]
        self._land("members", csv_of(MEMBER, both))
        self._land("payments", csv_of(PAYMENT, [{"payment": str(number), **row} for number, row in enumerate(rows, 1)]))
        assert self.backfill() == []
        return self

    def _land(self, dataset: str, text: str) -> None:
        path = self.settings.landing / dataset / f"{dataset}_2024-01-01.csv"
        path.parent.mkdir(parents=True)
        path.write_text(text)

    def planner(self, *, force: bool = False) -> Planner:
        contracts, settings = load_contracts(self.folder / "contracts"), self.settings
        run = Run(settings.lake, settings.landing, contracts, force=force, keys=settings.masking_keys)
        return Planner(run, contracts, Project(settings.dbt_project, settings.dbt_project, (), settings.scratch))

    def run(self, planner: Planner) -> Iterable[Ran]:
        with previews_accepted():
            assets = lake_assets(self.settings, planner.contracts, self.folder / "contracts")
            definitions = dg.Definitions(assets=assets, executor=dg.in_process_executor)
            job, keys = definitions.resolve_implicit_global_asset_job_def(), definitions.resolve_asset_graph().get_all_asset_keys()
        with dg.DagsterInstance.ephemeral() as instance:
            yield from Backfill(job, planner, instance, only=keys).execute(lambda _: None)

    def backfill(self, *, force: bool = False) -> list[str]:
        """What failed."""
        return [ran.failure for ran in self.run(self.planner(force=force)) if ran.failure]

    def erase(self) -> str:
        return Erasing(self.planner(), Person("customer", ADA), "tester", self.run, lambda _: None).execute().state


def stops_before(folder: Path, table: str) -> None:
    """In a process of its own: a forced backfill that is stopped before its first commit to a table, and says how it ended."""
    real, stops = publisher._Commit.offer, iter([True])

    def offer(self: Any, delta: Any, *more: Any) -> Any:
        if self.staging.slice.spec.name == table and next(stops, False):
            print("stops", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return real(self, delta, *more)

    publisher._Commit.offer = offer  # type: ignore[method-assign]
    print("failed:", Purse(folder).backfill(force=True), flush=True)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Purse:
    return Purse(tmp_path_factory.mktemp("purse") / "purse").open()


@pytest.mark.parametrize("table", ["bronze/payments", "quarantine/payments", "claims/payments", "silver/payments", "bronze/members"])
def test_a_forced_backfill_that_was_stopped_before_a_commit_brings_nothing_back(
    opened: Purse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    purse = Purse(Path(shutil.copytree(opened.folder, tmp_path / "purse")))
    token = tokenizer(read_ring(purse.settings.masking_keys).current, "subject:customer")(ADA)
    writer = Child.start(stops_before, purse.folder, table)
    assert writer.stdout.readline() == "stops\n"
    assert len(at_work(purse.settings.scratch)) == 1, "an erasure would wait for it"
    monkeypatch.setattr(erasing, "wait_until_gone", lambda *_: None)
    assert purse.erase() == DONE
    writer.end(signal.SIGCONT)
    assert "failed: []" in writer.rest(), "it was fenced, and began again on what is left"
    elsewhere = [path for path in found_in(purse.settings.home, [ADA, token]) if not path.startswith("landing/")]
    assert elsewhere == []
    for name, rows in {"bronze/payments": 3, "silver/payments": 1, "bronze/members": 1, "silver/members": 1}.items():
        assert open_snapshot(purse.settings.lake, name).rows == rows


def test_what_a_killed_build_has_left_goes_with_the_next_backfill(opened: Purse, tmp_path: Path) -> None:
    purse = Purse(Path(shutil.copytree(opened.folder, tmp_path / "purse")))
    left = purse.settings.scratch / "work-0123456789ab/gold-0123456789ab/assay.duckdb"
    left.parent.mkdir(parents=True)
    left.touch()
    (left.parents[1] / "owner.lock").touch()
    assert purse.backfill() == []
    assert not left.parents[1].exists()
