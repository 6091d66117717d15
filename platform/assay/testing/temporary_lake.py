"""A lake of a test's own: rows land as files of their contract, Dagster runs what `assay backfill` runs, and nothing outside is touched.

Settings come from the project's folder, the home from the caller; the environment names neither landing folder nor keys here. Dagster's
instance is an ephemeral one, in memory.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import dagster as dg

from assay.cached_property import cached_property
from assay.cli.product import contracts_folder
from assay.contracts.model.calendars import arrival_calendar
from assay.contracts.reading.odcs import load_contracts
from assay.errors import ContractInvalid, TableMissing
from assay.gold.step import Project
from assay.ingest.bronze import event_dates
from assay.ingest.writing import name_for, spelled_file
from assay.lake.durable import create_file
from assay.lake.quarantine.reader import Fate, View
from assay.lake.snapshots import newest, open_snapshot
from assay.masking.keyring import HEAD, new_entry
from assay.orchestration.backfill import Backfill
from assay.orchestration.build import assemble, previews_accepted
from assay.orchestration.io_manager import LakeIOManager
from assay.orchestration.lake_assets import lake_assets
from assay.orchestration.plan import Planner
from assay.orchestration.reconciliation import fates_of
from assay.orchestration.synthetic_rows import SOME_DAY
from assay.settings import Settings, load_settings
from assay.steps import Run
from assay.testing.comparing import differences
from assay.testing.contract_lookup import contract_of
from assay.testing.failure_message import rows_table
from assay.testing.judging import Judgement, bronze_frame, landed_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import polars as pl

    from assay.contracts.model.contract import Contract
    from assay.orchestration.reconciliation import Fates
    from assay.testing.contract_lookup import Named
    from assay.testing.judging import Row

GOLD = "gold/"


@dataclass
class TemporaryLake:
    """A lake in `home`, of the contracts and the dbt project of the project that the test runs in, or of others."""

    home: Path
    contracts_folder: Path | None = None
    dbt_project: Path | None = None
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)
    _numbers: count[int] = field(default_factory=lambda: count(1), repr=False)

    def __post_init__(self) -> None:
        """Make the folders, and keys that mask."""
        said = load_settings()
        self.contracts_folder = self.contracts_folder or contracts_folder(said)
        self.dbt_project = self.dbt_project or said.dbt_project
        for folder in (self.settings.landing, self.settings.lake, self.settings.scratch):
            folder.mkdir(parents=True)
        create_file(self.settings.key_file, f"{HEAD}{new_entry()}\n".encode())

    @property
    def settings(self) -> Settings:
        """Those of the lake."""
        assert self.dbt_project is not None  # noqa: S101  # said when it was made
        return Settings(self.home, self.dbt_project, self.contracts_folder)

    @cached_property
    def contracts(self) -> Mapping[str, Contract]:
        """The contracts of its folder. Raises ContractInvalid for faults."""
        assert self.contracts_folder is not None  # noqa: S101  # said when it was made
        return load_contracts(self.contracts_folder)

    def land(self, contract: Named, rows: Sequence[Row], day: date | None = None) -> Path:
        """Land complete rows in one file, in the format and dialect of their contract. Returns the file.

        `day` is that of the arrival (default: the newest event date among the rows). Raises ContractInvalid for what the format cannot
        spell, or where a second file of the day would have the name of the first.
        """
        meant = self._contract(contract)
        number = next(self._numbers)
        source, arrives = meant.source, day or self._arrival_of(meant, rows, number)
        file = self.settings.landing / name_for(source, arrives, str(number))
        if file.exists():
            raise ContractInvalid(f"Tried to land {file.name} twice: its name says the day alone.", hint="Give another `day`.")
        spelled = [{name: landed_value(meant, value) for name, value in row.items()} for row in rows]
        file.parent.mkdir(parents=True, exist_ok=True)
        create_file(file, spelled_file(spelled, source, file.name))
        return file

    def land_files(self, folder: Path) -> None:
        """Land the files of a folder that has them as the landing folder would, such as the samples of a project."""
        shutil.copytree(folder, self.settings.landing, dirs_exist_ok=True)

    def build(self, *tables: str, may_refuse: bool = False) -> list[str]:
        """Bring tables and what they are made from up to date, such as `silver/orders`; without any all, gold too.

        Returns why runs failed; raises AssertionError instead, unless they `may_refuse` partitions.
        """
        with_gold = not tables or any(table.startswith(GOLD) for table in tables)
        with previews_accepted():
            job, planner, left = self._assembled() if with_gold else self._without_gold()
        only = None if with_gold else {dg.AssetKey(table.split("/")) for table in self._needed(tables)}
        failures = [ran.failure for ran in Backfill(job, planner, self.instance, only=only).execute(lambda _: None) if ran.failure]
        if left or (failures and not may_refuse):
            raise AssertionError("\n".join(["The lake could not be built:", *left, *failures]))
        return failures

    def rows(self, table: str) -> pl.DataFrame:
        """The published rows of a table, such as `gold/orders_by_day`. Raises TableMissing."""
        return open_snapshot(self.settings.lake, table).scan().collect()

    def quarantined(self, dataset: str) -> pl.DataFrame:
        """The rows of a dataset that are held in quarantine, with `rule`, `reason`, `source_row` and `raw`."""
        return self._rejected(dataset, Fate.HELD)

    def judged(self, contract: Named, rows: Sequence[Row], day: date | None = None) -> Judgement:
        """Land rows, bring their dataset up to date, and say what became of them, and of all that had landed before."""
        meant = self._contract(contract)
        file = self.land(meant, rows, day).relative_to(self.settings.landing).as_posix()
        failures = self.build(f"silver/{meant.dataset}", may_refuse=True)
        silver = newest(self.settings.lake, f"silver/{meant.dataset}")
        published = bronze_frame(meant, []).clear() if silver is None else silver.scan().collect()
        held = self.quarantined(meant.dataset)
        refused = {f"run {number}": why for number, why in enumerate(failures, 1)}
        landed = open_snapshot(self.settings.lake, f"bronze/{meant.dataset}").scan(columns=[meant.source.columns[0]]).collect().height
        duplicates = 0 if refused else landed - published.height - held.height
        return Judgement(meant, landed, published, held.filter(held["source_file"] == file), duplicates, refused)

    def fates(self, dataset: str) -> Fates | None:
        """What became of every row of a dataset that landed: `closes` says whether each has one fate; None if nothing has landed."""
        return fates_of(self.settings.lake, self.contracts[dataset])

    def assert_holds(self, table: str, expected: Sequence[Mapping[str, Any]]) -> None:
        """A table has these rows and no others, in any order, by the columns that are named. Raises AssertionError."""
        __tracebackhide__ = True
        missing, others = differences(found := self.rows(table), expected)
        if missing or others or found.height != len(expected):
            listed = rows_table("expected, not there", missing) + rows_table("there, not expected", others)
            raise AssertionError(f"{table}: expected {len(expected)} rows, found {found.height}.{listed}")

    def _contract(self, named: Named) -> Contract:
        return self.contracts[named] if isinstance(named, str) and named in self.contracts else contract_of(named)

    def _needed(self, tables: Sequence[str]) -> set[str]:
        """Silver tables with what their rules look into, and the bronze tables of all."""
        found, waiting = set[str](), [table.partition("/")[2] for table in tables]
        while waiting:
            name = waiting.pop()
            waiting += [one for one in self.contracts[name].upstream if f"bronze/{one}" not in found and one in self.contracts]
            found |= {f"bronze/{name}", f"silver/{name}"}
        return found

    def _without_gold(self) -> tuple[dg.JobDefinition, Planner, list[str]]:
        settings, folder = self.settings, self.contracts_folder
        assert folder is not None  # noqa: S101  # said when it was made
        made = dg.Definitions(
            assets=lake_assets(settings, self.contracts, folder), resources={"io_manager": LakeIOManager(root=str(settings.lake))}
        )
        nothing = Project(settings.dbt_project, settings.dbt_project, (), settings.scratch)
        planner = Planner(Run.of(settings, self.contracts), self.contracts, nothing)
        return made.resolve_implicit_global_asset_job_def(), planner, []

    def _assembled(self) -> tuple[dg.JobDefinition, Planner, list[str]]:
        assert self.contracts_folder is not None  # noqa: S101  # said when it was made
        made = assemble(self.settings, self.contracts_folder)
        return made.definitions.resolve_implicit_global_asset_job_def(), made.planner, [str(one) for one in made.left_out]

    def _arrival_of(self, contract: Contract, rows: Sequence[Row], number: int) -> date:
        """The newest event date of rows, where files of that day may arrive; else the first day on which they do.

        Of a snapshot each file is newer than the one before.
        """
        calendar = arrival_calendar(contract)
        days = event_dates(bronze_frame(contract, rows), contract).drop_nulls().to_list() if contract.event_time and rows else []
        if calendar is None:
            return SOME_DAY + timedelta(days=number)
        fitting = [day for day in days if calendar.has(calendar.first_of(day))]
        return max(fitting, default=calendar.start)

    def _rejected(self, dataset: str, fate: Fate) -> pl.DataFrame:
        try:
            return View.open(self.settings.lake, dataset).rows(fate)
        except TableMissing:
            import polars as pl

            return pl.DataFrame(
                schema=dict.fromkeys(("rule", "severity", "reason", "source_file", "raw"), pl.String) | {"source_row": pl.Int64}
            )
