"""Drafted keys and calendars: what tells rows apart, which column is the event time, how long a partition is, how files are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.contracts.inference.draft import DraftImpossible
from assay.contracts.model.contract import Grain
from drafted import contract_of, draft_of, judged, published, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ROWS = 60
NUMBERS = [str(number) for number in range(ROWS)]
DAYS = [f"2024-03-{1 + number % 3:02d}" for number in range(ROWS)]


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"amount": NUMBERS, "order_id": NUMBERS}, ("order_id",)),
        ({"order_id": NUMBERS, "customer_id": NUMBERS}, ("order_id",)),
        ({"station": ["a", "b", "c"] * 20, "hour": [str(number // 3) for number in range(ROWS)]}, ("station", "hour")),
        ({"a_no": ["1", "2"] * 30, "b_no": [str(n // 2 % 2) for n in range(ROWS)], "c_no": [str(n // 4) for n in range(ROWS)]},
         ("a_no", "b_no", "c_no")),
        ({"order_id": [*NUMBERS[:-1], None], "line": NUMBERS}, ("line",)),
        ({"price": [f"{number}.5" for number in range(ROWS)], "gift": ["yes", "no"] * 30}, ()),
        ({"color": ["red", "blue"] * 30}, ()),
        ({"country": [f"c{n // 6}" for n in range(ROWS)], "year": [str(2000 + n % 6) for n in range(ROWS)],
          "pop": [str(1000 + n * 977) for n in range(ROWS)]}, ("country", "year")),
        ({"net_generation": [str(n * n * 31) for n in range(ROWS)], "fuel": ["gas", "sun"] * 30}, ()),
        ({"first_name": [f"Eve{n}" for n in range(ROWS)], "shop": ["a", "b"] * 30}, ()),
        ({"number_of_rows": NUMBERS, "shop": ["a", "b"] * 30}, ("number_of_rows",)),
    ],
    ids=["a name that says so", "the left of two", "a pair", "three", "not one with gaps", "nothing that can be", "repeated rows",
         "a measure is none", "only a measure", "a name of a person", "a running number"],
)  # fmt: skip
def test_a_key_is_the_best_named_of_the_shortest_that_tell_all_rows_apart(
    columns: dict[str, Sequence[str | None]], key: tuple[str, ...], tmp_path: Path
) -> None:
    assert contract_of(draft_of(table(**columns)), tmp_path).key == key


def test_a_draft_without_a_key_names_what_would_tell_the_rows_apart_and_is_none() -> None:
    draft = draft_of(table(net_generation=[str(n * n * 31) for n in range(ROWS)], fuel=["gas", "sun"] * 30))
    assert "that can be a key tell all 60 rows apart; net_generation would, but count, measure or describe" in draft.text


def test_corrections_and_repeated_rows_do_not_hide_the_key(tmp_path: Path) -> None:
    ids = [str(number) for number in range(200)]
    frame = table(order_id=[*ids, "7", "8"], amount=[*["1"] * 200, "2", "1"])
    draft = draft_of(frame)
    assert "200 different in 201 rows, 1 row repeat one: the last arrival wins; 1 exact repetition left out" in draft.text
    assert contract_of(draft, tmp_path).key == ("order_id",)
    assert judged(draft, frame, tmp_path) == (202, 200, 0)


@pytest.mark.parametrize(
    ("columns", "column"),
    [
        ({"shipped_at": DAYS, "ordered_at": DAYS}, "ordered_at"),
        ({"created": DAYS, "order_date": DAYS}, "created"),
        ({"delivered_at": [*DAYS[:-9], *[None] * 9], "order_date": DAYS}, "order_date"),
        ({"updated_at": DAYS, "valid_until": DAYS}, None),
        ({"date_of_birth": DAYS}, None),
        ({"colour": ["red"] * ROWS}, None),
    ],
    ids=["not the later step", "the left of two", "not one with gaps", "not changes", "not a birth", "no date"],
)
def test_the_event_time_is_the_date_that_says_when_it_happened(
    columns: dict[str, list[str | None]], column: str | None, tmp_path: Path
) -> None:
    contract = contract_of(draft_of(table(row_id=NUMBERS, **columns)), tmp_path)
    assert (contract.event_time.expression if contract.event_time else None) == column
    assert contract.is_snapshot is (column is None)


def test_a_snapshot_says_why_it_is_one() -> None:
    text = draft_of(table(code=["a", "b"])).text
    assert 'property: eventTime, value: none, description: "No event time: each new file replaces the whole table."' in text
    assert "# guess: no column with a date or time that every row has" in text


@pytest.mark.parametrize(("rows_a_day", "grain"), [(49, Grain.MONTH), (50, Grain.DAY)])
def test_days_with_few_rows_are_put_together_to_months(rows_a_day: int, grain: Grain, tmp_path: Path) -> None:
    days = [f"2024-03-{1 + number // rows_a_day:02d}" for number in range(3 * rows_a_day)]
    contract = contract_of(draft_of(table(seen_on=days)), tmp_path)
    assert contract.partitioning.grain is contract.arrival.grain is grain
    assert contract.partitioning.column == f"seen_{grain}"


@pytest.mark.parametrize(
    ("file", "path", "grain"),
    [
        ("orders_2024-03-31.csv", "shop/orders_{arrival:yyyy-MM-dd}.csv*", Grain.DAY),
        ("orders_2024-03-31.csv.gz", "shop/orders_{arrival:yyyy-MM-dd}.csv*", Grain.DAY),
        ("20240331-export.csv", "shop/{arrival:yyyyMMdd}-export.csv*", Grain.DAY),
        ("orders.2024_03_31.final.csv", "shop/orders.{arrival:yyyy_MM_dd}.final.csv*", Grain.DAY),
        ("orders-2024-03.csv", "shop/orders-{arrival:yyyy-MM}.csv*", Grain.MONTH),
        ("orders_20241399.csv", "shop/shop_{arrival:yyyy-MM-dd}.csv*", Grain.DAY),
        ("orders_2024-02-31.csv", "shop/shop_{arrival:yyyy-MM-dd}.csv*", Grain.DAY),
        ("sample.csv", "shop/shop_{arrival:yyyy-MM-dd}.csv*", Grain.DAY),
    ],
)
def test_a_date_in_the_samples_name_becomes_the_arrival(file: str, path: str, grain: Grain, tmp_path: Path) -> None:
    days = ["2024-03-01"] * ROWS
    contract = contract_of(draft_of(table(row_id=NUMBERS, seen_on=days), file=file), tmp_path)
    assert (contract.source.path, contract.arrival.grain) == (path, grain)


def test_calendars_begin_with_the_year_of_the_earliest_row_and_a_slip_does_not_move_them(tmp_path: Path) -> None:
    days = ["2023-11-05"] * 150 + ["2024-03-01"] * 148 + ["0202-01-01", "x"]
    frame = table(row_id=[str(number) for number in range(300)], seen_on=days)
    draft = draft_of(frame)
    contract = contract_of(draft, tmp_path)
    assert str(contract.partitioning.start) == str(contract.arrival.start) == "2023-01-01"
    assert draft.refused == {"seen_on": 1, "seen_day": 2}
    assert judged(draft, frame, tmp_path) == (300, 298, 2)


def test_lateness_is_how_long_before_the_file_its_first_row_happened(tmp_path: Path) -> None:
    frame = table(row_id=NUMBERS * 3, seen_on=["2024-03-29"] * 60 + ["2024-03-30"] * 60 + ["2024-03-31"] * 60)
    assert contract_of(draft_of(frame), tmp_path).lateness == 2
    assert contract_of(draft_of(frame, file="shop.csv"), tmp_path).lateness == 0


def test_the_event_time_may_be_named_or_denied(tmp_path: Path) -> None:
    frame = table(row_id=NUMBERS, ordered_at=DAYS, paid_at=DAYS)
    named = contract_of(draft_of(frame, event_time="paid_at"), tmp_path)
    assert named.event_time is not None
    assert named.event_time.expression == "paid_at"
    assert contract_of(draft_of(frame, event_time="none"), tmp_path).is_snapshot
    with pytest.raises(DraftImpossible, match="no column 'sent_at'"):
        draft_of(frame, event_time="sent_at")
    with pytest.raises(DraftImpossible, match="its values are integer"):
        draft_of(frame, event_time="row_id")


def test_a_partition_column_never_has_the_name_of_another_column(tmp_path: Path) -> None:
    properties = published(table(row_id=NUMBERS, order_date=DAYS, order_month=["3"] * ROWS), tmp_path)
    assert [name for name, item in properties.items() if item.get("partitioned")] == ["order_month_2"]
