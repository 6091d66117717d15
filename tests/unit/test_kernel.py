"""The kernel: bronze rows become published and rejected rows, and whatever comes in, no row is lost and none is made up."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.contracts.language.dialect import Dialect
from assay.contracts.model.contract import SOURCE_ROW, DatasetRule, Severity
from assay.contracts.reading.odcs import load_contracts
from assay.contracts.reading.rules import type_rules
from assay.errors import ContractInvalid
from assay.refine.kernel import refine
from assay.refine.tally import Tally
from orders import GOOD, KNOWN_CUSTOMERS, ORDERS, bronze_of, orders_contract, refined, write_contracts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.contracts.model.contract import Contract

DAY = "2024-01-01"


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return orders_contract(tmp_path_factory.mktemp("contracts"))


def tally(contract: Contract, *rows: Mapping[str, str | None], day: str = DAY) -> Tally:
    return refined(contract, rows).tallies[day]


def test_a_good_row_is_published_with_its_types(orders: Contract) -> None:
    row = refined(orders, [GOOD]).published.row(0, named=True)
    assert {name: str(value) for name, value in row.items()} == {
        "order_date": "2024-01-01", "number": "1", "customer": "ada", "amount": "10.0", "state": "open",
        "placed_at": "2024-01-01 09:00:00+00:00", "is_gift": "False", "note": "hello",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("column", "bad"), [("number", "x"), ("amount", "1,5"), ("placed", "yesterday"), ("gift", "perhaps")], ids=lambda value: value
)
def test_a_value_of_another_type_is_quarantined_and_never_a_silent_null(orders: Contract, column: str, bad: str) -> None:
    done = refined(orders, [{column: bad}])
    assert done.published.is_empty()
    assert json.loads(done.rejected["raw"][0])[column] == bad


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12,50", "12.5"), ("1.000", "1000.0"), ("0.999,5", "999.5"), ("12.50", None), ("12,5.0", None), ("1e3", "1000.0")],
)
def test_a_number_is_read_in_the_dialect_of_its_file_or_held(orders: Contract, text: str, amount: str | None) -> None:
    german = replace(orders, source=replace(orders.source, dialect=Dialect(";", decimal_char=",", group_char=".")))
    done = refined(german, [{"amount": text, "number": "1"}])
    assert [str(found) for found in done.published["amount"]] == ([amount] if amount else [])
    assert done.rejected["rule"].to_list() == ([] if amount else ["amount_type"])


def test_an_expression_s_texts_are_spelled_in_the_dialect_and_its_numbers_are_numbers(orders: Contract) -> None:
    def amount(sql: str) -> list[float]:
        columns = tuple(replace(one, source=None, expression=sql) if one.name == "amount" else one for one in orders.columns)
        german = replace(orders, columns=columns, source=replace(orders.source, dialect=Dialect(";", decimal_char=",", group_char=".")))
        return refined(german, [{"amount": " 1.000 ", "number": "2"}]).published["amount"].to_list()

    assert amount("TRIM(amount)") == [1000.0]
    assert amount("CAST(number AS DOUBLE) / 4") == [0.5]


@pytest.mark.parametrize(
    ("name", "sql"), [("amount", "CAST(note AS DOUBLE)"), ("state", "CASE WHEN CAST(note AS BIGINT) > 0 THEN 'open' ELSE 'lost' END")]
)
def test_a_row_for_which_an_expression_fails_is_held_and_the_others_are_published(orders: Contract, name: str, sql: str) -> None:
    columns = tuple(replace(one, source=None, expression=sql) if one.name == name else one for one in orders.columns)
    rules = (
        *type_rules([one for one in columns if one.name == name]),
        *(one for one in orders.rules if one.name not in {f"{name}_type", "note_length"}),
    )
    done = refined(replace(orders, columns=columns, rules=rules), [{"number": "1", "note": "7"}, {"number": "2", "note": "seven"}])
    assert done.published["number"].to_list() == [1]
    assert done.rejected["rule"].to_list() == [f"{name}_type"]


def test_a_reason_names_every_broken_rule_and_the_row_is_filed_under_the_contract_s_first(orders: Contract) -> None:
    done = refined(orders, [{"amount": "-1", "state": "lost", "note": "far too long", "customer": "eve"}])
    order = [rule.name for rule in orders.rules]
    broken = ["customer_known", "amount_minimum", "state_enum", "note_length"]
    assert [done.rejected["reason"][0].find(f"{rule}: ") for rule in sorted(broken, key=order.index)] == sorted(
        done.rejected["reason"][0].find(f"{rule}: ") for rule in broken
    )
    assert all(f"{rule}: " in done.rejected["reason"][0] for rule in broken)
    assert done.rejected["rule"].to_list() == [min(broken, key=order.index)]
    assert "Found lost." in done.rejected["reason"][0]


def test_a_rejected_row_says_where_it_came_from(orders: Contract) -> None:
    rejected = refined(orders, [GOOD, {"number": "2", "amount": "-1", "file": "b.csv", "row": "7"}]).rejected.row(0, named=True)
    assert {name: rejected[name] for name in ("source_file", "source_row", "source_hash", "run_id", "contract_version")} == {
        "source_file": "b.csv", "source_row": 7, "source_hash": "hash", "run_id": "test", "contract_version": "1.0.0",
    }  # fmt: skip
    assert json.loads(rejected["raw"]) == GOOD | {"number": "2", "amount": "-1"}


def test_a_warning_is_counted_and_published(orders: Contract) -> None:
    assert tally(orders, {"amount": "600"}) == Tally(1, 1, 0, 0, {"amount_is_usual": 1})


def test_the_last_arrival_of_a_key_wins(orders: Contract) -> None:
    done = refined(orders, [{"amount": "2", "arrival": "2024-01-03"}, {"amount": "1", "arrival": "2024-01-02"}])
    assert done.published["amount"].to_list() == [2]
    assert done.tallies[DAY] == Tally(2, 1, 0, 1)


def test_of_one_arrival_the_last_file_and_row_win(orders: Contract) -> None:
    origins = [("1", "b.csv", "2"), ("2", "a.csv", "9"), ("3", "b.csv", "1")]
    rows = [{"amount": amount, "file": file, "row": row} for amount, file, row in origins]
    assert refined(orders, rows).published["amount"].to_list() == [1]


MONTHLY = ("value: {grain: day, start: 2024-01-01, end: 2024-02-10, lateness: 3}", "value: {grain: month, start: 2024-01-01, lateness: 0}")
SHORT_DATES = ("orders_{arrival:yyyy-MM-dd}*.csv*", "orders_{arrival:yyyy-M-d}*.csv*")


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(files=st.lists(st.tuples(st.integers(1, 28), st.sampled_from(["", "_part2", "_part10"])), min_size=2, max_size=6, unique=True))
def test_within_a_month_the_file_of_the_latest_day_wins_then_the_one_with_the_greatest_number(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[int, str]]
) -> None:
    text = ORDERS.replace(*MONTHLY).replace(*SHORT_DATES)
    contract = load_contracts(write_contracts(tmp_path_factory.mktemp("monthly"), text))["orders"]
    rows = [
        {"amount": str(place), "file": f"orders/orders_2024-1-{day}{part}.csv", "arrival": "2024-01-01"}
        for place, (day, part) in enumerate(files)
    ]
    parts = ["", "_part2", "_part10"]
    last = max(range(len(files)), key=lambda place: (files[place][0], parts.index(files[place][1])))
    assert refined(contract, rows).published["amount"].to_list() == [last]


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    origins=st.lists(
        st.tuples(st.integers(1, 4), st.integers(2, 4), st.sampled_from(["a.csv", "b.csv"]), st.integers(1, 30)), max_size=12, unique=True
    )
)
def test_of_any_rows_the_last_of_each_key_is_published_in_order_of_the_key(
    orders: Contract, origins: list[tuple[int, int, str, int]]
) -> None:
    rows = [
        {"number": str(number), "arrival": f"2024-01-0{day}", "file": file, "row": str(row), "amount": str(place)}
        for place, (number, day, file, row) in enumerate(origins)
    ]
    last = {number: max((one, place) for place, one in enumerate(origins) if one[0] == number)[1] for number, *_ in origins}
    assert refined(orders, rows).published["amount"].to_list() == [last[number] for number in sorted(last)]


def test_a_key_counts_within_its_partition_whatever_is_refined_with_it(orders: Contract) -> None:
    rows = [{"number": "1", "day": "2024-01-01"}, {"number": "1", "day": "2024-01-02", "arrival": "2024-01-09"}]
    together, alone = refined(orders, rows), refined(orders, rows[:1])
    assert [str(found) for found in together.published["order_date"]] == ["2024-01-01", "2024-01-02"]
    assert together.tallies["2024-01-01"] == alone.tallies["2024-01-01"]


def test_a_bad_correction_does_not_displace_the_good_row(orders: Contract) -> None:
    done = refined(orders, [{"amount": "5"}, {"amount": "-5", "arrival": "2024-01-09"}])
    assert done.published["amount"].to_list() == [5]
    assert done.tallies[DAY] == Tally(2, 1, 1, 0, {"amount_minimum": 1})


def test_rows_without_a_key_are_not_taken_for_duplicates_of_each_other(orders: Contract) -> None:
    done = refined(orders, [{"number": None}, {"number": "NA"}, {"number": "x"}])
    assert done.tallies[DAY] == Tally(3, 0, 3, 0, {"number_required": 3, "number_type": 1})


def test_a_contract_without_key_keeps_equal_rows(orders: Contract) -> None:
    assert tally(replace(orders, key=()), GOOD, GOOD) == Tally(2, 2, 0, 0)


def test_a_row_that_refers_to_nothing_is_held_until_the_reference_has_it(orders: Contract) -> None:
    rows = [GOOD, {"number": "2", "customer": "eve"}]
    held = refined(orders, rows)
    assert (held.published["customer"].to_list(), held.rejected["rule"].to_list()) == (["ada"], ["customer_known"])
    known = refined(orders, rows, {("customers", "customer"): pl.Series(["ada", "bob", "eve"])})
    assert (known.published["customer"].to_list(), known.rejected.height) == (["ada", "eve"], 0)


@pytest.mark.parametrize("known", [[], [None]], ids=["empty", "only-null"])
def test_a_reference_table_without_values_knows_nobody(orders: Contract, known: list[None]) -> None:
    nobody = {("customers", "customer"): pl.Series(known, dtype=pl.String)}
    assert refined(orders, [GOOD], nobody).rejected["rule"].to_list() == ["customer_known"]


@pytest.mark.parametrize(("bad", "refused"), [(5, False), (6, True)])
def test_a_partition_with_too_many_rejected_rows_is_refused_and_the_worst_rule_named(orders: Contract, bad: int, refused: bool) -> None:
    rows = [{"number": str(number), "amount": "-1" if number <= bad else "600"} for number in range(1, 11)]
    said = tally(orders, *rows).refusal(orders)
    assert (said is not None) is refused
    assert said is None or re.search("rejectedShare: 6 of 10 rows break an error rule.*60%.*most break amount_minimum", said)


def test_the_worst_rule_is_never_a_warning(orders: Contract) -> None:
    spoiled = Tally(10, 0, 10, 0, {"amount_is_usual": 10, "note_length": 8})
    assert "most break note_length" in str(spoiled.refusal(replace(orders, dataset_rules=())))


def test_a_partition_without_rows_is_refused_where_rows_are_promised(orders: Contract) -> None:
    assert Tally().refusal(orders) == (
        "some_rows: A day has orders. Promised: rows more than 0; measured: 0. Of 0 rows that landed, 0 would be published."
    )
    assert Tally().refusal(replace(orders, dataset_rules=())) is None


def test_a_row_count_that_is_only_a_warning_refuses_nothing(orders: Contract) -> None:
    rule = DatasetRule("many", "rowCount", "mustBeGreaterThan", 100, Severity.WARNING, "Many.")
    lenient = replace(orders, dataset_rules=(rule,))
    assert tally(lenient, GOOD).refusal(lenient) is None
    assert tally(lenient, GOOD).broken_dataset_rules(lenient) == [rule]


def run_with(contract: Contract, transform: Any) -> None:
    refine(bronze_of(contract, [GOOD, {"number": "2"}]).lazy(), contract, KNOWN_CUSTOMERS, transform, "test")


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        pytest.param(lambda frame: frame.head(1), "of 2 rows it gave 1, or moved them", id="drops-a-row"),
        pytest.param(lambda frame: frame.reverse(), "of 2 rows it gave 2, or moved them", id="moves-rows"),
        pytest.param(lambda frame: frame.drop("note"), "nothing filled the column 'note'", id="forgets-a-column"),
    ],
)
def test_a_transform_that_does_more_than_add_columns_is_refused(orders: Contract, transform: Any, said: str) -> None:
    with pytest.raises(ContractInvalid, match=said):
        run_with(orders, transform)


def test_nothing_comes_out_of_nothing(orders: Contract) -> None:
    done = refined(orders, [])
    assert (done.published.height, done.rejected.height, done.tallies) == (0, 0, {})


ROW = st.fixed_dictionaries(
    {
        "day": st.sampled_from(["2024-01-01", "2024-01-02", "2024-01-03", "2024-03-01", "soon", None]),
        "number": st.sampled_from(["1", "2", "3", "x", "NA", None]),
        "customer": st.sampled_from(["ada", "eve", "Ada", None]),
        "amount": st.sampled_from(["1", "600", "-1", "x", None]),
        "state": st.sampled_from(["open", "paid", "lost", None]),
        "note": st.sampled_from(["ok", "x", None]),
        "arrival": st.sampled_from(["2024-01-02", "2024-01-03"]),
        "file": st.sampled_from(["a.csv", "b.csv"]),
    }
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROW, max_size=25))
def test_landed_is_published_and_quarantined_and_duplicates(orders: Contract, rows: Sequence[Mapping[str, str | None]]) -> None:
    done, bronze = refined(orders, rows), bronze_of(orders, rows)
    landed = bronze.drop_nulls("_event_date").height
    assert all(found.closes for found in done.tallies.values())
    assert sum(found.landed for found in done.tallies.values()) == landed
    assert sum(found.published for found in done.tallies.values()) == done.published.height
    assert sum(found.quarantined for found in done.tallies.values()) == done.rejected.height
    assert not done.published.select("order_date", *orders.key).is_duplicated().any()
    origins = done.rejected.select("source_file", "source_row", "_partition")
    assert not origins.is_duplicated().any()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_order_of_rows_changes_nothing(orders: Contract, data: st.DataObject) -> None:
    rows = data.draw(st.lists(ROW, min_size=2, max_size=15))
    frame = bronze_of(orders, rows).drop_nulls("_event_date")
    shuffled = data.draw(st.permutations(range(frame.height)))
    first, second = (refine(found.lazy(), orders, KNOWN_CUSTOMERS, None, "test") for found in (frame, frame[list(shuffled)]))
    assert first.published.equals(second.published)
    assert first.tallies == second.tallies
    origin = ["source_file", "source_row", "_partition", "raw"]
    assert first.rejected.sort(origin).equals(second.rejected.sort(origin))
    assert SOURCE_ROW not in first.published.columns
