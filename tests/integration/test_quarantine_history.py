"""What a publication notes of its quarantine: which rows came back, were corrected, withdrawn or newly held, and how history tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from order_shop import Shop, day

from assay.lake import side_tables
from assay.lake.quarantine.history import Event, history, publications
from assay.lake.quarantine.reader import View
from assay.orchestration.reconciliation import fates_of
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path

NAME = f"orders/orders_{day(1)}.csv"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open()


def build(shop: Shop, *rows: dict[str, str | None], arrival: int = 1) -> None:
    shop.drop(arrival, rows)
    shop.ingest([arrival])
    shop.refine([1])


def view(shop: Shop) -> View:
    return View.open(shop.home / "lake", "orders")


def events(shop: Shop, partition: str | None = None) -> list[Event]:
    return history(view(shop), partition)


def moved(event: Event) -> dict[str, dict[str, list[int]]]:
    return {name: dict(note["listed"]) for name, note in event.changes.items()}


GOOD: dict[str, str | None] = {"number": "1"}
BAD: dict[str, str | None] = {"number": "2", "amount": "-1"}
UNKNOWN: dict[str, str | None] = {"number": "3", "customer": "eve"}
MORE: dict[str, str | None] = {"number": "5"}


def test_the_first_publication_tells_what_it_holds_by_rule(shop: Shop) -> None:
    build(shop, GOOD, BAD, UNKNOWN, MORE)
    (only,) = events(shop)
    assert (only.kind, only.partition, only.before) == ("published", day(1), {})
    assert only.after == {"amount_minimum": 1, "customer_known": 1}
    assert only.changes == {}, "all that a new partition holds is new"
    assert only.run_id.startswith("run ")
    assert only.contract_version == "1.0.0"


def test_a_row_that_a_reference_table_lets_in_came_back(shop: Shop) -> None:
    build(shop, GOOD, BAD, UNKNOWN, MORE)
    Shop(shop.home, shop.contracts_folder, known=("ada", "bob", "eve")).open()
    shop.refine([1])
    last = events(shop)[-1]
    assert (last.before, last.after) == ({"amount_minimum": 1, "customer_known": 1}, {"amount_minimum": 1})
    assert moved(last) == {"came_back": {NAME: [3]}}


def test_a_changed_rule_lets_rows_in_and_holds_others(shop: Shop) -> None:
    build(shop, GOOD, BAD, {"number": "4", "amount": "300"})
    changed = shop.edit_contract("minimum: 0, maximum: 1000", "minimum: -5, maximum: 200").edit_contract("version: 1.0.0", "version: 1.1.0")
    changed.refine([1])
    last = events(changed)[-1]
    assert moved(last) == {"came_back": {NAME: [2]}, "newly_held": {NAME: [3]}}
    assert (last.after, last.contract_version) == ({"amount_maximum": 1}, "1.1.0")


def test_a_corrected_file_tells_corrected_rows_from_withdrawn_ones(shop: Shop) -> None:
    build(shop, GOOD, BAD, UNKNOWN, MORE)
    build(shop, GOOD, {"number": "2", "amount": "5"})
    assert moved(events(shop)[-1]) == {"corrected": {NAME: [2]}, "withdrawn": {NAME: [3]}}


def test_a_row_that_moved_to_another_day_is_withdrawn_from_its_own(shop: Shop) -> None:
    build(shop, GOOD, BAD)
    build(shop, GOOD, {**BAD, "day": day(2)})
    shop.refine([2])
    assert moved(events(shop, day(1))[-1]) == {"withdrawn": {NAME: [2]}}
    assert events(shop, day(2))[-1].after == {"amount_minimum": 1}


def test_a_row_that_became_readable_came_back_from_its_arrival(shop: Shop) -> None:
    build(shop, GOOD, {"number": "2", "day": "2024-02-03"})
    (held,) = events(shop, f"arrival/{day(1)}")
    assert held.after == {"event_time_before_end": 1}
    changed = shop.edit_contract("end: 2024-02-01", "end: 2024-03-01")
    changed.ingest([1])
    last = events(changed, f"arrival/{day(1)}")[-1]
    assert (moved(last), last.before, last.after) == ({"came_back": {NAME: [2]}}, {"event_time_before_end": 1}, {})


def test_a_publication_that_changes_nothing_in_quarantine_is_no_event(shop: Shop) -> None:
    build(shop, GOOD, BAD)
    shop.refine([1], force=True)
    build(shop, {"number": "8"}, arrival=2)
    assert len(events(shop, day(1))) == 1


def test_only_the_first_rows_are_listed_and_all_are_counted(shop: Shop) -> None:
    shop.drop(
        1, [GOOD, *({"number": str(number), "amount": "-1"} for number in range(2, 6))] + [{"number": str(n)} for n in range(100, 150)]
    )
    shop.ingest([1])
    shop.refine([1])
    build(shop, *({"number": str(number), "amount": "-1"} for number in range(20)), *({"number": str(n)} for n in range(100, 300)))
    note = events(shop)[-1].changes["newly_held"]
    assert note["rows"] == 16
    assert sum(map(len, note["listed"].values())) == 10


def test_the_first_publication_of_a_partition_looks_for_nothing_that_was_held(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Noting must cost nothing where nothing was published before: the quarantine is opened to store rows, not to compare."""
    opened: list[Any] = []
    real = side_tables.newest
    monkeypatch.setattr(side_tables, "newest", lambda *names: opened.append(names) or real(*names))
    build(shop, GOOD, BAD)
    assert len(opened) == 2, "to store, for bronze and for silver"


def test_bronze_is_read_again_only_when_rows_left_quarantine(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.refine import work

    asked: list[Any] = []
    real = work.landed_rows
    monkeypatch.setattr(work, "landed_rows", lambda *given: asked.append(given) or real(*given))
    build(shop, GOOD, BAD)
    build(shop, GOOD, BAD, {"number": "9", "amount": "-9"})
    assert asked == []
    build(shop, GOOD)
    assert len(asked) == 1


def test_the_sum_of_a_dataset_closes_over_all_its_partitions(shop: Shop) -> None:
    build(shop, GOOD, GOOD, BAD, {"number": "7", "day": "soon"})
    shop.drop(2, [{"number": "1", "day": day(2)}, {"number": "2", "day": day(2), "customer": "eve"}])
    shop.ingest([2])
    shop.refine([2])
    fates = fates_of(shop.home / "lake", shop.orders)
    assert fates is not None
    assert (fates.landed, fates.published, fates.held, fates.duplicates) == (6, 2, 3, 1)
    assert fates.closes


def test_the_log_tells_every_publication_of_every_partition(shop: Shop) -> None:
    build(shop, GOOD)
    build(shop, GOOD, BAD)
    silver = shop.table("silver")
    assert silver is not None
    assert [one.partition for one in publications(silver)] == [day(1), day(1)]
