"""What the model has found, each as the few steps that matter."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
import pytest
from deltalake import write_deltalake
from lake_accidents import Damage, cut_entry, damage_file, maintain, mend_all, throw_away
from lake_invariants import gold_is_a_function_of_silver_now, no_erased_value_is_anywhere, the_plan_is_empty
from lake_oracle import Place
from lake_product import KIND, METERS, PEOPLE, SALES
from lake_quick import quick
from lake_rows import held_places, silver_rows, sources_of
from lake_tables import Contents, Tables
from lake_world import World, make_bronze, make_gold, make_silver, tokens_of
from lake_writers import Kind, Writer, points

from assay.contracts.model.contract import ARRIVAL
from assay.erasure.person_search import contents_in, data_files
from assay.erasure.proving import NotErased
from assay.erasure.removing import Person, remove_from_bronze
from assay.errors import Superseded, TableDamaged
from assay.lake.log import checkpoint
from assay.lake.quarantine.decisions import Kind as DecisionKind
from assay.lake.snapshots import newest, open_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[World]:
    made = World.make()
    with quick():
        yield made
    made.remove()


@pytest.mark.parametrize(
    ("dataset", "row", "days"),
    [
        (SALES, ("1", PEOPLE[0], "10"), ("2024-01-30", "2024-01-31")),  # two days of one month
        (METERS, ("1", "10"), ("2024-01-31", "2024-02-01")),  # two months, both in reach of a month in another zone
    ],
)
def test_a_file_that_is_sent_again_under_another_day_reaches_gold(
    world: World, dataset: str, row: tuple[str, ...], days: tuple[str, str]
) -> None:
    """The partition is no part of a data file: that its bytes are the same does not say that its rows are."""
    other, beside = (SALES, ("9", PEOPLE[1], "90")) if dataset == METERS else (METERS, ("9", "90"))
    world.land(other, f"{other}_2024-02-02_a", [("2024-02-02", *beside)])
    for day in days:
        world.land(dataset, f"{dataset}_2024-01-31_a", [(day, *row)])
        assert [one.failure for one in world.backfill(world.planner()) if one.failure] == []
        gold_is_a_function_of_silver_now(Tables(world.lake).caught_up())
        the_plan_is_empty(world)


def test_an_archived_file_keeps_its_rows_when_another_of_its_content_is_sent_again(world: World) -> None:
    """Each content is taken once. Taken over by the name that lands later, it went with what was sent again under that."""
    one, other = (("2024-01-30", "1", PEOPLE[0], "10"),), (("2024-01-30", "2", PEOPLE[1], "20"),)
    world.land(SALES, "sales_2024-01-30_b", one)
    for content in (one, other):
        assert [ran.failure for ran in world.backfill(world.planner()) if ran.failure] == []
        if content is one:
            world.archive(SALES, "sales_2024-01-30_b")
        world.land(SALES, "sales_2024-01-30_a", content)
        assert [ran.failure for ran in world.backfill(world.planner()) if ran.failure] == []
    tables = Tables(world.lake).caught_up()
    assert {*sources_of(tables.newest("bronze/sales"))} == {"sales_2024-01-30_a", "sales_2024-01-30_b"}
    assert silver_rows(tables.newest("silver/sales")) == {"2024-01-30": [(1, 10), (2, 20)]}
    the_plan_is_empty(world)


ADA, BOB, EVE = PEOPLE


def settled(world: World) -> None:
    assert [one.failure for one in world.backfill(world.planner()) if one.failure] == []


@contextmanager
def killed_after(world: World, person: str, table: str) -> Iterator[None]:
    """An erasure of which inside nothing is left but what it had done when it had first committed to a table."""
    writer = Writer("erase", partial(world.erase, world.planner(), person))
    while writer.at != (Kind.COMMITTED, table):
        writer.resume()
        assert not writer.done, writer.error
    yield
    writer.end()


def test_a_person_can_be_erased_after_another_ones_erasure_took_the_bronze_that_said_which_old_day_was_theirs(world: World) -> None:
    """An old file of silver tells by itself whose it is. Before, the proof found it, and no second try removed it."""
    for day in ("2024-01-30", "2024-02-02"):
        world.land(SALES, "sales_2024-01-31_a", [(day, "1", ADA, "10"), ("someday", "2", EVE, "20")])
        settled(world)
    tokens = tokens_of(world)
    for person in (EVE, ADA):
        world.erase(world.planner(), person)
    no_erased_value_is_anywhere(world.home, [EVE, ADA], tokens, Contents())
    settled(world)
    gold_is_a_function_of_silver_now(Tables(world.lake).caught_up())


def test_an_erasure_that_was_killed_at_once_still_knows_the_rows_when_ingest_and_another_erasure_have_forgotten_them(world: World) -> None:
    """The record that lets ingest leave a person out says where they were. Before, quarantine kept the row, and the receipt said 0."""
    rows = [("2024-01-30", "1", EVE, "10"), ("2024-01-31", "2", BOB, "-1"), ("2024-01-31", "3", ADA, "10")]
    world.land(SALES, "sales_2024-01-31_a", rows)
    settled(world)
    with points(), killed_after(world, BOB, "erasures/requests"):
        make_bronze(world.run(force=True), world.contracts[SALES], None)
        settled(world)
        world.erase(world.planner(), EVE)
        receipt = world.erase(world.planner(), BOB)
    assert receipt.detail["rows"] == {SALES: 1}
    quarantine = newest(world.lake, "quarantine/sales")
    assert quarantine is not None
    assert quarantine.rows == 0


def test_a_writer_that_takes_constraints_away_has_not_seen_what_another_publishes_right_then(world: World) -> None:
    """Taking them away is a commit of its own, after which the table is as it is: not as it was looked at. Before, the older rows came back."""
    world.land(METERS, "meters_2024-01-31_a", [("2024-01-31", "1", "10")])
    settled(world)
    world.versions[METERS] = "1.1.0"
    late = Writer("refine", partial(make_silver, world.run(force=True), world.contracts[METERS], None))
    with points():
        while late.at != (Kind.COMMITTED, "silver/meters"):
            late.resume()
            assert not late.done, late.error
        world.land(METERS, "meters_2024-01-31_a", [("2024-01-31", "1", "20")])
        make_bronze(world.run(), world.contracts[METERS], None)
        make_silver(world.run(), world.contracts[METERS], None)
        while not late.done:
            late.resume()
    assert isinstance(late.error, Superseded)
    silver = Tables(world.lake).caught_up().newest("silver/meters")
    assert silver is not None
    assert [row["amount"] for row in silver.rows()] == [20]


def test_a_build_of_gold_that_is_overtaken_between_two_looks_does_not_go_back_to_older_silver(world: World) -> None:
    """What it makes it looks at first. Before, it took the newer month for what it had read, and published it from the older sales."""
    world.land(METERS, "meters_2024-01-31_a", [("2024-01-31", "1", "10")])
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-31", "1", ADA, "10")])
    settled(world)
    world.land(METERS, "meters_2024-01-31_a", [("2024-01-31", "1", "20")])
    make_bronze(world.run(), world.contracts[METERS], None)
    make_silver(world.run(), world.contracts[METERS], None)
    planner = world.planner()
    asked = [
        replace(one, fingerprints={"2024-01-01": 0}) for one in planner.due([dg.AssetKey(["gold", name]) for name in ("monthly", "both")])
    ]
    late = Writer("gold", partial(make_gold, planner, asked))  # it makes `both` alone: of the other model nothing is due
    with points():
        while late.at != (Kind.LOOK, "gold/both") or not late.places:
            late.resume()
            assert not late.done, late.error
        world.land(SALES, "sales_2024-01-31_a", [("2024-01-31", "1", ADA, "20")])
        settled(world)
        while not late.done:
            late.resume()
    assert late.error is None
    the_plan_is_empty(world)


def test_an_erasure_leaves_the_decision_about_another_ones_row_that_was_once_at_the_same_place_of_the_file(world: World) -> None:
    """A file that is sent again has another one's row there. Before, the older publication that quarantine still keeps told of it as theirs."""
    for buyer in (BOB, ADA):
        world.land(SALES, "sales_2024-01-31_a", [("2024-01-31", "1", buyer, "-1")])
        settled(world)
        if buyer == BOB:
            assert world.decide(SALES, DecisionKind.DISCARD) is not None
    world.erase(world.planner(), ADA)
    decisions = newest(world.lake, "decisions/sales")
    assert decisions is not None
    assert decisions.rows == 1


def test_an_erasure_that_leaves_nothing_of_a_file_makes_no_day_due(world: World) -> None:
    """Only a file that landed without a row says that its day is empty. Before, the next backfill published one that had never had a row."""
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-30", "1", ADA, "10")])
    settled(world)
    world.erase(world.planner(), ADA)
    the_plan_is_empty(world)


@pytest.mark.parametrize(("how", "number"), [("delete", "2"), ("delete", "1"), ("update", "2"), ("append", "2")])
@pytest.mark.parametrize("person", [ADA, BOB])
def test_an_erasure_takes_what_another_tool_has_changed_as_it_was_published(world: World, how: str, number: str, person: str) -> None:
    """With the old files the rows as they landed go. Before, nothing had those of others any more when landing had been archived."""
    rows = {ADA: ("2024-01-30", "1", ADA, "10"), BOB: ("2024-01-30", "2", BOB, "20"), EVE: ("2024-01-31", "2", EVE, "30")}
    world.land(SALES, "sales_2024-01-31_a", [*rows.values()])
    settled(world)
    world.archive(SALES, "sales_2024-01-31_a")
    assert world.changed_by_another("bronze/sales", how, number)
    world.erase(world.planner(), person)
    settled(world)
    silver = Tables(world.lake).caught_up().newest("silver/sales")
    assert silver is not None
    assert sorted(row["amount"] for row in silver.rows()) == sorted(int(row[-1]) for one, row in rows.items() if one != person)
    no_erased_value_is_anywhere(world.home, [person], tokens_of(world), Contents())
    the_plan_is_empty(world)


def test_a_row_that_another_tool_has_added_is_counted_when_an_erasure_removes_it(world: World) -> None:
    for arrival, person in (("2024-01-30", ADA), ("2024-01-31", EVE)):
        world.land(SALES, f"sales_{arrival}_a", [(arrival, "1", person, "10")])
    settled(world)
    table = open_snapshot(world.lake, "bronze/sales")
    copied = table.scan().collect().filter(pl.col("buyer") == ADA).with_columns(pl.lit("2024-01-31").str.to_date().alias(ARRIVAL))
    write_deltalake(str(world.lake / "bronze/sales"), copied.to_arrow(), mode="append")
    contract = world.run().contracts[SALES]
    assert remove_from_bronze(world.lake, contract, Person(KIND, ADA)) == 2
    assert remove_from_bronze(world.lake, contract, Person(KIND, ADA)) == 0


def rejected_contents(world: World) -> set[str]:
    """Of which contents any file of quarantine has rows, whether or not a version names it."""
    return set[str]().union(*(contents_in(path, "source_hash") for path in data_files(world.lake / "quarantine/sales")))


def publish_bobs_instead(world: World, amount: str) -> None:
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-30", "3", BOB, amount), ("2024-01-31", "4", BOB, amount)])
    settled(world)


@pytest.mark.parametrize("overtaken", [True, False])
def test_rejected_rows_that_nobody_is_shown_go_with_the_last_file_of_their_content(world: World, *, overtaken: bool) -> None:
    """Only bronze says whose they are. Before, the next who left was not found there, and got a receipt."""
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-30", "1", EVE, "-1"), ("2024-01-31", "2", ADA, "-1")])
    if overtaken:
        make_bronze(world.run(), world.contracts[SALES], None)
        with points():
            late = Writer("refine", partial(make_silver, world.run(), world.contracts[SALES], None))
            while late.at != (Kind.COMMIT, "quarantine/sales"):
                late.resume()
            publish_bobs_instead(world, "10")
            while not late.done:
                late.resume()
        assert isinstance(late.error, Superseded)
    else:
        settled(world)
        for amount in ("10", "20", "30"):
            publish_bobs_instead(world, amount)
    assert len(rejected_contents(world)) == 1
    world.erase(world.planner(), EVE)
    assert rejected_contents(world) == set()
    world.erase(world.planner(), ADA)
    the_plan_is_empty(world)


def test_a_partition_of_which_every_row_was_rejected_goes_with_its_calendar(world: World) -> None:
    """It has no file, and quarantine showed its rows under it as long as its table named it. Before, they were shown twice."""
    world.land(METERS, "meters_2024-01-31_a", [("2024-01-31", "1", "10"), ("2024-02-01", "2", "many")])
    settled(world)
    world.versions[METERS] = "2.3.0"  # it ends with January
    settled(world)
    held = held_places(METERS, Tables(world.lake).caught_up())
    assert held == {"arrival/2024-01-31": {Place("meters_2024-01-31_a", 2)}}
    the_plan_is_empty(world)


def test_an_erasure_names_the_file_of_bronze_that_is_cut_before_it_changes_anything(world: World) -> None:
    """Nobody can tell whom it names. Before, it ended with a fault of a library whose words were hidden."""
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-30", "1", ADA, "10")])
    settled(world)
    bronze = Tables(world.lake).caught_up().newest("bronze/sales")
    assert bronze is not None
    damage_file(bronze.files[0], Damage.CUT)
    with pytest.raises(TableDamaged, match=r"bronze/sales at version 1; .* has \d+ bytes, not \d+"):
        world.erase(world.planner(), ADA)
    assert newest(world.lake, "erasures/requests") is None
    settled(world)
    with pytest.raises(NotErased, match="is damaged: nobody can tell whom it names, so delete it"):
        world.erase(world.planner(), ADA)
    throw_away(world, [bronze.files[0].path])
    world.erase(world.planner(), ADA)


def test_a_cut_entry_is_mended_of_which_a_checkpoint_says_the_same(world: World) -> None:
    """Whoever opens a table looks at its newest entry, too. Before, nobody could read the table, and a check found nothing."""
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-30", "1", ADA, "10")])
    settled(world)
    bronze = Tables(world.lake).caught_up().newest("bronze/sales")
    assert bronze is not None
    assert checkpoint(world.lake / bronze.name) == bronze.version
    cut_entry(world.lake, bronze)
    with pytest.raises(TableDamaged, match="bronze/sales"):
        newest(world.lake, bronze.name)
    mend_all(world, shown=False)
    the_plan_is_empty(world)
    mended = newest(world.lake, bronze.name)
    assert mended is not None
    assert [file.path for file in mended.files] == [file.path for file in bronze.files]


@pytest.mark.parametrize("forgotten", [True, False])
def test_a_row_that_lands_again_while_somebody_else_is_erased_stays_held(world: World, *, forgotten: bool) -> None:
    """It was at the place of theirs in an earlier content. Before, quarantine lost it: it was nowhere until the next backfill."""
    bobs = [("2024-01-30", "1", BOB, "-1")]
    for rows in (bobs, [("2024-01-31", "1", ADA, "10")]):
        world.land(SALES, "sales_2024-01-31_a", rows)
        settled(world)
    if forgotten:
        maintain(world, world.planner())
    with points(), killed_after(world, ADA, "erasures/requests"):
        world.land(SALES, "sales_2024-01-31_a", bobs)
        settled(world)
        world.erase(world.planner(), ADA)
    assert held_places(SALES, Tables(world.lake).caught_up()) == {"2024-01-30": {Place("sales_2024-01-31_a", 1)}}
    the_plan_is_empty(world)


def test_an_erasure_takes_nothing_of_somebody_whose_row_is_shown_where_silver_waits(world: World) -> None:
    """In bronze there is another row at its place already. Before, the decision about it went, too, for good."""
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-30", "1", BOB, "-1")])
    settled(world)
    assert world.decide(SALES, DecisionKind.DISCARD) is not None
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-31", "1", ADA, "10")])
    make_bronze(world.run(), world.contracts[SALES], None)
    assert world.erase(world.planner(), ADA).detail["rows"] == {SALES: 1}
    tables = Tables(world.lake).caught_up()
    assert held_places(SALES, tables) == {"2024-01-30": {Place("sales_2024-01-31_a", 1)}}
    decisions = tables.newest("decisions/sales")
    assert decisions is not None
    assert len(decisions.rows()) == 1


def test_what_is_shown_of_a_content_that_an_erasure_took_goes_before_the_next_receipt(world: World) -> None:
    """Nobody can tell whose it is, so its partition is built again. Before, the next who left had a receipt, and her row was shown."""
    world.land(SALES, "sales_2024-01-31_a", [("2024-01-31", "1", ADA, "10"), ("2024-01-30", "2", EVE, "-1")])
    settled(world)
    world.land(SALES, "sales_2024-01-31_a", [("2024-02-01", "1", BOB, "10")])
    make_bronze(world.run(), world.contracts[SALES], None)
    for person in (ADA, EVE):
        world.erase(world.planner(), person)
    assert rejected_contents(world) == set()
    settled(world)
    the_plan_is_empty(world)


def test_what_landed_empty_is_published_with_the_new_calendar(world: World) -> None:
    """Its day is a partition of the new table as it was of the old one. Before, a second backfill found it due."""
    for day, rows in (("2024-01-30", []), ("2024-01-31", [("2024-01-31", "1", BOB, "10")])):
        world.land(SALES, f"sales_{day}_a", rows)
    settled(world)
    world.versions[SALES] = "2.1.0"  # days of another zone
    settled(world)
    the_plan_is_empty(world)
