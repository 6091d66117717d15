"""What tests of contracts say: they pass for what is so, and tell what became of the rows for what is not."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from assay.errors import ContractInvalid
from assay.testing import assert_publishes, assert_quarantines, assert_refuses, conformed, good_rows, rows_breaking
from assay.testing.contract_lookup import contract_of
from orders import orders_contract
from people import people
from rides import write_rides

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return orders_contract(tmp_path_factory.mktemp("asserting"))


@pytest.fixture(scope="module")
def rides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rides(tmp_path_factory.mktemp("asserting"))


def test_what_a_row_does_not_say_is_filled_in(orders: Contract, rides: Path) -> None:
    done = assert_publishes(orders, [{"amount": 12, "gift": True}], [{"amount": 12.0, "is_gift": True}])
    assert done.published.height == 1
    assert_publishes(rides, [{"fare": Decimal("12.50")}, {"fare": "7,5"}, {}], 3)
    assert_publishes(rides, [{"fare": "7,5", "kind": None}] * 3, [{"fare": "7.50", "kind": None}] * 3)


def test_a_published_row_that_is_not_as_expected_is_shown(orders: Contract) -> None:
    with pytest.raises(AssertionError) as failed:
        assert_publishes(orders, [{"amount": "12"}, {"amount": "-1"}], [{"amount": 12.5}, {"amount": -1.0}])
    said = str(failed.value)
    assert said.startswith(
        "orders: expected 2 published rows of 2, found 1.\n\nwhat         rows  rule or partition  why\npublished    1\n"
    )
    assert "quarantined  1     amount_minimum     row 2: amount_minimum: Found -1.0. Promised: amount is at least 0." in said
    assert said.endswith("expected, not published:\namount\n12.5\n-1.0\n\npublished, not expected:\namount\n12.0")


def test_rows_with_one_key_are_published_once(orders: Contract) -> None:
    row = good_rows(orders)[0]
    assert_publishes(orders, [row, row], 1)
    with pytest.raises(AssertionError, match=r"found 1\.(?s:.*)\nduplicates  1"):
        assert_publishes(orders, [row, row])


def test_a_rule_holds_its_rows_and_another_does_not(orders: Contract) -> None:
    assert_quarantines(orders, [{"state": "paid", "amount": None}], "paid_has_amount")
    assert_quarantines(orders, rows_breaking(orders, "note_length", 5), "note_length")
    assert_quarantines(orders, [{"day": "2024-02-30"}], "event_time_readable")
    with pytest.raises(AssertionError, match=r"amount_maximum holds 0 of 1 rows in quarantine\.(?s:.*)amount_minimum"):
        assert_quarantines(orders, [{"amount": "-1"}], "amount_maximum")
    with pytest.raises(AssertionError, match=r"amounts_minimum holds 0 of 1 rows in quarantine\. The contract has .*amount_minimum"):
        assert_quarantines(orders, [{"amount": "-1"}], "amounts_minimum")


def test_references_are_judged_where_it_is_said_what_is_known(orders: Contract) -> None:
    known = {"customers": [{"customer": "ada"}]}
    assert_publishes(orders, [{"customer": "zoe"}])
    assert_publishes(orders, good_rows(orders, 5, known=known), known=known)
    assert_quarantines(orders, [{"customer": "zoe"}], "customer_known", known=known)


def test_promises_about_many_rows_refuse_their_partition(rides: Path) -> None:
    assert_refuses(rides, good_rows(rides, 2), "some_rides")
    bad = rows_breaking(rides, "fare_minimum", 3)
    assert_refuses(rides, [*bad, *good_rows(rides, 3)], "rejectedShare")
    assert_quarantines(rides, bad, "fare_minimum")
    with pytest.raises(AssertionError, match="rides: some_rides refuses no partition of these 3 rows"):
        assert_refuses(rides, good_rows(rides, 3), "some_rides")


def test_masked_columns_are_published_masked(tmp_path: Path) -> None:
    members = people(tmp_path)["members"]
    done = assert_publishes(members, [{"email": "ada@example.org", "born": "1990-05-17"}], [{"born": "1990-01-01"}])
    assert done.published["email"][0].startswith("tok_test_")
    assert done.published["diet" if "diet" in done.published.columns else "email"][0] != "ada@example.org"


def test_a_transform_is_tried_row_by_row() -> None:
    row = {"year": "2013", "month": "6", "day": "1", "sched_dep_time": "515", "dep_time": "517", "dep_delay": "2", "arr_delay": None}
    typed = conformed("flights", [row, {**row, "dep_time": None}])
    assert typed["is_cancelled"].to_list() == [False, True]
    assert typed["is_diverted"].to_list() == [True, False]


def test_a_contract_that_is_not_there_is_named_with_a_like_one(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalid, match=r"no contract of 'flihgts'.*flights"):
        contract_of("flihgts")
    with pytest.raises(AssertionError, match="There is no column 'fares'; there are month, ride"):
        assert_publishes(write_rides(tmp_path), [{}, {}, {}], [{"fares": 1}])


def test_a_suite_that_does_not_use_the_plugin_pays_nothing_for_it(tmp_path: Path) -> None:
    program = "import sys, assay.testing.plugin; print(*sorted(one for one in sys.modules if one.startswith('assay')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == ["assay", "assay.testing", "assay.testing.plugin"]
