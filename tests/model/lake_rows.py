"""What the tables of the model have, as plain values: landing files, rows by place and by partition, what of quarantine readers see."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from lake_oracle import Cells, Place
from lake_product import SALES

from assay.lake.quarantine.store import ARRIVALS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lake_tables import File, Table, Tables

    from assay.lake.manifest import Landed


def sources_of(bronze: Table | None, key: str | None = None) -> dict[str, str]:
    """The landing files under which bronze has rows, or one of its partitions, with the hash of each."""
    return {Path(source.name).stem: source.hash for source in _landed(bronze, key)}


def names_of(bronze: Table | None, key: str | None = None) -> dict[str, str]:
    """The landing files that bronze holds, or one of its partitions, by all names of their contents."""
    return {Path(name).stem: source.hash for source in _landed(bronze, key) for name in (source.name, *source.aliases)}


def _landed(bronze: Table | None, key: str | None) -> list[Landed]:
    files = [file for file in (bronze.files if bronze else ()) if key is None or file.values == (key,)]
    return [source for file in files if bronze for source in bronze.content.manifest(file).sources]


def damaged_now(tables: Tables) -> set[str]:
    """The tables of which a file is damaged that their newest version names."""
    return {name for name in tables.versions if (table := tables.newest(name)) and not table.readable}


def bronze_rows(bronze: Table, dataset: str, keys: Iterable[str] | None = None) -> dict[Place, Cells]:
    """The landed cells of each row. Raises AssertionError if one place is there twice."""
    fields = ("day", "number", "buyer", "amount") if dataset == SALES else ("day", "number", "amount")
    wanted = None if keys is None else {*keys}
    rows = [row for file in bronze.files if wanted is None or file.values[0] in wanted for row in bronze.rows_of(file)]
    found = {Place(Path(row["_source_file"]).stem, row["_source_row"]): tuple(row[name] for name in fields) for row in rows}
    assert len(found) == len(rows), f"bronze/{dataset} has a row twice"
    return found


def unread_in(bronze: Table) -> set[Place]:
    """The rows of which bronze knows no event date: by the contract under which it was made they have none."""
    rows = [row for file in bronze.files for row in bronze.rows_of(file)]
    return {Place(Path(row["_source_file"]).stem, row["_source_row"]) for row in rows if row["_event_date"] is None}


def silver_rows(silver: Table | None) -> dict[str, list[tuple[int, int]]]:
    """Key and amount of the published rows by partition."""
    found: dict[str, list[tuple[int, int]]] = {}
    for file in silver.files if silver else ():
        if silver is not None and (rows := silver.rows_of(file)):
            found.setdefault(file.values[0], []).extend((row["number"], row["amount"]) for row in rows)
    return {key: sorted(rows) for key, rows in found.items()}


def visible(dataset: str, tables: Tables) -> list[File]:
    """The files of quarantine that readers see: those of publications that silver and bronze name."""
    silver, bronze = tables.newest(f"silver/{dataset}"), tables.newest(f"bronze/{dataset}")
    quarantine, found = tables.newest(f"quarantine/{dataset}"), []
    for file in quarantine.files if quarantine else ():
        key, publication = file.values
        if key.startswith("refused/"):
            continue
        table = bronze if key.startswith(ARRIVALS) else silver
        named = table.publication(key.removeprefix(ARRIVALS)) if table else None
        if str(named) == publication:
            found.append(file)
    return found


def held_places(dataset: str, tables: Tables) -> dict[str, set[Place]]:
    """The visible quarantined rows by partition. Raises AssertionError if one is there twice."""
    quarantine, found, count = tables.newest(f"quarantine/{dataset}"), dict[str, set[Place]](), 0
    for file in visible(dataset, tables) if quarantine else ():
        for row in quarantine.rows_of(file) if quarantine else ():
            found.setdefault(file.values[0], set()).add(Place(Path(row["source_file"]).stem, row["source_row"]))
            count += 1
    assert sum(map(len, found.values())) == count, f"quarantine/{dataset} shows a row twice"
    return found


def summed(table: Table) -> list[tuple[str, int, int]]:
    """Rows and sums by day, or month, of a table that gold reads or is."""
    if table.name.startswith("gold/"):
        return [(str(row["day"]), row["n"], row["total"]) for row in table.rows()]
    return [(day, len(rows), sum(amount for _, amount in rows)) for day, rows in silver_rows(table).items()]


def counted(table: Table | None) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in table.files if table else ():
        found[file.values[0]] += file.rows
    return found
