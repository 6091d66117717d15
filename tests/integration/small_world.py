"""A small but whole world: three days of real flights, the product's own contracts and dbt models, a real Dagster instance."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from assay.cli.compiling import compile_contracts
from assay.contracts.reading.odcs import load_contracts
from assay.lake.snapshots import open_snapshot, table_names
from assay.orchestration.backfill import Backfill, Ran
from assay.orchestration.build import build_definitions, gold_project
from assay.orchestration.plan import Planner
from assay.project_root import CHECKOUT
from assay.settings import Settings
from assay.steps import Run
from flights.definitions import CONTRACTS
from flights.upstream import drop_files

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from assay.gold.step import Project

FIRST, LAST = date(2013, 1, 1), date(2013, 1, 3)


@dataclass
class World:
    """A home folder and everything that can be done with it."""

    home: Path
    contracts_folder: Path = CONTRACTS
    dbt_project: Path = CHECKOUT / "dbt_project"
    instance: dg.DagsterInstance = field(default_factory=dg.DagsterInstance.ephemeral)

    @property
    def settings(self) -> Settings:
        return Settings(self.home, self.dbt_project)

    @property
    def definitions(self) -> dg.Definitions:
        return build_definitions(self.settings, self.contracts_folder)

    @property
    def project(self) -> Project:
        return gold_project(self.settings)

    def drop(self, first: date = FIRST, last: date = LAST) -> None:
        drop_files(self.settings.landing, first, last)

    def planner(self, *, force: bool = False) -> Planner:
        contracts = load_contracts(self.contracts_folder)
        run = Run(self.settings.lake, self.settings.landing, contracts, force=force, keys=self.settings.masking_keys)
        return Planner(run, contracts, self.project)

    def backfill(
        self, first: date | None = FIRST, last: date | None = LAST, *, force: bool = False, only: set[dg.AssetKey] | None = None
    ) -> list[Ran]:
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return list(Backfill(job, self.planner(force=force), self.instance, first, last, only).execute(lambda _: None))

    def materialize(self, asset: str, *, key: str | None = None, keys: tuple[str, str] | None = None) -> dg.ExecuteInProcessResult:
        tags = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[1]} if keys else {}
        job = self.definitions.resolve_implicit_global_asset_job_def()
        return job.execute_in_process(
            instance=self.instance, asset_selection=[dg.AssetKey(asset.split("/"))], partition_key=key, tags=tags, raise_on_error=False
        )

    def rows(self, table: str) -> pl.DataFrame:
        return open_snapshot(self.settings.lake, table).scan().collect()

    def versions(self) -> dict[str, int]:
        return {name: open_snapshot(self.settings.lake, name).version for name in table_names(self.settings.lake)}

    def copy_to(self, home: Path) -> World:
        """A world of its own that begins as this one is now."""
        shutil.copytree(self.home, home)
        return World(home, self.contracts_folder, self.dbt_project)

    def own_contracts(self) -> Path:
        """Contracts that a test may change."""
        folder = self.home / "contracts"
        shutil.copytree(CONTRACTS, folder)
        self.contracts_folder = folder
        return folder

    def own_dbt_project(self) -> Path:
        """A dbt project that a test may change."""
        folder = self.home / "dbt_project"
        shutil.copytree(CHECKOUT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
        self.dbt_project = folder
        return folder

    def compile(self) -> None:
        """What a person does after changing a contract of gold. Only with own contracts and an own dbt project."""
        assert compile_contracts(Settings(self.home, self.dbt_project, self.contracts_folder), check=False)


def edit(path: Path, old: str, new: str) -> None:
    """Change a file as a person would; the text must be there."""
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new))
