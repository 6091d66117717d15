"""Discard and restore: rows leave the visible quarantine by one commit, stay away whatever is built again, and come back by another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest
from order_shop import Shop, day

from assay.cli.lake_facts import facts
from assay.cli.lake_reader import query
from assay.errors import Fenced, Superseded
from assay.lake.erasures import raise_fence
from assay.lake.fence import fence_now
from assay.lake.quarantine.decisions import Decision, Kind, decide, decisions_of, in_force, taken
from assay.lake.quarantine.history import history
from assay.lake.quarantine.reader import Fate, View
from assay.lake.snapshots import open_snapshot, table_names
from assay.orchestration.reconciliation import fates_of
from orders import write_contracts

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    {"number": "1"}, {"number": "1"}, {"number": "2", "amount": "-1"}, {"number": "3", "amount": "-2"}, {"number": "4", "customer": "eve"},
    {"number": "5"}, {"number": "6"}, {"number": "7", "day": "soon"},
]  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open()
    shop.drop(1, ROWS)
    shop.ingest([1])
    shop.refine([1])
    return shop


def lake(shop: Shop) -> Path:
    return shop.home / "lake"


def view(shop: Shop) -> View:
    return View.open(lake(shop), "orders")


def rows(shop: Shop, fate: Fate) -> list[int]:
    return sorted(view(shop).rows(fate)["source_row"])


def decided(kind: Kind, because: str = "tests of the shop") -> Decision:
    return Decision(kind, "ada", datetime(2024, 2, 1, tzinfo=UTC), because)


def discard(shop: Shop, *source_rows: int) -> int:
    seen = view(shop)
    held = seen.rows(Fate.HELD).filter(pl.col("source_row").is_in(source_rows))
    return decide(lake(shop), "orders", decided(Kind.DISCARD), held, taken(seen.decisions), fence=seen.fence)


def restore(shop: Shop, *source_rows: int) -> int:
    decisions = decisions_of(lake(shop), "orders")
    assert decisions is not None
    discarded = in_force(decisions).filter(pl.col("source_row").is_in(source_rows))
    return decide(lake(shop), "orders", decided(Kind.RESTORE, "wanted after all"), discarded, taken(decisions), fence=fence_now(lake(shop)))


def test_discarded_rows_leave_quarantine_and_the_sum_still_closes(shop: Shop) -> None:
    assert rows(shop, Fate.HELD) == [3, 4, 5, 8]
    discard(shop, 3, 8)
    assert rows(shop, Fate.HELD) == [4, 5]
    assert rows(shop, Fate.DISCARDED) == [3, 8]
    assert str(fates_of(lake(shop), shop.orders)) == "orders: landed 8 = published 3 + held 2 + discarded 2 + duplicates 1"


def test_the_decision_is_kept_with_who_when_why_and_which_rows(shop: Shop) -> None:
    discard(shop, 3)
    kept = open_snapshot(lake(shop), "decisions/orders").scan().collect().row(0, named=True)
    held = open_snapshot(lake(shop), "bronze/orders").scan().filter(pl.col("_source_row") == 3).collect().row(0, named=True)
    assert kept == {
        "decision": 1, "kind": "discard", "decided_at": datetime(2024, 2, 1, tzinfo=UTC), "decided_by": "ada",
        "because": "tests of the shop", "rule": "amount_minimum", "source_file": held["_source_file"], "source_row": 3,
        "source_hash": held["_source_hash"], "_partition": day(1),
    }  # fmt: skip


def test_a_rebuild_does_not_bring_discarded_rows_back(shop: Shop) -> None:
    discard(shop, 3, 8)
    shop.ingest([1], force=True)
    shop.refine([1], force=True)
    assert rows(shop, Fate.HELD) == [4, 5]
    shop.edit_contract("maximum: 1000", "maximum: 900").refine([1])
    assert rows(shop, Fate.HELD) == [4, 5]
    assert rows(shop, Fate.DISCARDED) == [3, 8]


def test_a_late_file_does_not_bring_discarded_rows_back(shop: Shop) -> None:
    discard(shop, 3)
    shop.drop(2, [{"number": "9"}, {"number": "10", "amount": "-9"}])
    shop.ingest([2])
    shop.refine([1])
    assert rows(shop, Fate.HELD) == [2, 4, 5, 8]


def test_a_corrected_file_is_another_content_and_is_judged_anew(shop: Shop) -> None:
    discard(shop, 3)
    shop.drop(1, [*ROWS, {"number": "11"}])
    shop.ingest([1])
    shop.refine([1])
    assert rows(shop, Fate.HELD) == [3, 4, 5, 8]
    assert rows(shop, Fate.DISCARDED) == []


def test_a_discarded_row_that_the_contract_accepts_later_is_published(shop: Shop) -> None:
    """A decision is about the list of what is held. What is published is for the contract alone to say."""
    discard(shop, 3)
    shop.edit_contract("minimum: 0", "minimum: -1").refine([1])
    assert 2 in shop.rows("silver")["number"].to_list()
    assert rows(shop, Fate.DISCARDED) == []
    assert rows(shop, Fate.HELD) == [4, 5, 8]


def test_restored_rows_are_in_quarantine_again(shop: Shop) -> None:
    before = view(shop).rows(Fate.HELD)
    discard(shop, 3, 4)
    assert restore(shop, 3) == 2
    assert rows(shop, Fate.HELD) == [3, 5, 8]
    restore(shop, 4)
    assert view(shop).rows(Fate.HELD).equals(before)


def test_a_row_can_be_discarded_again_after_it_was_restored(shop: Shop) -> None:
    discard(shop, 3)
    restore(shop, 3)
    assert discard(shop, 3) == 3
    assert rows(shop, Fate.DISCARDED) == [3]


def test_of_two_decisions_at_once_the_second_is_refused_and_changes_nothing(shop: Shop) -> None:
    seen = view(shop)
    held = seen.rows(Fate.HELD)
    decide(lake(shop), "orders", decided(Kind.DISCARD), held.filter(pl.col("source_row") == 3), taken(seen.decisions), fence=seen.fence)
    with pytest.raises(Superseded, match="decisions/orders"):
        decide(lake(shop), "orders", decided(Kind.DISCARD), held.filter(pl.col("source_row") == 4), taken(seen.decisions), fence=seen.fence)
    assert rows(shop, Fate.DISCARDED) == [3]


def test_rows_that_were_chosen_before_somebody_was_erased_are_not_decided_about(shop: Shop) -> None:
    """They may be the person's, and a decision keeps their places."""
    discard(shop, 3)
    seen = view(shop)
    held = seen.rows(Fate.HELD)
    raise_fence(lake(shop), table_names(lake(shop)))
    with pytest.raises(Fenced, match="decisions/orders"):
        decide(lake(shop), "orders", decided(Kind.DISCARD), held, taken(seen.decisions), fence=seen.fence)
    assert rows(shop, Fate.DISCARDED) == [3]
    assert discard(shop, 4) == 2


def test_the_first_decision_too_is_kept_out_by_an_erasure(shop: Shop) -> None:
    seen = view(shop)
    raise_fence(lake(shop), table_names(lake(shop)))
    with pytest.raises(Fenced, match="decisions/orders"):
        decide(lake(shop), "orders", decided(Kind.DISCARD), seen.rows(Fate.HELD), taken(seen.decisions), fence=seen.fence)
    assert discard(shop, 3) == 1


def test_sql_and_the_list_of_tables_respect_decisions(shop: Shop) -> None:
    def counted(sql: str) -> list[tuple[object, ...]]:
        return query(lake(shop), sql).fetchall()

    for table in ("quarantine", "discarded", "refused"):
        assert counted(f"select count(*) from {table}.orders") == [(4 if table == "quarantine" else 0,)]
    discard(shop, 3, 8)
    assert counted("select source_row from quarantine.orders order by 1") == [(4,), (5,)]
    assert counted("select source_row, decision, decided_by, because from discarded.orders order by 1") == [
        (3, 1, "ada", "tests of the shop"), (8, 1, "ada", "tests of the shop"),
    ]  # fmt: skip
    assert counted("select count(*) from decisions.orders") == [(2,)]
    assert {one.name: one.rows for one in facts(lake(shop))[0]}["quarantine/orders"] == 2
    restore(shop, 3, 8)
    assert counted("select source_row from quarantine.orders order by 1") == [(3,), (4,), (5,), (8,)]
    assert counted("select count(*) from discarded.orders") == [(0,)]


def test_sql_shows_the_same_rows_as_the_reader(shop: Shop) -> None:
    discard(shop, 3)
    seen = view(shop)
    for schema, fate in (("quarantine", Fate.HELD), ("discarded", Fate.DISCARDED), ("refused", Fate.REFUSED)):
        shown = query(lake(shop), f"select * from {schema}.orders order by source_row")
        mine = seen.rows(fate).sort("source_row")
        assert [column[0] for column in shown.description or ()] == mine.columns
        assert shown.fetchall() == mine.rows()


def test_history_tells_decisions_among_publications(shop: Shop) -> None:
    discard(shop, 3)
    restore(shop, 3)
    told = [(event.kind, event.by, event.because, dict(event.after)) for event in history(view(shop), day(1)) if event.by]
    assert told == [
        ("discard", "ada", "tests of the shop", {"amount_minimum": 1}), ("restore", "ada", "wanted after all", {"amount_minimum": 1}),
    ]  # fmt: skip
