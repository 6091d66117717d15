"""A whole backfill, killed again and again at random instants, is always good to read and ends where an unkilled one does."""

from __future__ import annotations

import random
import time
from datetime import date
from signal import SIGKILL
from typing import TYPE_CHECKING

import pytest

from assay.cli.lake_reader import connect
from assay.lake.snapshots import table_names
from command_line import as_program, shell
from flights.upstream import drop_files
from nursery import Child

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

FIRST, LAST = date(2013, 2, 1), date(2013, 2, 10)
KILLS = 8
SEED = 20130210


def start(home: Path) -> Child:
    return Child.start(as_program, "", "backfill", "--from", FIRST.isoformat(), "--to", LAST.isoformat(), environment=shell(home))


def run(home: Path) -> None:
    backfill = start(home)
    said = backfill.rest()
    assert backfill.code == 0, said


def accounts(home: Path) -> list[tuple[str, int, int]]:
    """For each published day: rows in bronze, and rows in silver or in what is visible of quarantine."""
    connection = connect(home / "lake")
    return connection.execute("""
        with fates as (
            select flight_date::varchar as day, count(*) as n from silver.flights group by 1
            union all select _partition, count(*) from quarantine.flights where _partition not like 'arrival/%' group by 1
        ), landed as (select _event_date::varchar as day, count(*) as n from bronze.flights group by 1)
        select landed.day, landed.n, sum(fates.n)::bigint from landed join fates using (day)
        where landed.day in (select flight_date::varchar from silver.flights) group by 1, 2
    """).fetchall()


def has(home: Path, *tables: str) -> bool:
    return set(tables) <= set(table_names(home / "lake"))


@pytest.mark.slow
def test_a_backfill_killed_at_random_instants_ends_where_an_unkilled_one_does(tmp_path: Path) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    for home in (calm, killed):
        drop_files(home / "landing", FIRST, LAST)
    began = time.monotonic()
    run(calm)
    whole = time.monotonic() - began
    chance = random.Random(SEED)
    for _ in range(KILLS):
        backfill = start(killed)
        time.sleep(chance.uniform(0.1, 1.0) * whole)
        backfill.end(SIGKILL)
        backfill.rest()
        if has(killed, "bronze/flights", "silver/flights", "quarantine/flights"):
            assert all(landed == found for _, landed, found in accounts(killed)), f"seed {SEED}"
    run(killed)
    assert table_names(killed / "lake") == table_names(calm / "lake")
    for name in table_names(calm / "lake"):
        left, right = (comparable(home, name) for home in (calm, killed))
        assert left.equals(right), f"{name}, seed {SEED}"


def comparable(home: Path, name: str) -> pl.DataFrame:
    """The rows that a reader of a table sees, in one order, without the run that made them."""
    rows = connect(home / "lake").sql(f"select * from {name.replace('/', '.')}").pl()
    rows = rows.drop([column for column in ("run_id",) if column in rows.columns])
    return rows.sort(rows.columns)
