"""What another tool has done to a published partition is named at the next plan, and the partition is made again."""

from __future__ import annotations

import shutil
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
import pytest
from calendar_products import Calendars, totals
from deltalake import DeltaTable, write_deltalake

from assay.cli.progress import announce
from assay.lake.snapshots import newest
from assay.orchestration.backfill import requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

NAME = "till"
LANDED = {"2024-01-02": [("2024-01-02T08:00:00Z", 1), ("2024-01-02T09:00:00Z", 2)], "2024-01-03": [("2024-01-03T08:00:00Z", 4)]}
RIGHT = {"2024-01-02": 3, "2024-01-03": 4}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Calendars:
    product = Calendars(tmp_path_factory.mktemp("till") / "till").readings(NAME, end="2024-03-01")
    for arrival, rows in LANDED.items():
        product.land(NAME, arrival, rows)
    assert set(product.backfill_lake().values()) == {None}
    assert product.backfill_lake() == {}
    return product


@pytest.fixture
def product(opened: Calendars, tmp_path: Path) -> Calendars:
    shutil.copytree(opened.folder, tmp_path / "till")
    return Calendars(tmp_path / "till")


def append(table: DeltaTable, day: str) -> None:
    """A row as another tool writes one; it is of a day, or of one that was never published."""
    rows = pl.read_parquet(table.file_uris()[0], hive_partitioning=True).head(1)
    write_deltalake(table, rows.with_columns(pl.lit(date.fromisoformat(day)).alias("period")).to_arrow(), mode="append")


CHANGES: dict[str, tuple[Callable[[DeltaTable], object], str, str]] = {
    "some rows are deleted": (lambda table: table.delete("value = 1"), "2024-01-02", "DELETE"),
    "a day is deleted": (lambda table: table.delete("period = '2024-01-02'"), "2024-01-02", "DELETE"),
    "a value is changed": (lambda table: table.update({"value": "5"}, predicate="value = 1"), "2024-01-02", "UPDATE"),
    "a row is appended": (lambda table: append(table, "2024-01-03"), "2024-01-03", "WRITE"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_another_tool_does_to_silver_is_named_and_made_again(product: Calendars, change: str) -> None:
    act, day, operation = CHANGES[change]
    table = DeltaTable(str(product.folder / f"home/lake/silver/{NAME}"))
    act(table)
    assert totals(product.world, f"silver/{NAME}") != RIGHT
    (due,) = product.world.planner().due([dg.AssetKey(["silver", NAME])])
    assert due.partitions == [day], "and no other"
    assert f"silver/{NAME}: {day} not as it was published: version {table.version()} ({operation}) was written by another" in due.note
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, f"silver/{NAME}") == RIGHT
    assert product.backfill_lake() == {}


def test_an_older_version_that_is_restored_has_as_many_rows_and_is_seen(product: Calendars, capsys: pytest.CaptureFixture[str]) -> None:
    product.land(NAME, "2024-01-03", [("2024-01-03T08:00:00Z", 8)])
    assert set(product.backfill_lake().values()) == {None}
    table = DeltaTable(str(product.folder / f"home/lake/silver/{NAME}"))
    table.restore(table.version() - 1)
    assert totals(product.world, f"silver/{NAME}") == RIGHT
    (due,) = product.world.planner().due([dg.AssetKey(["silver", NAME])])
    assert due.partitions == ["2024-01-03"]
    assert "(RESTORE) was written by another tool" in due.note
    (request,) = requests([due])
    announce(request)
    assert f"assay: {due.note}\n" in capsys.readouterr().err, "the command says so"
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, f"silver/{NAME}") == {**RIGHT, "2024-01-03": 8}


def test_rows_of_a_day_that_was_never_published_are_taken_out(product: Calendars) -> None:
    append(DeltaTable(str(product.folder / f"home/lake/silver/{NAME}")), "2024-02-01")
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, f"silver/{NAME}") == RIGHT
    assert product.backfill_lake() == {}


def test_gold_that_another_tool_has_changed_is_made_again_with_what_stands_beside_it_left_alone(product: Calendars) -> None:
    product.land(NAME, "2024-02-05", [("2024-02-05T08:00:00Z", 16)])
    product.model("sums", [NAME])
    assert set(product.backfill().values()) == {None}
    table = DeltaTable(str(product.folder / "home/lake/gold/sums"))
    table.update({"total": "total + 1"}, predicate="moment = '2024-01-02'")
    (due,) = product.world.planner().due([dg.AssetKey(["gold", "sums"])])
    assert due.partitions == ["2024-01-01"]
    assert f"gold/sums: 2024-01-01 not as it was published: version {table.version()} (UPDATE)" in due.note
    assert set(product.backfill().values()) == {None}
    assert totals(product.world, "gold/sums") == {"2024-01-01": 7, "2024-02-01": 16}
    assert product.due() == {}
    snapshot = newest(product.world.settings.lake, "gold/sums")
    assert snapshot is not None
    assert len(snapshot.files) == 2
