"""What the tables of a lake are, in numbers: rows, partitions, size, version; and what is in quarantine by rule."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.cli.lake_tables import QUARANTINE
from assay.errors import TableUnreadable
from assay.lake.damage import damaged_error, damaged_files
from assay.lake.log import LOG
from assay.lake.log_entries import committed_at
from assay.lake.quarantine.reader import Fate, View, quarantined_datasets
from assay.lake.snapshots import Snapshot, open_snapshot, table_names

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class TableFacts:
    """One line of `assay tables`. `published` is when the newest version was committed, UTC in ISO form."""

    name: str
    rows: int
    partitions: int
    megabytes: float
    version: int
    published: str


def facts(lake: Path) -> tuple[list[TableFacts], list[TableUnreadable]]:
    """What there is, table by table, and what is damaged; of a table whose log cannot be read there is nothing to say but that."""
    found, damaged = list[TableFacts](), list[TableUnreadable]()
    for name in table_names(lake):
        try:
            facts_, table = _facts(lake, name)
        except TableUnreadable as error:
            damaged.append(error)
            continue
        found.append(facts_)
        if files := damaged_files(table):
            damaged.append(damaged_error(name, table.version, files))
    return found, damaged


def _facts(lake: Path, name: str) -> tuple[TableFacts, Snapshot]:
    layer, _, dataset = name.partition("/")
    view = View.open(lake, dataset) if layer == QUARANTINE else None
    snapshot = view.quarantine if view else open_snapshot(lake, name)
    files = view.files(Fate.HELD) if view else snapshot.files
    rows = view.count(Fate.HELD) if view else snapshot.rows
    megabytes = round(sum(file.size for file in files) / 1e6, 1)
    return TableFacts(name, rows, len({file.values for file in files}), megabytes, snapshot.version, _committed(snapshot)), snapshot


def _committed(snapshot: Snapshot) -> str:
    return f"{committed_at(snapshot.folder / LOG, snapshot.version):%Y-%m-%dT%H:%M:%SZ}"


def rejected_by_rule(lake: Path) -> list[tuple[str, str, str, int]]:
    """Dataset, rule, fate and number of rows of everything in quarantine and beside it, most first."""
    found = list[tuple[str, str, str, int]]()
    for dataset in quarantined_datasets(lake):
        with suppress(TableUnreadable):  # `facts` tells of it
            view = View.open(lake, dataset)
            for fate in Fate:
                counts = view.rows(fate, ["rule"])["rule"].value_counts()
                found += [(dataset, rule, str(fate), rows) for rule, rows in counts.iter_rows()]
    return sorted(found, key=lambda row: (-row[3], row))
