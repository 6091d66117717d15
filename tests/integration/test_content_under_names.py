"""One content that has landed under several names of an arrival: its rows are in bronze once, and stay for each of the names."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from order_shop import Shop, day
from test_held_files import DAILY, DAYS, MONTH, MONTHLY, amounts, built, due, opened, sold

from assay.ingest.bronze_contents import Holdings
from assay.ingest.lost_files import lost_with_file
from assay.lake.damage import Damage
from assay.lake.manifest import Landed, Manifest, manifest_of
from assay.steps import Status
from orders import ORDERS, write_contracts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def monthly(tmp_path: Path) -> Shop:
    """A shop whose files of a month are one arrival."""
    return opened(tmp_path, ORDERS.replace(DAILY, MONTHLY))


def sources(shop: Shop) -> dict[str, tuple[str, ...]]:
    """The names of each content that bronze has, by that under which its rows are there; the suffixes alone."""
    table = shop.table("bronze")
    assert table is not None
    landed = [one for file in table.files for one in manifest_of(file.path).sources]
    return {_suffix(one.name): tuple(map(_suffix, one.aliases)) for one in landed}


def _suffix(name: str) -> str:
    return name.rpartition("_")[2].removesuffix(".csv")


def of(shop: Shop, suffix: str) -> Path:
    return shop.home / f"landing/orders/orders_{day(1)}_{suffix}.csv"


def drop(shop: Shop, suffix: str, amount: int = 10) -> None:
    shop.drop(1, sold(1, amount, amount=amount), name=f"_{suffix}")


@pytest.mark.parametrize(("archived", "corrected"), [*permutations("ab")])
def test_an_archived_file_keeps_its_rows_when_the_other_name_of_its_content_is_corrected(
    monthly: Shop, archived: str, corrected: str
) -> None:
    for suffix in "ab":
        drop(monthly, suffix)
    built(monthly, MONTH)
    of(monthly, archived).unlink()
    drop(monthly, corrected, amount=20)
    built(monthly, MONTH)
    assert amounts(monthly) == {day(1): [10, 20]}
    assert sources(monthly) == {archived: (), corrected: ()}
    assert due(monthly) == set()


@pytest.mark.parametrize("order", [*permutations("abc")])
def test_of_three_names_the_rows_stay_for_the_last_that_is_not_corrected(monthly: Shop, order: tuple[str, str, str]) -> None:
    for suffix in order:
        drop(monthly, suffix)
        built(monthly, MONTH)
    first, second, third = order
    assert sources(monthly) == {first: tuple(sorted({second, third}))}
    of(monthly, third).unlink()
    for amount, suffix in ((20, first), (30, second)):
        drop(monthly, suffix, amount=amount)
        built(monthly, MONTH)
    assert amounts(monthly) == {day(1): [10, 20, 30]}
    drop(monthly, third, amount=40)  # it comes back corrected
    built(monthly, MONTH)
    assert amounts(monthly) == {day(1): [20, 30, 40]}


def test_another_name_of_a_content_is_written_down_and_changes_no_row(monthly: Shop) -> None:
    drop(monthly, "b")
    built(monthly, MONTH)
    rows = monthly.rows("bronze")
    drop(monthly, "a")
    assert monthly.ingest(MONTH)[day(1)].status is Status.PUBLISHED
    assert monthly.rows("bronze").equals(rows)
    assert (sources(monthly), due(monthly)) == ({"b": ("a",)}, set())
    for gone in ("b", "a"):  # archived one after the other
        of(monthly, gone).unlink()
        assert monthly.ingest(MONTH)[day(1)].status is Status.UNCHANGED
    before = monthly.digests("bronze")
    assert monthly.ingest(MONTH, force=True)[day(1)].status is Status.PUBLISHED
    assert monthly.digests("bronze") == before
    drop(monthly, "b")  # one is back, as it was
    assert monthly.ingest(MONTH)[day(1)].status is Status.UNCHANGED


def test_a_forced_ingest_of_an_alias_that_is_held_keeps_the_rows(monthly: Shop) -> None:
    for suffix in "ab":
        drop(monthly, suffix)
    built(monthly, MONTH)
    for suffix in "ab":
        of(monthly, suffix).unlink()
    drop(monthly, "a", amount=20)
    for force in (False, True):
        monthly.ingest(MONTH, force=force)
        assert sources(monthly) == {"a": (), "b": ()}
        assert sorted(monthly.rows("bronze")["amount"]) == ["10", "20"]


def test_what_bronze_has_under_an_alias_goes_to_the_arrival_that_the_alias_names(tmp_path: Path) -> None:
    """By the month two days of one content are one arrival; by the day each is its own again, though both were archived."""
    shop = opened(tmp_path, ORDERS.replace(DAILY, MONTHLY))
    files = [shop.drop(number, sold(1, 1), name="_x") for number in (1, 2)]
    built(shop, MONTH)
    assert shop.rows("bronze").height == 1
    for file in files:
        file.unlink()
    daily = Shop(shop.home, write_contracts(tmp_path / "daily", ORDERS)).open()
    holdings = Holdings.of_table(daily.table("bronze"), daily.orders)
    assert {arrival: [one.name for one in holdings.of(arrival)] for arrival in holdings.arrivals} == {
        day(number): [f"orders/orders_{day(number)}_x.csv"] for number in (1, 2)
    }
    assert {arrival: one.read(daily.orders.source)[0].num_rows for arrival in holdings.arrivals for one in holdings.of(arrival)} == {
        day(1): 1, day(2): 1,
    }  # fmt: skip


def test_a_content_that_is_lost_under_one_name_is_read_from_another(monthly: Shop) -> None:
    """Before, the arrival was refused for a file that nobody has, though its content lay there."""
    for suffix in "ab":
        drop(monthly, suffix)
    monthly.ingest(MONTH)
    (file,) = monthly.table("bronze").files  # type: ignore[union-attr]
    of(monthly, "a").unlink()
    (monthly.home / "lake" / file.path).unlink()
    outcome = monthly.ingest(MONTH)[day(1)]
    assert (outcome.status, outcome.refusal) == (Status.PUBLISHED, None)
    assert sources(monthly) == {"b": ("a",)}


def test_what_is_lost_in_one_arrival_is_not_found_in_another_that_has_its_content(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    files = [shop.drop(number, sold(1, 1)) for number in (1, 2)]
    shop.ingest([1, 2])
    table = shop.table("bronze")
    assert table is not None
    (second,) = (one for one in table.files if one.values == (day(2),))
    files[1].unlink()
    (shop.home / "lake" / second.path).unlink()
    damage = Damage(second.path, "it is gone", second)
    assert [*lost_with_file(shop.run(), shop.orders, damage)] == [f"orders/orders_{day(2)}.csv"]
    assert shop.ingest([2])[day(2)].status is Status.REFUSED


def test_a_manifest_without_aliases_is_as_it_always_was() -> None:
    plain, named = (Manifest((Landed("a", "1", 2, 0, ("x",), aliases),)) for aliases in ((), ("b", "c")))
    assert plain.dump() == '{"sources": [["a", "1", 2, 0, ["x"]]], "days": {}}'
    assert [Manifest.load(one.dump().encode()) for one in (plain, named)] == [plain, named]


def test_what_another_day_has_of_the_content_does_not_matter(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    files = {number: shop.drop(number, sold(1, 1)) for number in (1, 2)}
    shop.ingest([1, 2])
    files[1].unlink()
    shop.drop(2, sold(1, 2, amount=20))
    shop.ingest([1, 2])
    shop.refine(DAYS)
    assert amounts(shop) == {day(1): [10, 20]}
