"""Retention that acts: what is older than its contract keeps it goes from every layer, stays away, and is counted; gold keeps what it has made."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from calendar_products import Calendars, totals
from key_lives import NO_COUNT, Row, key_shop, published
from order_shop import day

from assay.contracts.model.calendars import event_calendar
from assay.contracts.model.retention import kept_from
from assay.contracts.reading.odcs import load_contracts
from assay.errors import Superseded
from assay.gold.step import Project
from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake import audited, retention
from assay.lake.damage import ASIDE
from assay.lake.retention import receipts
from assay.lake.slices import Partition, Slice
from assay.orchestration.build import assemble
from assay.orchestration.clock import now
from assay.orchestration.landing import Landing, State
from assay.orchestration.plan import Planner
from assay.orchestration.reconciliation import Fates, fates_of
from assay.orchestration.retaining import Expiry, Retaining
from assay.refine.step import refine_partitions, silver_spec
from assay.settings import Settings
from assay.steps import Run
from flights.definitions import CONTRACTS

if TYPE_CHECKING:
    from pathlib import Path

KEPT = {"2024-01-03": 3, "2024-01-04": 4}


def kept_since(day: str) -> str:
    """Service levels that keep what is from a day on, in UTC."""
    return f"slaProperties:\n  - {{property: retention, value: {(now().date() - date.fromisoformat(day)).days}, unit: d}}\n"


def planner_of(product: Calendars) -> Planner:
    """What is outdated of bronze and silver."""
    settings, contracts = Settings(product.folder / "home", product.folder), load_contracts(product.contracts)
    run = Run(settings.lake, settings.landing, contracts)
    return Planner(run, contracts, Project(product.folder, product.folder, (), settings.scratch))


def due_of(product: Calendars) -> dict[str, list[str]]:
    planner = planner_of(product)
    return {one.key.to_user_string(): one.partitions for stage in planner.stages for one in planner.due(stage.keys) if one.partitions}


def expire(product: Calendars, planner: Planner | None = None, *, dry_run: bool = False, allow_empty: bool = False) -> dict[str, Expiry]:
    settings = Settings(product.folder / "home", product.folder)
    found = Retaining(settings, planner or planner_of(product), now(), dry_run=dry_run, allow_empty=allow_empty).execute()
    return {one.table: one for one in found}


def fates(product: Calendars, name: str = "meter") -> Fates:
    found = fates_of(product.folder / "home/lake", load_contracts(product.contracts)[name])
    assert found is not None
    assert found.closes, str(found)
    return found


def meter(product: Calendars, since: str, **said: str) -> Calendars:
    """The contract of the meter, which keeps what is from a day on."""
    return product.readings(
        "meter", levels=kept_since(since), **{"lateness": "3", "end": "2024-02-01", "arrival_end": "2024-02-01", **said}
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days, each with a good row and a rejected one; the second arrival has a row without a day, the fourth a late one of the second."""
    product = meter(Calendars(tmp_path_factory.mktemp("retention") / "made"), "2024-01-03")
    for number in (1, 2, 3, 4):
        rows = [(f"2024-01-0{number}T09:00:00Z", number), (f"2024-01-0{number}T10:00:00Z", "many")]
        rows += [("once", 0)] if number == 2 else [("2024-01-02T11:00:00Z", 20)] if number == 4 else []
        product.land("meter", f"2024-01-0{number}", rows)
    assert set(product.backfill_lake().values()) == {None}
    return product.folder


@pytest.fixture
def product(made: Path, tmp_path: Path) -> Calendars:
    shutil.copytree(made, tmp_path / "product")
    return Calendars(tmp_path / "product")


def test_expired_days_go_from_all_layers_and_stay_away_until_they_are_kept_for_longer(product: Calendars) -> None:
    before = {name: product.world.rows(name).rows() for name in ("silver/meter", "bronze/meter", "quarantine/meter")}
    would = expire(product, dry_run=True)
    assert {name: product.world.rows(name).rows() for name in before} == before
    done = expire(product)
    assert {name: one.partitions for name, one in would.items()} == {name: one.partitions for name, one in done.items()}
    assert {name: {key: rows for key, (rows, _) in one.partitions.items()} for name, one in done.items()} == {
        "silver/meter": {"2024-01-01": 1, "2024-01-02": 2},
        "bronze/meter": {"2024-01-01": 2, "2024-01-02": 3},
        "quarantine/meter": {"2024-01-01": 1, "2024-01-02": 1, "arrival/2024-01-02": 1},
    }
    assert totals(product.world, "silver/meter") == KEPT
    counted = fates(product)
    assert (counted.landed, counted.published, counted.held, counted.expired) == (10, 2, 2, 6)
    assert due_of(product) == {}
    states = {one.arrival: state for one, state in Landing.look(planner_of(product)).states(planner_of(product))}
    assert states == dict.fromkeys(("2024-01-01", "2024-01-02"), State.EXPIRED) | dict.fromkeys(KEPT, State.INGESTED)
    assert product.backfill_lake(force=True).keys() == {"bronze/meter 2024-01-03 to 2024-01-04", "silver/meter 2024-01-03 to 2024-01-04"}
    assert totals(product.world, "silver/meter") == KEPT
    assert expire(product) == {}
    told = {one.table: (one.rows, dict(one.partitions).keys(), one.kept_from) for one in receipts(product.folder / "home/lake")}
    assert told["silver/meter"] == (3, {"2024-01-01", "2024-01-02"}, date(2024, 1, 3))
    assert told.keys() == done.keys()
    meter(product, "2024-01-01")
    assert set(product.backfill_lake().values()) == {None}
    assert sorted(product.world.rows("silver/meter").rows()) == sorted(before["silver/meter"])
    assert fates(product).expired == 0
    assert due_of(product) == {}


def test_a_table_of_which_all_has_expired_stays_unless_somebody_says_that_it_may_be_emptied(product: Calendars) -> None:
    meter(product, "2024-01-06")
    names = ("silver/meter", "bronze/meter", "quarantine/meter")
    before = {name: product.world.rows(name).rows() for name in names}
    for dry_run in (True, False):
        (refused,) = expire(product, dry_run=dry_run).values()
        assert (refused.table, refused.is_refused, refused.rows) == ("silver/meter", True, 0)
        assert refused.told.startswith("all 4 partitions of it have expired: nothing of it, or of what it is made from, is removed unless")
    assert {name: product.world.rows(name).rows() for name in names} == before
    assert receipts(product.folder / "home/lake") == []
    assert expire(product, allow_empty=True).keys() == set(names)
    assert [product.world.rows(name).height for name in names] == [0, 0, 0]
    assert due_of(product) == {}
    product.land("meter", "2024-01-01", [("2024-01-01T09:00:00Z", 7)])  # corrected: it is read, because nobody knows what is in it
    ingest_of(product, "2024-01-01")
    (refused,) = expire(product).values()
    assert (refused.table, refused.is_refused) == ("bronze/meter", True), "all that bronze has feeds nothing"
    assert expire(product, allow_empty=True)["bronze/meter"].rows == 1


def test_of_the_reference_product_nothing_would_expire() -> None:
    for contract in load_contracts(CONTRACTS).values():
        calendar = event_calendar(contract)
        assert contract.retention is None or calendar is None or kept_from(calendar, contract.retention, now()) <= calendar.start, (
            contract.dataset
        )


def test_bronze_goes_on_while_silver_cannot_be_read_and_brings_back_nothing_that_has_expired(product: Calendars) -> None:
    expire(product)
    entries = product.folder / "home/lake/silver/meter/_delta_log"
    newest_entry = max(entries.glob("*.json"))
    whole_entry = newest_entry.read_bytes()
    newest_entry.write_bytes(b"{")
    product.land("meter", "2024-01-05", [("2024-01-05T09:00:00Z", 5)])
    planner = planner_of(product)
    assert planner.due([dg.AssetKey(["bronze", "meter"])])[0].partitions == ["2024-01-05"]
    ingest_of(product, "2024-01-05")
    assert {str(day) for day in product.world.rows("bronze/meter")["_arrival_date"]} == {*KEPT, "2024-01-05"}
    assert planner_of(product).due([dg.AssetKey(["bronze", "meter"])])[0].partitions == []
    newest_entry.write_bytes(whole_entry)
    assert due_of(product) == {"silver/meter": ["2024-01-05"]}
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, "silver/meter") == KEPT | {"2024-01-05": 5}
    assert fates(product).expired == 6


def refine(product: Calendars, *days: str, force: bool = False) -> dict[str, str]:
    """What becomes of days, or why not."""
    planner = planner_of(product)
    contract = planner.contracts["meter"]
    slice_ = Slice(silver_spec(contract), tuple(Partition(day, (day,)) for day in days))
    run = replace(planner.run, force=force, now=now())
    return {one.key: one.refusal or str(one.status) for one in refine_partitions(run, contract, slice_)}


def ingest_of(product: Calendars, day: str) -> None:
    planner = planner_of(product)
    contract = planner.contracts["meter"]
    (done,) = ingest(replace(planner.run, now=now()), contract, Slice(bronze_spec(contract), (Partition(day, (day,)),)))
    assert done.status == "published", done.refusal


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("when", ["before", "after"])
def test_whoever_is_killed_at_a_commit_leaves_what_the_next_removal_finishes(
    product: Calendars, monkeypatch: pytest.MonkeyPatch, when: str, number: int
) -> None:
    commit, left = retention.commit, [number]

    def killed(*args: Any) -> int | None:
        if left[0] == 0:
            raise KeyboardInterrupt(commit(*args) if when == "after" else None)
        left[0] -= 1
        return commit(*args)

    monkeypatch.setattr(retention, "commit", killed)
    with pytest.raises(KeyboardInterrupt):
        expire(product)
    counted, acted = fates(product), (number, when) != (0, "before")
    arrivals_gone = number == 2 or (number, when) == (1, "after")
    assert (counted.landed, counted.expired) == (10, 6 if arrivals_gone else 5 if acted else 0)
    assert due_of(product) == {}, "neither outdated nor back"
    monkeypatch.setattr(retention, "commit", commit)
    expire(product)
    assert totals(product.world, "silver/meter") == KEPT
    assert fates(product).expired == 6
    assert sorted(one.table for one in receipts(product.folder / "home/lake")) == ["bronze/meter", "quarantine/meter", "silver/meter"]
    assert expire(product) == {}


@pytest.mark.parametrize("force", [False, True], ids=["never published", "published"])
def test_a_writer_that_was_paused_brings_no_expired_day_back(
    product: Calendars,
    monkeypatch: pytest.MonkeyPatch,
    force: bool,
) -> None:
    day = "2024-01-02"
    if not force:  # a day whose rows come now, and that was never published
        product = meter(product, "2024-01-05")
        product.land("meter", "2024-01-05", [("2024-01-05T09:00:00Z", 5)])
        day = "2024-01-05"
        ingest_of(product, day)
        meter(product, "2024-01-06")
    publish = audited.publish

    def paused(*args: Any, **kwargs: Any) -> object:
        monkeypatch.setattr(audited, "publish", publish)
        expire(product, allow_empty=True)
        return publish(*args, **kwargs)

    monkeypatch.setattr(audited, "publish", paused)
    with pytest.raises(Superseded):
        refine(product, day, force=force)
    assert day not in totals(product.world, "silver/meter")
    assert "has expired" in refine(product, day, force=force)[day], "whoever comes later is told"
    assert fates(product).published == (2 if force else 0)


def test_expired_days_stay_away_when_bronze_is_lost_or_the_calendar_changes(product: Calendars) -> None:
    expire(product)
    shutil.rmtree(product.folder / "home/lake/bronze/meter")
    (product.folder / "home/lake/bronze/meter" / ASIDE).mkdir(parents=True)
    assert set(product.backfill_lake(force=True).values()) == {None}
    assert product.world.rows("bronze/meter").height == 10, "landing has it all"
    assert totals(product.world, "silver/meter") == KEPT
    assert fates(product).expired == 5, "the row without a day is held again"
    assert expire(product).keys() == {"bronze/meter", "quarantine/meter"}
    assert due_of(product) == {}
    meter(product, "2024-02-10", grain="month", column="period")
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, "silver/meter") == {"2024-01-01": 3 + 4}, "the days that had expired are not in the month"
    assert fates(product).expired == 6
    assert expire(product, allow_empty=True)["silver/meter"].partitions.keys() == {"2024-01-01"}
    assert totals(product.world, "silver/meter") == {}
    assert due_of(product) == {}
    assert fates(product).expired == 10


def test_an_expired_arrival_that_lands_with_other_rows_is_read_and_judged_again(product: Calendars) -> None:
    expire(product)
    product.land("meter", "2024-01-01", [("2024-01-01T09:00:00Z", 1), ("2024-01-04T12:00:00Z", 40)])
    assert set(product.backfill_lake().values()) == {None}
    assert totals(product.world, "silver/meter") == KEPT | {"2024-01-04": 44}
    assert (fates(product).landed, fates(product).expired) == (10, 5)
    assert expire(product) == {}, "a row of it is kept"


def keep_gold(product: Calendars, since: str) -> None:
    path = product.contracts / "gold/sums.odcs.yaml"
    text = path.read_text()
    path.write_text(text[: text.index("schema:")].partition("slaProperties:")[0] + kept_since(since) + text[text.index("schema:") :])


def whole(product: Calendars) -> Planner:
    """What is outdated of gold as well, as the command has it."""
    return assemble(product.world.settings, product.contracts).planner


def test_a_month_of_gold_outlives_the_days_that_it_was_made_from(tmp_path: Path) -> None:
    product = meter(Calendars(tmp_path), "2024-02-03", end="2024-04-01", arrival_end="2024-04-01").model("sums", ["meter"])
    for date_ in ("2024-01-30", "2024-02-02", "2024-02-20", "2024-03-05"):
        product.land("meter", date_, [(f"{date_}T09:00:00Z", 1)])
    assert set(product.backfill().values()) == {None}
    sums = {"2024-01-01": 1, "2024-02-01": 2, "2024-03-01": 1}
    assert totals(product.world, "gold/sums") == sums
    late = [("2024-01-30T10:00:00Z", 10)]
    product.land("meter", "2024-02-01", late)
    assert set(product.backfill_lake().values()) == {None}
    told = expire(product, whole(product))["silver/meter"]
    assert told.partitions == {}
    assert told.told == "from 2024-01-01 on it stays until 2024-01-01 of gold/sums is made from it"
    assert set(product.backfill().values()) == {None}
    sums["2024-01-01"] = 11
    done = expire(product, whole(product))
    assert done["silver/meter"].partitions.keys() == {"2024-01-30", "2024-02-02"}
    assert product.due() == {}
    product.land("meter", "2024-02-21", [("2024-02-20T10:00:00Z", 5)])
    product.land("meter", "2024-03-06", [("2024-03-05T10:00:00Z", 5)])
    assert product.backfill().keys() == {
        "bronze/meter 2024-02-21", "bronze/meter 2024-03-06", "silver/meter 2024-02-20", "silver/meter 2024-03-05", "gold/sums 2024-03-01",
    }  # fmt: skip
    assert totals(product.world, "gold/sums") == sums | {"2024-03-01": 6}, "of February some days are gone, so it stays as it was made"
    assert product.due() == {}
    keep_gold(product, "2024-02-20")
    done = expire(product, whole(product))
    assert {name: one.partitions.keys() for name, one in done.items()} == {"gold/sums": {"2024-01-01"}}
    assert totals(product.world, "gold/sums") == {"2024-02-01": 2, "2024-03-01": 6}
    assert whole(product).due([dg.AssetKey(["gold", "sums"])])[0].partitions == []
    keep_gold(product, "2024-04-02")
    assert expire(product, whole(product))["gold/sums"].is_refused
    assert totals(product.world, "gold/sums") == {"2024-02-01": 2, "2024-03-01": 6}
    keep_gold(product, "2024-02-20")
    product.land("meter", "2024-03-07", [("2024-03-05T11:00:00Z", 7)])
    assert product.backfill_sound().keys() == {"bronze/meter 2024-03-07", "silver/meter 2024-03-05", "gold/sums 2024-03-01"}


def test_a_key_in_the_whole_table_is_free_once_the_day_that_published_it_has_expired(tmp_path: Path) -> None:
    shop = key_shop(
        tmp_path, NO_COUNT, ("schema:\n  - name: orders_landing", kept_since("2024-01-02") + "schema:\n  - name: orders_landing")
    )
    for arrival, moved in ((1, Row(1, 2)), (2, Row(1, 1))):  # the order is of the second day, then of the first
        shop.drop(arrival, [moved.text()])
        shop.ingest([arrival])
    shop.refine([1, 2])
    assert published(shop) == {1: 1}
    planner = Planner(shop.run(), shop.contracts, Project(tmp_path, tmp_path, (), tmp_path))
    done = Retaining(Settings(shop.home, tmp_path), planner, now()).execute()
    assert {one.table: [*one.partitions] for one in done if one.partitions} == {
        "silver/orders": ["2024-01-01"], "bronze/orders": ["2024-01-02"], "claims/orders": ["2024-01-01"],
    }  # fmt: skip
    silver = dg.AssetKey(["silver", "orders"])
    assert planner.due([silver])[0].partitions == [day(2)], "as if what has expired had never landed"
    shop.refine([2])
    assert published(shop) == {1: 2}
    assert planner.due([silver])[0].partitions == []
