"""Promises about whole partitions: each metric and operator has a day that keeps it and one that breaks it, through the real kernel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.model.contract import DatasetRule, Severity
from assay.errors import ContractInvalid
from assay.refine.measures import measure, measures_of_nothing
from assay.refine.tally import Tally
from sales import DAY, refusal, sales_contract, sold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Contract

    Rows = Sequence[Mapping[str, str | None]]

PLAIN: Rows = [{}, {"price": "20"}, {"price": "30"}]


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return sales_contract(tmp_path_factory.mktemp("contracts"))


def test_a_usual_day_keeps_every_promise(sales: Contract) -> None:
    assert sold(sales, PLAIN).tallies[DAY].broken_dataset_rules(sales) == []


BITES: list[tuple[str, Rows, Rows]] = [
    # rule, a day that keeps it, a day that breaks it
    ("rows_usual", [{}] + [{"price": str(number)} for number in range(20, 24)], [{"price": str(number)} for number in range(20, 26)]),
    ("no_twins", [{}, {}], [{}, {}, {}]),
    ("no_twins", [{"store": None}, {"store": None}, {"store": None}], [{}, {}, {}]),
    ("cheap_share", [{"price": "5"}, {}], [{"price": "5"}, {"price": "6"}]),
    ("mean_price", [{"price": "199"}, {"price": "0.5"}], [{"price": "200"}]),
    ("mean_price", [{"price": "0"}, {"price": "99"}], [{"price": "0"}, {"price": "101"}]),
    ("code_unique", [{"code": None}, {"code": None}], [{"code": "A1"}, {"code": "A1"}]),
    ("codes_missing", [{}, {}, {"code": None}], [{}, {"code": "NA"}, {"code": None}]),
    ("codes_valid", [{"code": "A1"}, {"code": "X"}, {"code": None}], [{"code": "X"}, {"code": "Y"}]),
    ("codes_valid", [{"code": "A1"}, {"code": "a9"}], [{"code": "a9"}, {"code": "a9"}]),
    ("notes_there", [{}, {"note": None}, {"note": None}], [{"note": None}] * 3),
]


@pytest.mark.parametrize(("rule", "good", "bad"), BITES, ids=[f"{rule}-{number}" for number, (rule, *_) in enumerate(BITES)])
def test_a_promise_about_a_day_bites(sales: Contract, rule: str, good: Rows, bad: Rows) -> None:
    alone = replace(sales, dataset_rules=tuple(one for one in sales.dataset_rules if one.name == rule))
    kept, broken = (sold(alone, rows).tallies[DAY] for rows in (good, bad))
    assert [one.name for one in kept.broken_dataset_rules(alone)] == []
    assert [one.name for one in broken.broken_dataset_rules(alone)] == [rule]
    assert (broken.refusal(alone) is not None) is (alone.dataset_rules[0].severity is Severity.ERROR)


def test_every_promise_is_seen_to_bite(sales: Contract) -> None:
    assert {rule for rule, *_ in BITES} == {rule.name for rule in sales.dataset_rules}


def test_a_refusal_says_what_was_promised_and_what_was_measured(sales: Contract) -> None:
    said = refusal(sales, [{"price": "200"}, {"price": "201"}])
    assert said == (
        'mean_price: The mean price is usual. Promised: AVG("price") WHERE price > 0 more than 1 and less than 100; measured: 200.5. '
        "Of 2 rows that landed, 2 would be published."
    )


def test_a_refusal_names_every_broken_promise(sales: Contract) -> None:
    said = str(refusal(sales, [{"price": "200", "code": "A1", "note": None}] * 3))
    for name, measured in (("no_twins", 2), ("mean_price", 200), ("code_unique", 2), ("notes_there", 3)):
        assert f"{name}: " in said
        assert f"measured: {measured}." in said.partition(f"{name}: ")[2]


def test_each_partition_is_measured_by_itself(sales: Contract) -> None:
    done = sold(sales, [{"price": "5"}, {"day": "2024-01-02", "price": "300"}, {"day": "2024-01-03", "price": "0"}])
    broken = {day: [rule.name for rule in tally.broken_dataset_rules(sales)] for day, tally in done.tallies.items()}
    assert broken == {"2024-01-01": ["cheap_share"], "2024-01-02": ["mean_price"], "2024-01-03": ["cheap_share"]}


def test_only_rows_that_would_be_published_are_measured(sales: Contract) -> None:
    assert refusal(sales, [{}, {"price": "1000", "till": "99"}, {"price": "20"}]) is None


def test_a_day_whose_rows_are_all_rejected_is_measured_as_empty(sales: Contract) -> None:
    said = str(refusal(sales, [{"till": "99"}]))
    assert "rows_usual: " in said
    assert "measured: 0. Of 1 rows that landed, 0 would be published." in said


def test_nothing_to_measure_breaks_nothing_but_counting(sales: Contract) -> None:
    values = measures_of_nothing(sales)
    assert values == {
        "no_twins": 0, "cheap_share": None, "mean_price": None, "code_unique": 0, "codes_missing": None, "codes_valid": 0, "notes_there": 0,
    }  # fmt: skip
    assert [rule.name for rule in Tally().broken_dataset_rules(sales)] == ["rows_usual"]


def promise(argument: tuple[str, str | None], bound: float = 1, operator: str = "mustBe") -> DatasetRule:
    return DatasetRule("it", "sql", operator, bound, Severity.ERROR, "It.", None, argument)


@pytest.mark.parametrize(
    ("aggregate", "condition", "expected"),
    [
        ("AVG(price)", None, 20), ("STDDEV(price)", None, 10), ("MIN(price)", None, 10), ("MAX(price)", None, 30),
        ("COUNT(DISTINCT store)", None, 2), ("COUNT(*)", "price > 15", 2), ("COUNT(*)", "price > 99", 0),
        ("SUM(CASE WHEN price > 15 THEN 1 ELSE 0 END) * 1.0 / COUNT(*)", None, 2 / 3), ("QUANTILE_CONT(price, 0.75)", None, 25),
        ("MEDIAN(price)", "store = 'north'", 15), ("COUNT(*) > 2", None, 1), ("MAX(price) - MIN(price)", None, 20),
        ("AVG(price)", "price > 99", None),
    ],
)  # fmt: skip
def test_sql_measures_what_it_says(sales: Contract, aggregate: str, condition: str | None, expected: float | None) -> None:
    contract = replace(sales, dataset_rules=(promise((aggregate, condition)),))
    rows = [{}, {"price": "20"}, {"price": "30", "store": "south", "till": "7"}]
    found = sold(contract, rows).tallies[DAY].measured["it"]
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        (("MAX(store)", None), "gives a str"),
        (("NO_SUCH(price)", None), "NO_SUCH|no_such"),
        (("AVG(price)", "store"), "store is VARCHAR, which is neither true nor false"),
    ],
)
def test_a_promise_that_cannot_be_measured_is_an_error_of_the_contract(sales: Contract, argument: tuple[str, str], said: str) -> None:
    with pytest.raises(ContractInvalid, match=said):
        sold(replace(sales, dataset_rules=(promise(argument),)), PLAIN)


def test_row_counts_alone_cost_no_measuring(sales: Contract) -> None:
    counted = replace(sales, dataset_rules=(sales.dataset_rules[0],))
    assert measure(pl.DataFrame({"_partition": [DAY]}), counted) == {}


@pytest.mark.parametrize(("operator", "inside", "edge", "outside"), [("mustBeBetween", 2, 1, 4), ("mustNotBeBetween", 4, 1, 2)])
def test_the_bounds_of_a_range_are_outside_of_it(operator: str, inside: float, edge: float, outside: float) -> None:
    rule = DatasetRule("rows", "rowCount", operator, (1, 3), Severity.ERROR, "")
    assert rule.holds(inside)
    assert not rule.holds(outside)
    assert rule.holds(edge) is (operator == "mustNotBeBetween")


@pytest.mark.parametrize("metric", ["nullValues", "duplicateValues"])
def test_a_percentage_is_of_the_rows_of_its_partition(sales: Contract, metric: str) -> None:
    rule = DatasetRule("it", metric, "mustBe", 50, Severity.ERROR, "It.", "note", None, "percent")
    contract = replace(sales, dataset_rules=(rule,))
    rows: Rows = [{"note": None}] * 2 + [{"note": "a"}, {"note": "b"}] if metric == "nullValues" else [{"note": "a"}] * 3 + [{"note": "b"}]
    assert sold(contract, rows).tallies[DAY].measured == {"it": 50.0}
    assert sold(contract, rows).tallies[DAY].refusal(contract) is None


def test_dates_are_compared_as_dates(tmp_path: Path) -> None:
    rule = "{name: born_known, metric: missingValues, arguments: {missingValues: [1900-01-01]}, mustBe: 0, description: No stand-ins.}"
    old = "        classification: personal\n        customProperties:\n          - {property: masking, value: {method: generalize"
    contract = sales_contract(tmp_path, (old, f"        quality: [{rule}]\n{old}"))
    assert refusal(contract, [{}]) is None
    assert "born_known" in str(refusal(contract, [{"born": "1900-01-01"}]))
