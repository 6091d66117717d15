"""Golden lakes: small lakes as the release that gave birth to a format version has written them, with what a reader saw then.

`tests/golden/make.py` makes one; here a copy of one is opened beside today's dbt project, and read.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from people_world import TESTS, People

from assay.cached_property import cached_property
from assay.cli.lake_reader import query
from assay.contracts.reading.odcs import load_contracts
from assay.lake.snapshots import newest, open_snapshot, table_names
from assay.orchestration.build import assemble
from assay.orchestration.reconciliation import fates_of
from assay.project_root import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.orchestration.plan import Planner

FOLDER = TESTS / "golden"
SEEN, MODEL = "seen.json", "paid_by_town.sql"
OF_A_RUN = ("run_id",)  # what another run says of the same rows
SHOWN = ("bronze", "silver", "gold", "quarantine", "discarded", "refused", "decisions", "erasures", "retention")

Rows = list[list[str | None]]


@dataclass
class Golden(People):
    """A copy of a golden lake: its home, its contracts, and what was seen in it."""

    @classmethod
    def opened(cls, archive: Path, folder: Path) -> Golden:
        """Unpack one beside the dbt project of today, which gets its gold model."""
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        golden = cls(folder / "home")
        shutil.copytree(
            CHECKOUT / "dbt_project", golden.dbt, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb", "gold", "unit_tests", "tests")
        )
        (golden.dbt / "models/gold").mkdir()
        shutil.copy(folder / MODEL, golden.dbt / "models/gold" / MODEL)
        return golden

    @property
    def seen(self) -> dict[str, Any]:
        """What was seen when it was made."""
        found: dict[str, Any] = json.loads((self.home.parent / SEEN).read_text())
        return found

    def look(self) -> dict[str, Any]:
        """What is seen now: the rows of every table, the digests of its files by partition, what became of what landed."""
        lake = self.home / "lake"
        rows = {f"{schema}.{table}": self.table(schema, table) for schema, table in self.tables()}
        files = {name: sorted(file.placed for file in open_snapshot(lake, name).files) for name in table_names(lake) if made(name)}
        fates = {name: fates_of(lake, contract) for name, contract in load_contracts(self.contracts).items()}
        sums = {name: [str(one), one.closes] for name, one in fates.items() if one}
        return {"rows": rows, "files": files, "sums": sums}

    def tables(self) -> Iterator[tuple[str, str]]:
        """Every table that can be asked for, by its schema."""
        for name in table_names(self.home / "lake"):
            layer, _, table = name.partition("/")
            yield from ((schema, table) for schema in SHOWN if schema == layer)
            yield from ((schema, table) for schema in ("discarded", "refused") if layer == "quarantine")

    def table(self, schema: str, table: str) -> dict[str, Any]:
        """Its columns and its rows as texts, in their order."""
        cursor = query(self.home / "lake", f'select * from {schema}."{table}"')
        names = [column[0] for column in cursor.description]
        rows = [[None if value is None else str(value) for value in row] for row in cursor.fetchall()]
        return {"columns": names, "rows": sorted(rows, key=str)}

    def due(self, *, of_its_code: bool = False) -> dict[str, list[str]]:
        """What is due by today's code; or, `of_its_code`, if no code had changed since the lake was made."""
        if of_its_code:
            return self._due_of_its_code(self.planner)
        return _due(self.planner)

    @cached_property
    def planner(self) -> Planner:
        """What plans it, by today's code."""
        return assemble(self.settings, self.contracts).planner

    def _due_of_its_code(self, planner: Planner) -> dict[str, list[str]]:
        """The log of each table says which code made it: with that in the place of today's, only what was changed beside code is due."""

        def refine_code(contract: Contract) -> str:
            return self.code_of(f"silver/{contract.dataset}")

        codes = [self.code_of(f"gold/{model.name}").split("-") for model in planner.project.models]
        models = [replace(model, code_version=own) for model, (own, _) in zip(planner.project.models, codes, strict=True)]
        planner = replace(planner, project=replace(planner.project, models=tuple(models)))
        ingest_code = self.code_of("bronze/payments")
        with (
            mock.patch("assay.ingest.step.code_version", return_value=ingest_code),
            mock.patch("assay.refine.inputs.refine_code", refine_code),
            mock.patch("assay.gold.inputs.code_version", return_value=codes[0][1]),
        ):
            return _due(planner)

    def code_of(self, name: str) -> str:
        """The version of the code that made the newest publication of a table."""
        table = newest(self.home / "lake", name)
        assert table is not None, name
        return next(str(one["assay.code_version"]) for one in table.history() if one.get("assay.code_version"))


def _due(planner: Planner) -> dict[str, list[str]]:
    found = [one for stage in planner.stages for one in planner.due(stage.keys)]
    assert not [one.problem for one in found if one.problem]
    return {one.key.to_user_string(): one.partitions for one in found if one.partitions}


def made(name: str) -> bool:
    """Whether a table is made from what lies below it: then the same inputs give the same files."""
    return name.startswith(("bronze/", "silver/", "gold/"))


def contents(look: dict[str, Any]) -> dict[str, Rows]:
    """The rows of each table, without what another run says of the same rows."""
    found = {}
    for name, table in look["rows"].items():
        kept = [number for number, column in enumerate(table["columns"]) if column not in OF_A_RUN]
        found[name] = sorted(([row[number] for number in kept] for row in table["rows"]), key=str)
    return found
