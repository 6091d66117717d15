"""Rows that keep a contract, and rows that break one rule of it: whatever the contract, by the judgement of the engine itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from assay.contracts.model.contract import Kind
from assay.testing import NoRowFound, good_rows, judged, rows_breaking, rows_of
from assay.testing.columns import OF_EVENTS
from assay.testing.contract_lookup import contract_of
from nested import LINES_COLUMNS
from nested import contract_of as nested_contract
from orders import orders_contract
from people import people
from rides import write_rides
from sales import sales_contract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.testing.judging import Known

KNOWN = {
    "customers": [{"customer": "ada"}, {"customer": "x9"}], "members": [{"email": "ada@example.org"}],
    "stores": [{"store": "north", "till": 1}, {"store": "south", "till": 7}],
    "airlines": [{"carrier": "AA"}, {"carrier": "B6"}], "airports": [{"airport": "JFK"}, {"airport": "BOS"}], "planes": [{"tailnum": "N1"}],
}  # fmt: skip
# What no row can break as it is asked, and why.
IMPOSSIBLE = {
    ("flights", "is_cancelled_required"): "the transform always fills it", ("flights", "is_diverted_required"): "the transform always fills it",
    ("rides", "begun_at_type"): "it is the event time", ("rides", "begun_at_required"): "it is the event time",
    ("nested", "sku_type"): "what is no object has no price either", ("nested", "who_type"): "what is no object has no day either",
    ("sales", "customer_type"): "a text made of texts is a text",
}  # fmt: skip


def every_contract(folder: Path) -> dict[str, Contract]:
    found = {name: contract_of(name) for name in ("flights", "weather", "airports", "planes", "airlines")}
    folder.mkdir()
    for form in ("jsonl", "parquet", "avro"):
        (folder / form).mkdir()
        found[form] = nested_contract(folder / form, LINES_COLUMNS, form=form, server="{property: explode, value: lines}")
    found |= people(folder / "people")
    return found | {
        "rides": contract_of(write_rides(folder / "rides")), "orders": orders_contract(folder / "orders"),
        "sales": sales_contract(folder / "sales"),
    }  # fmt: skip


NAMES = (
    "flights", "weather", "airports", "planes", "airlines", "jsonl", "parquet", "avro", "members", "payments", "rides", "orders", "sales",
)  # fmt: skip


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Contract]:
    return every_contract(tmp_path_factory.mktemp("made") / "contracts")


def rules_held(contract: Contract, rows: Sequence[Mapping[str, object]], known: Known | None) -> list[str]:
    return judged(contract, rows, known).quarantined["rule"].to_list()


@pytest.mark.parametrize("name", NAMES)
def test_good_rows_keep_their_contract_and_have_keys_of_their_own(contracts: Mapping[str, Contract], name: str) -> None:
    contract = contracts[name]
    rows = good_rows(contract, 4 if name == "sales" else 25, known=KNOWN)
    done = judged(contract, rows, KNOWN)
    assert (done.quarantined.height, done.duplicates) == (0, 0)
    assert done.published.height > 0 or done.refused, "what is published is all but what a promise about many rows refuses"
    assert len({str(row) for row in rows}) == len(rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["flights", "avro", "rides", "orders", "sales"])
def test_a_row_breaks_the_rule_that_was_asked_for_and_no_other(contracts: Mapping[str, Contract], name: str) -> None:
    contract = contracts[name]
    column = contract.partitioning.column
    asked = [rule.name for rule in contract.rules if rule.column != column or column is None]
    asked += [rule for rule in OF_EVENTS if contract.event_time and (rule != OF_EVENTS[2] or contract.partitioning.end)]
    references = {rule.name for rule in contract.references}
    for rule in asked:
        known = KNOWN if rule in references else None  # a value that breaks a pattern is known nowhere
        if (contract.dataset, rule) in IMPOSSIBLE:
            with pytest.raises(NoRowFound, match=rf"break {rule} alone"):
                rows_breaking(contract, rule, known=known)
            continue
        rows = rows_breaking(contract, rule, 2, known=known)
        is_warning = any(one.name == rule and one.severity == "warning" for one in contract.rules)
        assert rules_held(contract, rows, known) == ([] if is_warning else [rule, rule]), rule


def test_the_same_seed_gives_the_same_rows_and_another_gives_others(contracts: Mapping[str, Contract]) -> None:
    for name in ("orders", "rides", "avro"):
        first, again, other = (good_rows(contracts[name], 5, seed=seed) for seed in (7, 7, 8))
        assert first == again != other
        broken = next(rule.name for rule in contracts[name].rules if rule.kind is Kind.MINIMUM)
        assert rows_breaking(contracts[name], broken, 2, seed=7) == rows_breaking(contracts[name], broken, 2, seed=7)


def test_rows_are_of_the_days_that_are_asked_for_by_the_clocks_of_the_dataset(contracts: Mapping[str, Contract]) -> None:
    rows = good_rows(contracts["weather"], 12, days=[date(2013, 3, 10)])
    assert all("2013-03-10T05:00:00Z" <= row["time_hour"] < "2013-03-11T04:00:00Z" for row in rows), "the day has 23 hours"
    assert any(row["time_hour"].startswith("2013-03-11") for row in rows), "in the zone that its file spells some are of the next day"


def test_what_a_row_must_have_it_has(contracts: Mapping[str, Contract]) -> None:
    rows = good_rows(contracts["orders"], 6, having={"state": "paid", "customer": None})
    assert {(row["state"], row["customer"]) for row in rows} == {("paid", None)}
    assert all(row["amount"] is not None for row in rows), "a paid order has an amount"
    (row,) = rows_breaking(contracts["orders"], "paid_has_amount", having={"note": "why"})
    assert (row["state"], row["amount"], row["note"]) == ("paid", None, "why")


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("amounts_minimum", "orders has no row rule 'amounts_minimum'. It has .*amount_minimum"),
        ("customer_known", "not said what customers has"),
        ("order_date_required", "order_date is filled from the event time.* Ask for one of event_time_readable"),
        ("some_rows", "has no row rule 'some_rows'"),
    ],
)
def test_what_no_row_can_break_is_said_with_what_to_ask_for(contracts: Mapping[str, Contract], rule: str, complaint: str) -> None:
    with pytest.raises(NoRowFound, match=complaint):
        rows_breaking(contracts["orders"], rule)


def test_rows_that_cannot_be_are_not_made_up(contracts: Mapping[str, Contract]) -> None:
    with pytest.raises(NoRowFound, match="one breaks state_enum"):
        good_rows(contracts["orders"], having={"state": "lost"})
    with pytest.raises(NoRowFound, match="share a key"):
        good_rows(contracts["orders"], 2, days=[date(2024, 1, 1)], having={"number": "1"})


@pytest.fixture(scope="module")
def drawn(contracts: Mapping[str, Contract]) -> Contract:
    return contracts["orders"]


def test_hypothesis_draws_rows_of_a_contract(drawn: Contract) -> None:
    seen = set[int]()

    @settings(max_examples=10)
    @given(rows_of(drawn, least=1, most=5))
    def holds(rows: list[dict[str, object]]) -> None:
        seen.add(len(rows))
        assert judged(drawn, rows).quarantined.is_empty()

    holds()
    assert len(seen) > 1
