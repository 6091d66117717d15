"""A home with the product of `people.py`, worked on as people do, by the command line; and a search in all its bytes."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from assay.lake.snapshots import open_snapshot
from assay.project_root import CHECKOUT
from assay.settings import Settings
from command_line import BIN, assay, assay_process, process
from contract_head import head
from people import MEMBER, PAYMENT, csv_of, write_people

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import polars as pl

    from command_line import Done

TESTS = Path(__file__).parents[1]
MODEL = """\
select
    cast(date_trunc('month', payment_date) as date) as payment_month,
    payment_date,
    payment,
    payer,
    full_name,
    town,
    amount
from {{ source('silver', 'payments') }} as paid
left join {{ source('silver', 'members') }} as members on paid.payer = members.email
where {{ in_window('payment_date') }}
"""
PAID_BY_TOWN = (
    head("paid_by_town")
    + """\
schema:
  - name: paid_by_town
    physicalName: gold.paid_by_town
    physicalType: table
    description: Payments with the payer's town.
    dataGranularityDescription: one row per payment
    properties:
      - {name: payment_month, logicalType: date, required: true, partitioned: true, description: First day of the month.}
      - {name: payment_date, logicalType: date, required: true, primaryKey: true, primaryKeyPosition: 1, description: Day of the payment.}
      - {name: payment, logicalType: integer, physicalType: BIGINT, required: true, primaryKey: true, primaryKeyPosition: 2, description: Number.}
      - {name: payer, logicalType: string, classification: personal, description: Who paid.}
      - {name: full_name, logicalType: string, classification: personal, description: Name of who paid.}
      - {name: town, logicalType: string, description: Town of who paid.}
      - {name: amount, logicalType: number, physicalType: DOUBLE, description: What was paid.}
    quality:
      - {name: town_known, type: custom, engine: assay, implementation: "RULE", description: Everybody has a town.}
    customProperties:
      - {property: eventTime, value: {column: payment_date}}
"""
)


@dataclass
class People:
    """The home and what was said while it was worked on. Apart: each command that works is a process of its own, whose every word is kept."""

    home: Path
    apart: bool = False
    said: str = ""
    more: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path, *changes: tuple[str, str], apart: bool = False) -> People:
        """An empty home beside its own contracts and dbt project."""
        people = cls(folder / "home", apart)
        write_people(people.contracts, *changes)
        shutil.copytree(
            CHECKOUT / "dbt_project", people.dbt, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb", "gold", "unit_tests", "tests")
        )
        (people.dbt / "models/gold").mkdir()
        (people.dbt / "models/gold/paid_by_town.sql").write_text(MODEL)
        people.home.mkdir()
        people.rule("amount >= 0")
        return people

    @property
    def contracts(self) -> Path:
        return self.home.parent / "contracts"

    @property
    def dbt(self) -> Path:
        return self.home.parent / "dbt_project"

    @property
    def settings(self) -> Settings:
        return Settings(self.home, self.dbt, self.contracts)

    @property
    def environment(self) -> dict[str, str]:
        places = {
            "ASSAY_HOME": self.home,
            "ASSAY_CONTRACTS": self.contracts,
            "ASSAY_DBT_PROJECT": self.dbt,
            "PYTHONPATH": TESTS / "integration",
        }
        return {**os.environ, **{name: str(place) for name, place in places.items()}, **self.more}

    def rule(self, condition: str) -> None:
        """The rule that dbt's test of the gold model looks at."""
        contract = self.contracts / "gold/paid_by_town.odcs.yaml"
        contract.parent.mkdir(exist_ok=True)
        contract.write_text(PAID_BY_TOWN.replace("RULE", condition))
        self.run("contracts", "compile")

    def edit(self, dataset: str, old: str, new: str) -> None:
        path = self.contracts / f"{dataset}.odcs.yaml"
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} is not there once"
        path.write_text(text.replace(old, new))

    def members(self, rows: Iterable[Mapping[str, str]], day: str = "2024-01-01") -> None:
        self.land("members", day, csv_of(MEMBER, rows))

    def payments(self, day: str, rows: Iterable[Mapping[str, str]], name: str = "") -> None:
        """The file of a day; payments are numbered from 1 where they do not say another number."""
        numbered = [{"day": day, "payment": str(number), **row} for number, row in enumerate(rows, 1)]
        self.land("payments", day + name, csv_of(PAYMENT, numbered))

    def land(self, dataset: str, name: str, text: str | bytes) -> None:
        path = self.home / f"landing/{dataset}/{dataset}_{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def run(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """Run a command; returns what it said, which is kept as well."""
        return self._hear((assay_process if self.apart else assay)(*arguments, environment=self.environment, stdin=stdin), code)

    def ask(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        """Run a command that only reads, in this process; its words are kept as well."""
        return self._hear(assay(*arguments, environment=self.environment, stdin=stdin), code)

    def dbt_build(self) -> None:
        """What a developer does, with whatever outcome; the words are kept."""
        self._hear(process(BIN / "dbt", "build", "--profiles-dir", ".", environment=self.environment, folder=self.dbt), None)

    def _hear(self, done: Done, code: int | None) -> str:
        said = done.stdout + done.stderr
        self.said += said
        assert code is None or done.returncode == code, said
        return said

    def rows(self, table: str) -> pl.DataFrame:
        return open_snapshot(self.home / "lake", table).scan().collect()

    def copy_to(self, folder: Path) -> People:
        shutil.copytree(self.home.parent, folder)
        return People(folder / self.home.name)


def texts_of(path: Path) -> Iterator[str]:
    """Everything that can be read in a file: its bytes, and what is packed in them."""
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    if content[:4] == b"PAR1":
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            yield str(file.metadata.to_dict())
            yield str(file.read().to_pylist())
    elif content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content).decode("utf-8", "replace")
    elif content.startswith(b"SQLite format 3"):
        with database(path) as copied:
            yield "\n".join(copied.iterdump())


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """A copy of a SQLite database: to read one that a killed process has left is to write to it, if only what its journal says."""
    with TemporaryDirectory() as folder:
        for one in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-journal")):
            if one.exists():
                shutil.copy(one, folder)
        with closing(sqlite3.connect(Path(folder) / path.name)) as connection:
            yield connection


def found_in(folder: Path, values: Iterable[str]) -> dict[str, set[str]]:
    """The files below a folder in which one of some values can be read, with those values."""
    wanted, found = [*values], dict[str, set[str]]()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for text in texts_of(path):
                for value in wanted:
                    if value in text or value in str(path.relative_to(folder)):
                        found.setdefault(str(path.relative_to(folder)), set()).add(value)
    return found
