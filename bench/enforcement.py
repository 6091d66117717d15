"""What both sides of `contract_enforcement` work on: bronze rows of flights in chunks as the refine step makes them, made dirty on purpose.

A chunk is a Parquet file of whole event days, about `CHUNK_ROWS` rows, with bronze's columns. The real data break few rules, so rows are
spoiled at fixed distances, one kind of fault each, and one row in a hundred is there again with a later row number and another tail.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from replicate import COPIES, replicate, widen
from worlds import drop_landing

from assay.contracts.model.contract import EVENT_DATE, SOURCE_ROW, Contract
from assay.contracts.reading.odcs import load_contracts
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.slices import WHOLE, Slice
from assay.lake.snapshots import open_snapshot
from assay.orchestration.calendars import arrivals_of
from assay.orchestration.partitions import slice_of
from assay.refine.references import reference_values
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import CHUNK_ROWS, Run, Status
from flights.definitions import CONTRACTS

DATASET = "flights"
SPOILED = {  # landing column: what replaces its value in one row out of so many
    "dep_delay": ("n/a", 997), "arr_delay": ("9999", 1499), "flight": ("0", 1999), "distance": ("-5", 2503), "origin": ("jfk", 3001),
    "carrier": ("ZZZ", 3499), "air_time": ("", 4001), "sched_dep_time": ("", 4999),
}  # fmt: skip
TWICE = 100


def prepare(folder: Path, copies: int = COPIES) -> int:
    """Make contracts, chunks and reference tables below `folder`. Returns the number of rows."""
    landing = folder / "landing"
    replicate(drop_landing(folder / "once"), landing, copies)
    contracts = load_contracts(widen(CONTRACTS, folder / "contracts", copies))
    run, contract = Run(folder / "lake", landing, contracts, "bench"), contracts[DATASET]
    for name in contract.upstream:
        done = [*ingest(run, contracts[name], Slice(bronze_spec(contracts[name]), (WHOLE,)))]
        done += refine_partitions(run, contracts[name], Slice(silver_spec(contracts[name]), (WHOLE,)))
        assert all(one.status is Status.PUBLISHED for one in done), done
    definition = arrivals_of(contract)
    assert definition is not None
    for one in ingest(run, contract, slice_of(definition, definition.get_partition_keys(), bronze_spec(contract))):
        assert one.status is Status.PUBLISHED, one
    return _write_chunks(folder)


def _write_chunks(folder: Path) -> int:
    bronze = open_snapshot(folder / "lake", f"bronze/{DATASET}").scan()
    (folder / "chunks").mkdir()
    by_day = bronze.group_by(EVENT_DATE).len().sort(EVENT_DATE).collect()
    rows = 0
    for number, days in enumerate(_chunks(by_day)):
        chunk = bronze.filter(pl.col(EVENT_DATE).is_in(days)).collect().sort("_source_file", SOURCE_ROW)
        dirty = _spoiled(chunk)
        dirty.write_parquet(folder / f"chunks/{number:03d}.parquet")
        rows += dirty.height
    return rows


def _chunks(by_day: pl.DataFrame) -> Iterator[list[date]]:
    days, size = list[date](), 0
    for day, rows in by_day.iter_rows():
        if days and size + rows > CHUNK_ROWS:
            yield days
            days, size = [], 0
        days.append(day)
        size += rows
    yield days


def _spoiled(chunk: pl.DataFrame) -> pl.DataFrame:
    place = pl.int_range(pl.len())
    again = chunk.gather_every(TWICE).with_columns(pl.col(SOURCE_ROW) + 1_000_000, pl.lit("N0AGAIN").alias("tailnum"))
    faults = [pl.when(place % step == 0).then(pl.lit(text)).otherwise(pl.col(name)).alias(name) for name, (text, step) in SPOILED.items()]
    return pl.concat([chunk.with_columns(faults), again])


def chunks(folder: Path) -> list[Path]:
    """The chunks, in order."""
    return sorted((folder / "chunks").glob("*.parquet"))


def flights(folder: Path) -> Contract:
    """The contract."""
    return load_contracts(folder / "contracts")[DATASET]


def references(folder: Path, contract: Contract) -> Mapping[tuple[str, Any], pl.Series]:
    """What its rules look into."""
    return reference_values(contract, {name: open_snapshot(folder / "lake", f"silver/{name}") for name in contract.upstream})


def kept(target: Path | None, number: int, published: pl.DataFrame, rejected: pl.DataFrame, counts: Mapping[str, Any]) -> None:
    """For the guard, outside of the measured rounds: write down what a side found in a chunk."""
    if target is not None:
        target.mkdir(parents=True, exist_ok=True)
        published.write_parquet(target / f"{number:03d}.published.parquet")
        rejected.write_parquet(target / f"{number:03d}.rejected.parquet")
        (target / f"{number:03d}.json").write_text(json.dumps(counts, sort_keys=True))


if __name__ == "__main__":
    (Path(sys.argv[1]) / "rows").write_text(f"{prepare(Path(sys.argv[1])):,}")
