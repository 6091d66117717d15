"""What lands without a row is published without a row, and is told from what has not landed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import dagster as dg
import polars as pl
import pytest
from order_shop import Shop, day

from assay.ingest.bronze import bronze_spec
from assay.ingest.step import ingest
from assay.lake.slices import WHOLE, Slice
from assay.orchestration.plan import Planner
from assay.refine.step import refine_partitions, silver_spec
from assay.steps import Outcome, Status
from orders import CUSTOMERS, ORDERS, write_contracts

if TYPE_CHECKING:
    from pathlib import Path

    from assay.gold.step import Project

ROWS_PROMISED = "      - {name: some_rows, type: library, metric: rowCount, mustBeGreaterThan: 0, description: A day has orders.}\n"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A shop of which nothing has landed, and which promises no rows."""
    assert ROWS_PROMISED in ORDERS
    return Shop(tmp_path / "home", write_contracts(tmp_path / "contracts", ORDERS.replace(ROWS_PROMISED, "")))


def due(shop: Shop, dataset: str) -> list[str]:
    """The partitions of silver that the plan finds outdated."""
    planner = Planner(shop.run(), shop.contracts, cast("Project", None))
    return planner.due([dg.AssetKey(["silver", dataset])])[0].partitions


def build_customers(shop: Shop) -> Outcome:
    customers = shop.contracts["customers"]
    assert [one.status for one in ingest(shop.run(), customers, Slice(bronze_spec(customers), (WHOLE,)))] == [Status.PUBLISHED]
    assert due(shop, "customers") == ["all"]
    (outcome,) = refine_partitions(shop.run(), customers, Slice(silver_spec(customers), (WHOLE,)))
    assert due(shop, "customers") == []
    return outcome


def test_a_snapshot_whose_first_file_has_only_a_header_is_published_without_rows(shop: Shop) -> None:
    shop.drop_text("customers", f"customers_{day(1)}.csv", "customer\n")
    outcome = build_customers(shop)
    assert (outcome.status, outcome.rows, outcome.facts["landed"]) == (Status.PUBLISHED, 0, 0)
    silver = shop.table("silver", "customers")
    assert silver is not None
    assert silver.scan().collect().schema == {"customer": pl.String}
    shop.drop_text("customers", f"customers_{day(2)}.csv", "customer\nada\n")
    assert build_customers(shop).rows == 1


def test_a_snapshot_of_an_empty_parquet_file_is_published_without_rows(tmp_path: Path) -> None:
    folder = write_contracts(tmp_path / "contracts")
    text = CUSTOMERS.replace("*.csv*", ".parquet").replace("format: csv", "format: parquet")
    (folder / "customers.odcs.yaml").write_text(text)
    shop = Shop(tmp_path / "home", folder)
    path = shop.drop_text("customers", f"customers_{day(1)}.parquet", "")
    pl.DataFrame(schema={"customer": pl.String}).write_parquet(path)
    assert build_customers(shop).rows == 0


def test_a_snapshot_whose_every_row_is_rejected_is_published_without_rows_and_holds_them(shop: Shop) -> None:
    shop.drop_text("customers", f"customers_{day(1)}.csv", 'customer\n""\nNA\n')
    outcome = build_customers(shop)
    assert (outcome.rows, outcome.facts["quarantined"]) == (0, 2)


def test_a_day_that_landed_without_rows_is_published_empty_and_one_that_did_not_land_is_not(shop: Shop) -> None:
    shop.open()
    shop.drop(1, [{"number": "1"}])
    shop.drop(3, [])
    shop.ingest([1, 3])
    assert due(shop, "orders") == [day(1), day(3)]
    done = shop.refine([1, 3])
    assert {key: (outcome.status, outcome.rows) for key, outcome in done.items()} == {
        day(1): (Status.PUBLISHED, 1), day(3): (Status.PUBLISHED, 0),
    }  # fmt: skip
    assert due(shop, "orders") == []


def test_rows_that_come_late_for_a_day_that_was_empty_reopen_it(shop: Shop) -> None:
    shop.open()
    shop.drop(3, [])
    shop.ingest([3])
    shop.refine([3])
    shop.drop(4, [{"number": "1", "day": day(3)}])
    shop.ingest([4])
    assert due(shop, "orders") == [day(3)]
    assert shop.refine([3])[day(3)].rows == 1


def test_a_day_without_rows_whose_contract_wants_some_is_refused_by_name(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "home", write_contracts(tmp_path / "contracts")).open()
    shop.drop(1, [])
    shop.ingest([1])
    assert due(shop, "orders") == [day(1)]
    outcome = shop.refine([1])[day(1)]
    assert outcome.status is Status.REFUSED
    assert "some_rows" in str(outcome.refusal)


def test_a_day_whose_rows_all_lie_in_another_is_not_published_empty(shop: Shop) -> None:
    """A file brings the rows of the day before: about its own day it says nothing."""
    shop.open()
    shop.drop(2, [{"number": "1"}])
    shop.ingest([2])
    assert due(shop, "orders") == [day(1)]
