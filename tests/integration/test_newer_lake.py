"""A lake of which one table was written by a newer Assay: it is refused by name, before anything is written, and its neighbours go on."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from calendar_products import Calendars, totals
from damaged_shop import READABLE, TABLES, build, copy_of, tree_of
from payers_till import ADA, BOB, Till

from assay.cli.lake_reader import query
from assay.erasure.removing import Person
from assay.errors import FormatNewer
from assay.lake.checking import damage_of
from assay.lake.erasures import erasures, raise_fence
from assay.lake.snapshots import open_snapshot
from assay.maintenance.cleaning import Survey
from assay.orchestration.erasing import Erasing
from assay.settings import Settings
from command_line import assay, shell
from newer_lake import written_by_a_newer
from people import PAYMENT, csv_of

if TYPE_CHECKING:
    from pathlib import Path

    from order_shop import Shop

    from command_line import Done

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return build(tmp_path_factory.mktemp("shop"))


def run(lake: Path, *arguments: str) -> Done:
    return assay(*arguments, environment=shell(lake.parent, ASSAY_CONTRACTS=str(lake.parent / "contracts")))


# quarantine shows what the tables of the first group say of it
GROUPS = (
    ("bronze/orders", "claims/orders", "decisions/orders", "gold/in_all", "silver/orders"),
    ("bronze/customers", "erasures/requests", "gold/by_month", "quarantine/orders", "silver/customers"),
)  # fmt: skip


@pytest.mark.parametrize("newer", GROUPS, ids=["what decides what is shown", "the others"])
def test_newer_tables_of_any_kind_are_named_and_no_other_is_concerned(built: Shop, tmp_path: Path, newer: tuple[str, ...]) -> None:
    lake = copy_of(built, tmp_path / "home")
    for one in newer:
        written_by_a_newer(lake, one)
    before = tree_of(lake)
    listed = run(lake, "tables")
    assert listed.returncode == 1
    others = [one for one in TABLES if one not in newer and (one != "quarantine/orders" or "silver/orders" not in newer)]
    assert all(one in listed.stdout for one in others), listed.stdout
    for one in others:
        if one.partition("/")[0] in READABLE:
            assert query(lake, f"select count(*) from {one.replace('/', '.')}").fetchone()
    for one in newer:
        assert f"assay: Tried to open {one}; it is of format version 2, written by assay/9.9.9." in listed.stderr
        if one.partition("/")[0] in READABLE:
            with pytest.raises(FormatNewer, match=f"Tried to open {one}"):
                query(lake, f"select * from {one.replace('/', '.')}")
    for more in (["--deep"], ["--mend", *newer]):
        checked = run(lake, "check-lake", *more)
        assert checked.returncode == 1, more
        assert all(f"{one}: . cannot be checked by this Assay: Tried to open {one}" in checked.stderr for one in newer), checked.stderr
        assert not [one for one in others if f"{one}: " in checked.stderr], checked.stderr
    assert tree_of(lake) == before
    assert {one for one in TABLES if damage_of(lake, one)} == {*newer}


def test_nothing_of_a_newer_table_is_cleaned_away(built: Shop, tmp_path: Path) -> None:
    lake = copy_of(built, tmp_path / "home")
    survey = Survey(Settings(lake.parent, tmp_path), datetime.now(UTC) + timedelta(days=9), timedelta(days=1), lambda *_: False)
    (lake / "gold/by_month/.left.tmp").write_bytes(b"left by a writer")
    goes = {one.name for one in survey.cleanings() if one.removals}
    assert {"gold/by_month", "gold/in_all"} <= goes
    written_by_a_newer(lake, "gold/by_month")
    found = {one.name: one for one in survey.cleanings()}
    left = {one for one in goes if one != "gold/by_month" and not one.startswith("bronze/")}  # from bronze it may have been made
    assert {name for name, one in found.items() if one.removals} == left
    assert "format version 2" in found["gold/by_month"].told


def test_what_a_newer_assay_published_is_a_problem_of_its_own_and_the_others_are_made(tmp_path: Path) -> None:
    product = Calendars(tmp_path).readings("till").readings("other")
    for name in ("till", "other"):
        product.land(name, "2024-01-01", [("2024-01-01T10:00:00+00:00", 1)])
    assert set(product.backfill_lake().values()) == {None}
    lake = product.folder / "home/lake"
    written_by_a_newer(lake, "silver/till")
    before = tree_of(lake / "silver/till")
    for name in ("till", "other"):
        product.land(name, "2024-01-02", [("2024-01-02T10:00:00+00:00", 2)])
    planner = product.lake_planner()
    planned = {one.key.to_user_string(): one for stage in planner.stages for one in planner.due(stage.keys)}
    assert planned["bronze/other"].partitions == planned["bronze/till"].partitions == ["2024-01-02"]
    assert "Tried to open silver/till; it is of format version 2" in planned["silver/till"].problem
    said = product.backfill_lake()
    assert "Tried to open silver/till" in str(said)
    assert totals(product.world, "silver/other") == {"2024-01-01": 1, "2024-01-02": 2}
    assert open_snapshot(lake, "bronze/till").rows == 2
    assert tree_of(lake / "silver/till") == before


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Till:
    """Payments of people, bronze and silver alone."""
    return Till.open(tmp_path_factory.mktemp("till"))


def test_while_nobody_can_tell_who_was_erased_nothing_lands_and_an_erasure_refuses_before_it_writes(till: Till, tmp_path: Path) -> None:
    product = till.product
    assert set(product.backfill_lake().values()) == {None}
    lake = product.folder / "home/lake"
    for newer in ("bronze/members", "erasures/requests"):
        raise_fence(lake, [])
        shutil.copytree(lake, tmp_path / newer)
        written_by_a_newer(lake, newer)
        before = tree_of(lake)
        planner = product.lake_planner()
        erasing = Erasing(planner, Person("customer", ADA), "ada", lambda _: (), lambda _: None)
        with pytest.raises(FormatNewer, match=f"Tried to open {newer}"):
            erasing.execute()
        if newer == "erasures/requests":
            till.land("payments", "2024-03-06", csv_of(PAYMENT, [{"day": "2024-03-06", "payer": BOB}]))
            said = product.backfill_lake()
            assert f"Tried to open {newer}" in str(said["bronze/payments 2024-03-06"]), said
        assert tree_of(lake) == before
        shutil.rmtree(lake)
        shutil.copytree(tmp_path / newer, lake)
    assert erasures(lake) == []
