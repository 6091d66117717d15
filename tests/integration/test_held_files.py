"""What bronze remembers of the files that it took: which event days a new file reopens, and what becomes of rows whose file is archived."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from order_shop import Shop, day, days

from assay.lake.manifest import manifest_of
from assay.lake.publisher import current_tokens
from assay.refine.inputs import Inputs
from assay.refine.step import silver_spec
from assay.steps import Status
from orders import ORDERS, csv_text, write_contracts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from assay.steps import Outcome

DAILY = "value: {grain: day, start: 2024-01-01, end: 2024-02-10, lateness: 3}"
MONTHLY = "value: {grain: month, start: 2024-01-01, end: 2024-03-01, lateness: 0}"
MONTH, DAYS = [1], range(1, 11)


def opened(folder: Path, orders: str = ORDERS) -> Shop:
    return Shop(folder / "home", write_contracts(folder / "contracts", orders)).open()


@pytest.fixture
def monthly(tmp_path: Path) -> Shop:
    """A shop whose files of a month are one arrival."""
    return opened(tmp_path, ORDERS.replace(DAILY, MONTHLY))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return opened(tmp_path)


def sold(event_day: int, *numbers: int, amount: int = 10) -> list[dict[str, str | None]]:
    return [{"day": day(event_day), "number": str(number), "amount": str(amount)} for number in numbers]


def due(shop: Shop) -> set[str]:
    """The silver partitions that would be built again now."""
    slice_ = days(silver_spec(shop.orders), DAYS)
    inputs, current = Inputs.pin(shop.run(), shop.orders), current_tokens(shop.table("silver"), slice_.keys)
    return {part.key for part in slice_.partitions if inputs.files(part) and inputs.fingerprint(part) != current[part.key]}


def built(shop: Shop, arrivals: Sequence[int]) -> set[str]:
    """Ingest and refine; returns which event days were built."""
    shop.ingest(arrivals)
    return {key for key, outcome in shop.refine(DAYS).items() if outcome.status is Status.PUBLISHED} & days_of_bronze(shop)


def days_of_bronze(shop: Shop) -> set[str]:
    return set(shop.rows("bronze")["_event_date"].drop_nulls().cast(pl.String))


def amounts(shop: Shop) -> dict[str, list[int]]:
    rows = shop.rows("silver").sort("order_date", "number")
    return {str(day): part["amount"].cast(pl.Int64).to_list() for (day,), part in rows.group_by("order_date", maintain_order=True)}


def test_a_second_file_in_a_monthly_arrival_reopens_only_the_days_of_its_rows(monthly: Shop) -> None:
    monthly.drop(5, [*sold(1, 1), *sold(2, 1), *sold(3, 1), *sold(5, 1)])
    assert built(monthly, MONTH) == {day(1), day(2), day(3), day(5)}
    monthly.drop(6, [*sold(2, 2), *sold(6, 1)])
    monthly.ingest(MONTH)
    assert due(monthly) == {day(2), day(6)}
    assert built(monthly, MONTH) == {day(2), day(6)}
    assert monthly.stray() == 0


def test_a_file_that_is_sent_again_with_one_late_row_reopens_only_the_day_of_that_row(monthly: Shop) -> None:
    rows = [*sold(1, 1), *sold(2, 1, 2), *sold(3, 1)]
    monthly.drop(5, rows)
    built(monthly, MONTH)
    monthly.drop(5, [*rows, *sold(2, 3)])
    monthly.ingest(MONTH)
    assert due(monthly) == {day(2)}


def test_a_changed_value_reopens_its_day_though_the_number_of_rows_is_the_same(monthly: Shop) -> None:
    monthly.drop(5, [*sold(1, 1), *sold(2, 1)])
    built(monthly, MONTH)
    monthly.drop(5, [*sold(1, 1), *sold(2, 1, amount=11)])
    monthly.ingest(MONTH)
    assert due(monthly) == {day(2)}


def test_a_file_with_a_column_that_the_others_lack_reopens_only_its_days(monthly: Shop) -> None:
    note = "      - {name: note, logicalType: string}\n"
    colour = "      - {name: colour, logicalType: string, required: false}\n"
    shop = monthly.edit_contract(note, note + colour)
    shop.drop(1, [*sold(1, 1), *sold(2, 1)])
    built(shop, MONTH)
    lines = csv_text(sold(2, 2)).splitlines()
    shop.drop_text("orders", f"orders_{day(2)}.csv", f"{lines[0]},colour\n{lines[1]},red\n")
    shop.ingest(MONTH)
    assert due(shop) == {day(2)}


lives = st.lists(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 3)), max_size=5), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives)
def test_whatever_lands_exactly_the_days_are_reopened_whose_rows_are_others(
    tmp_path_factory: pytest.TempPathFactory, life: list[list[tuple[int, int, int]]]
) -> None:
    """Files of one monthly arrival are sent, sent again and sent with other rows; a day is what its rows and their places are."""
    shop = opened(tmp_path_factory.mktemp("life"), ORDERS.replace(DAILY, MONTHLY))
    files: dict[int, list[tuple[int, int, int]]] = {}
    for place, content in enumerate(life):
        before = _by_day(files)
        files[place % 2 + 1] = content
        shop.drop(place % 2 + 1, [row for event, number, amount in content for row in sold(event, number, amount=amount)])
        shop.ingest(MONTH)
        now = _by_day(files)
        assert due(shop) == {day(event) for event in now if now[event] != before.get(event)}
        shop.refine(DAYS)


def _by_day(files: dict[int, list[tuple[int, int, int]]]) -> dict[int, list[tuple[int, int, int, int]]]:
    taken = {file: content for file, content in files.items() if content not in [files[one] for one in files if one < file]}
    rows = ((file, place, row) for file, content in sorted(taken.items()) for place, row in enumerate(content))
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for file, place, (event, number, amount) in rows:
        found.setdefault(event, []).append((file, place, number, amount))
    return found


def test_a_file_that_is_archived_keeps_its_rows_when_the_next_one_lands(monthly: Shop) -> None:
    first = monthly.drop(1, [*sold(1, 1), *sold(2, 1)])
    built(monthly, MONTH)
    first.unlink()
    monthly.drop(3, sold(3, 1))
    assert built(monthly, MONTH) == {day(3)}
    assert amounts(monthly) == {day(1): [10], day(2): [10], day(3): [10]}
    assert monthly.stray() == 0


def test_archiving_makes_nothing_outdated(monthly: Shop) -> None:
    first, second = monthly.drop(1, sold(1, 1)), monthly.drop(2, sold(2, 1))
    built(monthly, MONTH)
    before = monthly.versions()
    for file in (first, second):
        file.unlink()
        assert monthly.ingest(MONTH)[day(1)].status is Status.UNCHANGED
    assert monthly.versions() == before


def test_a_forced_ingest_after_everything_was_archived_loses_no_row_and_changes_no_byte(monthly: Shop) -> None:
    files = [monthly.drop(1, [*sold(1, 1), {"number": "9", "day": "soon"}]), monthly.drop(2, sold(2, 1))]
    built(monthly, MONTH)
    before, held = monthly.digests("bronze"), monthly.visible_quarantine().drop("run_id", "_publication")
    for file in files:
        file.unlink()
    assert monthly.ingest(MONTH, force=True)[day(1)].status is Status.PUBLISHED
    assert monthly.digests("bronze") == before
    assert monthly.visible_quarantine().drop("run_id", "_publication").equals(held)
    assert due(monthly) == set()


def test_a_changed_event_time_is_read_from_what_bronze_holds(shop: Shop) -> None:
    shop.drop(1, sold(1, 1, 2))
    shop.ingest([1])
    shop.refine(DAYS)
    for file in (shop.home / "landing/orders").iterdir():
        file.unlink()
    changed = shop.edit_contract("expression: day,", "expression: \"substr(day, 1, 9) || '3'\",")
    assert changed.ingest([1])[day(1)].status is Status.PUBLISHED
    assert days_of_bronze(changed) == {day(3)}


def test_a_corrected_file_replaces_its_old_content(monthly: Shop) -> None:
    monthly.drop(1, sold(1, 1, 2))
    monthly.drop(2, sold(2, 1))
    built(monthly, MONTH)
    monthly.drop(1, sold(1, 1, amount=12))
    assert built(monthly, MONTH) == {day(1)}
    assert amounts(monthly) == {day(1): [12], day(2): [10]}


def test_a_file_that_comes_back_under_another_name_is_taken_once(monthly: Shop) -> None:
    first = monthly.drop(1, sold(1, 1))
    built(monthly, MONTH)
    rows = monthly.rows("bronze")
    first.rename(first.with_name(f"orders_{day(1)}_again.csv"))
    for status in (Status.PUBLISHED, Status.UNCHANGED):  # its other name is written down, once
        assert monthly.ingest(MONTH)[day(1)].status is status
        assert monthly.rows("bronze").equals(rows)
        assert due(monthly) == set()


def test_an_archived_file_that_comes_back_corrected_replaces_what_was_held(monthly: Shop) -> None:
    first = monthly.drop(1, sold(1, 1, 2))
    built(monthly, MONTH)
    first.unlink()
    monthly.drop(1, sold(1, 1, amount=11))
    built(monthly, MONTH)
    assert amounts(monthly) == {day(1): [11]}


def test_a_snapshot_does_not_go_back_to_an_older_file_because_the_newest_was_archived(shop: Shop) -> None:
    customers = shop.contracts["customers"]
    newest = shop.drop_text("customers", f"customers_{day(9)}.csv", "customer\nada\nbob\neve\n")
    outcomes = [*_ingest_customers(shop)]
    assert [outcome.status for outcome in outcomes] == [Status.PUBLISHED]
    newest.unlink()
    for force in (False, True):
        (outcome,) = _ingest_customers(shop, force=force)
        assert outcome.status is (Status.PUBLISHED if force else Status.UNCHANGED)
        bronze = shop.table("bronze", customers.dataset)
        assert bronze is not None
        assert bronze.scan().collect()["customer"].to_list() == ["ada", "bob", "eve"]
    shop.drop_text("customers", f"customers_{day(10)}.csv", "customer\nzoe\n")
    assert [outcome.rows for outcome in _ingest_customers(shop)] == [1]


def _ingest_customers(shop: Shop, *, force: bool = False) -> Iterable[Outcome]:
    from assay.ingest.bronze import bronze_spec
    from assay.ingest.step import ingest
    from assay.lake.slices import WHOLE, Slice

    customers = shop.contracts["customers"]
    return list(ingest(shop.run(force=force), customers, Slice(bronze_spec(customers), (WHOLE,))))


def test_a_file_without_rows_is_remembered_and_reopens_nothing(monthly: Shop) -> None:
    monthly.drop(1, [])
    monthly.drop(2, sold(2, 1))
    assert built(monthly, MONTH) == {day(2)}
    (only,) = monthly.table("bronze").files  # type: ignore[union-attr]
    assert {source.name: source.rows for source in manifest_of(only.path).sources} == {
        f"orders/orders_{day(1)}.csv": 0, f"orders/orders_{day(2)}.csv": 1,
    }  # fmt: skip


def test_many_small_files_of_one_arrival_are_one_data_file(monthly: Shop) -> None:
    for number in range(300):
        monthly.drop(1, sold(number % 9 + 1, number), name=f"_{number}")
    monthly.ingest(MONTH)
    for file in random.Random(7).sample([*(monthly.home / "landing/orders").iterdir()], 299):
        file.unlink()
    monthly.drop(2, sold(2, 1000))
    monthly.ingest(MONTH)
    table = monthly.table("bronze")
    assert table is not None
    assert (len(table.files), table.rows) == (1, 301)
