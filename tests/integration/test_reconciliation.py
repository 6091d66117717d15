"""Every row that landed has one fate, counted where it landed and where it went; a sum that does not close makes its partition outdated."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

import dagster as dg
import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st
from order_shop import Shop, day

from assay.cli.quarantine_reports import sums_of
from assay.errors import AssayError
from assay.lake.erasures import begin
from assay.orchestration.metadata import outcome_metadata
from assay.orchestration.plan import Planner
from assay.orchestration.reconciliation import Fates, fates_of, with_waiting
from assay.refine.inputs import Inputs
from assay.settings import Settings
from assay.steps import Status
from orders import ORDERS, write_contracts

if TYPE_CHECKING:
    from pathlib import Path

    from assay.gold.step import Project
    from assay.lake.slices import Slice

OPEN = ("start: 2024-01-01, end: 2024-02-01}", "start: 2024-01-01}")
MONTHS = ("value: {grain: day, start: 2024-01-01, end: 2024-02-01}", "value: {grain: month, start: 2024-01-15, end: 2024-03-10}")
MIXED = [
    {"number": "1"}, {"number": "2", "amount": "-1"}, {"number": "3"}, {"number": "3"}, {"number": "4", "day": "soon"},
    {"number": "5", "day": "2023-12-31"}, {"number": "6", "day": "2024-02-01"}, {"number": "7", "day": None},
]  # fmt: skip


def opened(folder: Path, *changes: tuple[str, str]) -> Shop:
    text = ORDERS
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return Shop(folder / "home", write_contracts(folder / "contracts", text)).open()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return opened(tmp_path)


def fates(shop: Shop) -> Fates:
    found = fates_of(shop.home / "lake", shop.orders)
    assert found is not None
    return found


def due(shop: Shop, layer: str) -> list[str]:
    planner = Planner(shop.run(), shop.contracts, cast("Project", None))
    return planner.due([dg.AssetKey([layer, "orders"])])[0].partitions


def built(shop: Shop) -> Shop:
    shop.drop(1, MIXED)
    shop.ingest([1])
    shop.refine([1])
    assert (due(shop, "bronze"), due(shop, "silver")) == ([], [])
    return shop


def table(shop: Shop, layer: str) -> DeltaTable:
    return DeltaTable(str(shop.home / "lake" / layer / "orders"))


def test_what_lies_in_no_partition_is_held_by_the_rule_that_says_why(shop: Shop) -> None:
    shop.drop(1, MIXED)
    assert shop.ingest([1])[day(1)].broken == {"event_time_before_end": 1, "event_time_from_start": 1, "event_time_readable": 2}
    held = shop.visible_quarantine().sort("source_row")["reason"].to_list()
    assert held == [
        "event_time_readable: `day` gives no yyyy-MM-dd. Found soon.",
        "event_time_from_start: 2023-12-31 is before 2024-01-01, where the event partitions of the contract start.",
        "event_time_before_end: 2024-02-01 is not before 2024-02-01, where the event partitions of the contract end.",
        "event_time_readable: `day` gives no yyyy-MM-dd. Found no value.",
    ]


def test_a_found_date_is_not_told_where_it_may_be_personal(tmp_path: Path) -> None:
    personal = ("- {name: day, logicalType: string}", "- {name: day, logicalType: string, classification: personal}")
    shop = opened(tmp_path, personal)
    shop.drop(1, [{"day": "soon"}, {"day": "2023-12-31"}])
    shop.ingest([1])
    assert not any(found in " ".join(shop.visible_quarantine()["reason"]) for found in ("soon", "2023-12-31"))


def test_the_sum_says_every_fate(shop: Shop) -> None:
    assert str(fates(built(shop))) == "orders: landed 8 = published 2 + held 5 + discarded 0 + duplicates 1"


def test_rows_dated_ahead_wait_and_are_published_when_their_day_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = opened(tmp_path, OPEN)
    tomorrow = date.today() + timedelta(days=1)  # noqa: DTZ011  # a day either way makes no difference
    ahead = [tomorrow, tomorrow, tomorrow + timedelta(days=40)]
    shop.drop(1, [{"number": str(number), "day": when.isoformat()} for number, when in enumerate(ahead)] + [{"number": "9"}])
    outcome = shop.ingest([1])[day(1)]
    (told,) = with_waiting(shop.home / "lake", shop.orders, [outcome])
    shown = outcome_metadata(told, partitioned=True)
    assert (shown["assay/waiting"], shown["assay/waiting_until"]) == (3, (tomorrow + timedelta(days=41)).isoformat())
    assert fates(shop).unjudged == {day(1): 1}
    shop.refine([1])
    assert fates(shop).waiting == {tomorrow + timedelta(days=1): 2, tomorrow + timedelta(days=41): 1}
    assert fates(shop).closes
    assert f"waiting 3 (until {tomorrow + timedelta(days=1)}, {tomorrow + timedelta(days=41)})" in str(fates(shop))
    assert due(shop, "silver") == []
    later = dg.DailyPartitionsDefinition("2024-01-01", end_offset=3)
    monkeypatch.setattr("assay.orchestration.plan.events_of", lambda _: later)
    monkeypatch.setattr("assay.orchestration.reconciliation.events_of", lambda _: later)
    assert due(shop, "silver") == [tomorrow.isoformat()]
    assert fates(shop).unjudged == {tomorrow.isoformat(): 2}


def test_rows_of_a_month_that_start_or_end_cuts_are_held_or_published_and_none_is_lost(tmp_path: Path) -> None:
    shop = opened(tmp_path, MONTHS)
    days = ["2024-01-14", "2024-01-15", "2024-02-03", "2024-03-09", "2024-03-10"]
    shop.drop(1, [{"number": str(number), "day": when} for number, when in enumerate(days)])
    assert shop.ingest([1])[day(1)].broken == {"event_time_before_end": 1, "event_time_from_start": 1}
    assert fates(shop).landed == 5
    assert fates(shop).held == 2


@settings(max_examples=12, deadline=None)
@given(
    life=st.lists(
        st.lists(st.tuples(st.sampled_from(["2024-01-01", "2024-01-02", "2024-03-01", "x", None]), st.integers(1, 3), st.sampled_from(["1", "-1"]))),
        min_size=1, max_size=3,
    )
)  # fmt: skip
def test_whatever_lands_every_row_has_one_fate(
    tmp_path_factory: pytest.TempPathFactory, life: list[list[tuple[str | None, int, str]]]
) -> None:
    """An oracle of a few lines says what becomes of each row of files that are sent, and sent again."""
    shop, files = opened(tmp_path_factory.mktemp("life")), dict[int, list[tuple[str | None, int, str]]]()
    for place, content in enumerate(life):
        files[place % 2 + 1] = content
        shop.drop(place % 2 + 1, [{"day": when, "number": str(number), "amount": amount} for when, number, amount in content])
        shop.ingest(sorted(files))
        shop.refine([1, 2])
        rows = [row for content in files.values() for row in content]
        found = fates(shop)
        good = [(when, number) for when, number, amount in rows if when in {day(1), day(2)} and amount == "1"]
        refused = {when for when in (day(1), day(2)) if when in found.unjudged}
        assert found.landed == len(rows)
        assert found.closes
        kept = [one for one in good if one[0] not in refused]
        assert (found.published, found.duplicates) == (len(set(kept)), len(kept) - len(set(kept)))


def test_rows_that_somebody_takes_out_of_silver_make_their_partition_outdated(shop: Shop) -> None:
    built(shop)
    table(shop, "silver").delete("number = 1")
    assert due(shop, "silver") == [day(1)]
    assert fates(shop).unjudged == {day(1): 4}
    assert shop.refine([1])[day(1)].status is Status.PUBLISHED
    assert due(shop, "silver") == []
    assert fates(shop).closes
    assert shop.rows("silver").height == 2


def test_rows_that_somebody_takes_out_of_quarantine_make_their_partition_outdated(shop: Shop) -> None:
    built(shop)
    table(shop, "quarantine").delete("rule = 'amount_minimum'")
    assert due(shop, "silver") == [day(1)]
    shop.refine([1])
    assert fates(shop).held == 5


def test_a_sum_that_an_unfinished_erasure_keeps_open_says_so(shop: Shop) -> None:
    built(shop)
    table(shop, "quarantine").delete("rule = 'event_time_readable'")
    settings = Settings(shop.home, shop.home, shop.home.parent / "contracts")
    (said,) = sums_of(settings, ["orders"])
    assert said == str(fates(shop))
    assert "is NOT" in said
    begin(shop.home / "lake", "customer", "tok_1", "tester")
    assert sums_of(settings, ["orders"]) == [f"{said} (erasure 1 has begun and is not done: run it again)"]


def test_rows_that_somebody_takes_out_of_bronze_make_their_arrival_outdated_and_it_is_read_again(shop: Shop) -> None:
    built(shop)
    table(shop, "bronze").delete("number = '1'")
    assert due(shop, "bronze") == [day(1)]
    assert shop.ingest([1])[day(1)].rows == len(MIXED)
    assert (due(shop, "bronze"), due(shop, "silver")) == ([], [])


def test_a_refinement_that_reads_fewer_rows_than_arrived_publishes_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.drop(1, MIXED)
    shop.ingest([1])
    real = Inputs.rows

    def forgetful(inputs: Inputs, slice_: Slice) -> pl.LazyFrame:
        return real(inputs, slice_).filter(pl.col("number") != "1")

    monkeypatch.setattr(Inputs, "rows", forgetful)
    with pytest.raises(AssayError, match="'2024-01-01' do not add up: 4 arrived in bronze, Tally\\(landed=3"):
        shop.refine([1])
    assert shop.table("silver") is None


def test_rows_of_a_refused_partition_are_not_judged_yet(shop: Shop) -> None:
    built(shop)
    shop.drop(1, [{"number": str(number), "amount": "-1"} for number in range(5)])
    shop.ingest([1])
    assert shop.refine([1])[day(1)].status is Status.REFUSED
    assert fates(shop).unjudged == {day(1): 5}
    assert fates(shop).closes
