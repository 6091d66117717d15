"""What another tool has done to a published partition is named at the next plan, and the partition is made again."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
import pytest
from calendar_products import Calendars, totals
from deltalake import DeltaTable, write_deltalake

from assay.cli.lake_facts import facts
from assay.cli.progress import announce
from assay.lake.log_entries import committed_at
from assay.lake.quarantine.store import ARRIVALS, visible_files
from assay.lake.snapshots import newest
from assay.orchestration.backfill import requests
from assay.orchestration.reconciliation import fates_of

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
    rows, (column,) = pl.read_parquet(table.file_uris()[0], hive_partitioning=True).head(1), table.metadata().partition_columns
    write_deltalake(table, rows.with_columns(pl.lit(date.fromisoformat(day)).alias(column)).to_arrow(), mode="append")


CHANGES: dict[str, tuple[Callable[[DeltaTable], object], str, str]] = {
    "some rows are deleted": (lambda table: table.delete("value = 1"), "2024-01-02", "DELETE"),
    "a day is deleted": (lambda table: table.delete("period = '2024-01-02'"), "2024-01-02", "DELETE"),
    "a value is changed": (lambda table: table.update({"value": "5"}, predicate="value = 1"), "2024-01-02", "UPDATE"),
    "a row is appended": (lambda table: append(table, "2024-01-03"), "2024-01-03", "WRITE"),
}  # fmt: skip


def assert_named(product: Calendars, layer: str, key: str, who: str) -> None:
    """The plan says which partition was changed, and by whom."""
    (due,) = product.world.planner().due([dg.AssetKey([layer, NAME])])
    assert due.partitions == [key], "and no other"
    assert f"{layer}/{NAME}: {key} not as it was published: {who} was written by another" in due.note


@pytest.mark.parametrize("change", CHANGES)
def test_what_another_tool_does_to_silver_is_named_and_made_again(product: Calendars, change: str) -> None:
    act, day, operation = CHANGES[change]
    table = DeltaTable(str(product.folder / f"home/lake/silver/{NAME}"))
    act(table)
    assert totals(product.world, f"silver/{NAME}") != RIGHT
    assert_named(product, "silver", day, f"version {table.version()} ({operation})")
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


LANDED_CHANGES: dict[str, tuple[Callable[[DeltaTable], object], str, str]] = {
    "a row is deleted": (lambda table: table.delete("value = '1'"), "2024-01-02", "DELETE"),
    "an arrival is deleted": (lambda table: table.delete("_arrival_date = '2024-01-02'"), "2024-01-02", "DELETE"),
    "a value is changed": (lambda table: table.update({"value": "'5'"}, predicate="value = '1'"), "2024-01-02", "UPDATE"),
    "a row is appended": (lambda table: append(table, "2024-01-03"), "2024-01-03", "WRITE"),
    "an older version is restored": (lambda table: table.restore(table.version() - 1), "2024-01-02", "RESTORE"),
}  # fmt: skip


@pytest.mark.parametrize("archived", [False, True], ids=["in landing", "archived"])
@pytest.mark.parametrize("change", LANDED_CHANGES)
def test_what_another_tool_does_to_bronze_is_named_and_made_again_as_it_landed(product: Calendars, change: str, archived: bool) -> None:
    act, arrival, operation = LANDED_CHANGES[change]
    right = RIGHT
    if operation == "RESTORE":
        product.land(NAME, "2024-01-02", [("2024-01-02T08:00:00Z", 1), ("2024-01-02T09:00:00Z", 7)])
        assert set(product.backfill_lake().values()) == {None}
        right = {**RIGHT, "2024-01-02": 8}
    if archived:
        shutil.rmtree(product.folder / f"home/landing/{NAME}")
    table = DeltaTable(str(product.folder / f"home/lake/bronze/{NAME}"))
    act(table)
    assert_named(product, "bronze", arrival, f"version {table.version()} ({operation})")
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, f"silver/{NAME}") == right
    assert product.backfill_lake() == {}


def append_again(table: DeltaTable) -> None:
    write_deltalake(table, table.to_pyarrow_table(), mode="append")


@pytest.mark.parametrize("change", [DeltaTable.delete, append_again], ids=["deleted", "appended"])
def test_rows_of_quarantine_that_lie_in_no_event_partition_are_made_again(
    product: Calendars, change: Callable[[DeltaTable], object]
) -> None:
    product.land(NAME, "2024-01-04", [("2024-01-04T08:00:00Z", 8), ("soon", 16)])
    assert set(product.backfill_lake().values()) == {None}
    table = DeltaTable(str(product.folder / f"home/lake/quarantine/{NAME}"))
    change(table)
    (due,) = product.world.planner().due([dg.AssetKey(["bronze", NAME])])
    assert due.partitions == ["2024-01-04"]
    assert f"bronze/{NAME}: 2024-01-04 not as it was published: version {table.version()} (" in due.note
    assert f" of quarantine/{NAME} was written by another tool" in due.note
    assert set(product.backfill_lake().values()) == {None}
    fates = fates_of(product.folder / "home/lake", product.world.planner().contracts[NAME])
    assert fates is not None
    assert (fates.closes, fates.held) == (True, 1)
    assert product.backfill_lake() == {}


def test_a_quarantine_that_was_updated_has_as_many_rows_and_is_made_again(product: Calendars) -> None:
    product.land(NAME, "2024-01-04", [("2024-01-04T08:00:00Z", 8), "2024-01-04T09:00:00Z,many", ("soon", 16)])  # type: ignore[list-item]
    assert set(product.backfill_lake().values()) == {None}
    right = reasons(product)
    table = DeltaTable(str(product.folder / f"home/lake/quarantine/{NAME}"))
    for layer, prefix in (("bronze", ARRIVALS), ("silver", "")):
        table.update({"reason": "'it is fine'"}, predicate=f"_partition = '{prefix}2024-01-04'")
        (due,) = product.world.planner().due([dg.AssetKey([layer, NAME])])
        assert due.partitions == ["2024-01-04"]
        assert f"{table.version()} (UPDATE) of quarantine/{NAME} was written by another tool" in due.note
        assert set(product.backfill_lake().values()) == {None}
        assert reasons(product) == right
        assert product.backfill_lake() == {}
        table.update_incremental()


def reasons(product: Calendars) -> list[str]:
    """Those of the rows that a reader sees."""
    published = {prefix: newest(product.world.settings.lake, f"{layer}/{NAME}") for prefix, layer in (("", "silver"), (ARRIVALS, "bronze"))}
    table = newest(product.world.settings.lake, f"quarantine/{NAME}")
    assert table is not None
    seen = {file.path for file in visible_files(table, published)}
    return sorted(table.scan(lambda file: file.path in seen, ["reason"]).collect()["reason"])


def only_bronze_had_it(product: Calendars) -> DeltaTable:
    """The rows of an archived arrival, which another tool has changed, and whose versions before it has vacuumed."""
    shutil.rmtree(product.folder / f"home/landing/{NAME}")
    table = DeltaTable(str(product.folder / f"home/lake/bronze/{NAME}"))
    table.update({"value": "'5'"}, predicate="value = '1'")
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    return table


def test_rows_that_nobody_has_as_they_landed_are_refused_by_name_until_their_file_is_back(product: Calendars) -> None:
    file = product.folder / f"home/landing/{NAME}/{NAME}_2024-01-02.csv"
    text = file.read_text()
    only_bronze_had_it(product)
    failed = product.backfill_lake()
    assert any(f"{NAME}_2024-01-02.csv from bronze; another tool has changed them" in str(error) for error in failed.values())
    assert totals(product.world, f"silver/{NAME}") == RIGHT, "nothing of it is published"
    file.parent.mkdir()
    file.write_text(text)
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, f"silver/{NAME}") == RIGHT
    assert product.backfill_lake() == {}


def test_by_choice_the_change_of_another_tool_is_taken_for_what_has_landed(product: Calendars) -> None:
    only_bronze_had_it(product)
    assert set(product.backfill_lake(force=True).values()) == {None}
    assert totals(product.world, f"silver/{NAME}") == {**RIGHT, "2024-01-02": 7}
    assert product.backfill_lake() == {}


def test_of_arrivals_of_months_and_of_a_table_without_arrivals_as_well(tmp_path: Path) -> None:
    product = Calendars(tmp_path / "two").readings("meter", zone="America/Lima", arrival="month", end="2024-03-01")
    product.reference("places").land("places", "2024-01-01", ["Lima", "Oslo"])
    product.land("meter", "2024-01-05", [("2024-01-02T08:00:00Z", 1)])
    product.land("meter", "2024-01-06", [("2024-01-03T08:00:00Z", 2)])
    assert set(product.backfill_lake().values()) == {None}
    shutil.rmtree(product.folder / "home/landing")
    lake = product.folder / "home/lake/bronze"
    DeltaTable(str(lake / "meter")).update({"value": "'5'"}, predicate="value = '1'")
    DeltaTable(str(lake / "places")).update({"place": "'Bergen'"}, predicate="place = 'Oslo'")
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, "silver/meter") == {"2024-01-02": 1, "2024-01-03": 2}
    assert set(product.world.rows("silver/places")["place"]) == {"Lima", "Oslo"}
    assert product.backfill_lake() == {}


def test_a_commit_that_says_nothing_of_itself_is_one_like_any_other(product: Calendars) -> None:
    """The Delta protocol does not ask for it; delta-rs leaves such commits out and gives their numbers to those before."""
    table = newest(product.world.settings.lake, f"silver/{NAME}")
    assert table is not None
    silent = table.folder / "_delta_log" / f"{table.version + 1:020d}.json"
    silent.write_text(json.dumps({"txn": {"appId": "another", "version": 1}}) + "\n")
    now = newest(product.world.settings.lake, f"silver/{NAME}")
    assert now is not None
    said, before = [*now.history()], [*table.history()]
    assert [one["version"] for one in said] == list(range(now.version, -1, -1))
    assert said[1:] == before
    assert f"{committed_at(silent.parent, now.version):%Y}" == f"{datetime.now(UTC):%Y}"
    assert {one.name for one in facts(product.world.settings.lake)[0]} >= {f"bronze/{NAME}", f"silver/{NAME}"}
    assert product.backfill_lake() == {}
    product.land(NAME, "2024-01-03", [("2024-01-03T08:00:00Z", 8)])
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, f"silver/{NAME}") == {**RIGHT, "2024-01-03": 8}


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
