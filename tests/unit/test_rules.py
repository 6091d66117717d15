"""Row rules: each kind has a value that keeps it and one that breaks it, and a rule that nobody can evaluate is an error."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from assay.contracts.language.date_formats import java_pattern, strptime_format
from assay.contracts.model.contract import Kind, Rule, Severity
from assay.contracts.reading.odcs import load_contracts
from assay.errors import ContractInvalid
from assay.refine.audit import failures, verdicts
from assay.refine.kernel import refine
from assay.refine.reasons import INDEX
from orders import KNOWN_CUSTOMERS, ORDERS, bronze_of, orders_contract, refined, write_contracts

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return orders_contract(tmp_path_factory.mktemp("contracts"))


BITES = [
    # rule, landing column, good, bad
    ("number_type", "number", "7", "seven"),
    ("number_type", "number", "2147483647", "2147483648"),
    ("number_type", "number", "-1", "1.5"),
    ("amount_type", "amount", "1e2", "1,5"),
    ("amount_type", "amount", "0.1", "NaN"),
    ("amount_type", "amount", "0.1", "inf"),
    ("placed_at_type", "placed", "2024-02-29T10:00:00+01:00", "2023-02-29T10:00:00+01:00"),
    ("placed_at_type", "placed", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00"),
    ("is_gift_type", "gift", "Yes", "perhaps"),
    ("number_required", "number", "7", "NA"),
    ("amount_minimum", "amount", "0", "-0.01"),
    ("amount_maximum", "amount", "1000", "1000.01"),
    ("note_length", "note", "ab", "a"),
    ("note_length", "note", "abcde", "abcdef"),
    ("customer_pattern", "customer", "ada", "Ada"),
    ("state_enum", "state", "paid", "lost"),
    ("customer_known", "customer", "bob", "eve"),
    ("paid_has_amount", "amount", "1", "NA"),
    ("amount_is_usual", "amount", "499.99", "500"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "column", "good", "bad"), BITES)
def test_a_rule_bites(orders: Contract, rule: str, column: str, good: str, bad: str) -> None:
    paid = {"state": "paid"} if rule == "paid_has_amount" else {}
    done = refined(orders, [paid | {"number": "1", column: good}, paid | {"number": "2", column: bad}])
    assert {name: rows for name, rows in done.tallies["2024-01-01"].broken.items() if name == rule} == {rule: 1}
    assert rule not in refined(orders, [paid | {column: good}]).tallies["2024-01-01"].broken


def test_every_kind_of_rule_is_seen_to_bite(orders: Contract) -> None:
    kinds = {rule.name: rule.kind for rule in orders.rules}
    assert {kinds[name] for name, *_ in BITES} == set(Kind)


@pytest.mark.parametrize("column", ["customer", "amount", "state", "placed", "gift", "note"])
@pytest.mark.parametrize("absent", ["NA", "", None])
def test_an_absent_value_breaks_nothing_that_does_not_require_it(orders: Contract, column: str, absent: str | None) -> None:
    assert refined(orders, [{column: absent}]).tallies["2024-01-01"].broken == {}


def test_length_counts_characters_and_not_bytes(orders: Contract) -> None:
    assert refined(orders, [{"note": "éééé"}]).published["note"].to_list() == ["éééé"]


@pytest.mark.parametrize(("text", "decimal"), [("1.10", True), ("-3", True), ("1.100", True), ("1.239", False), ("1e11", False)])
def test_a_decimal_is_exact_or_refused(tmp_path: Path, text: str, decimal: bool) -> None:
    contract = orders_contract(tmp_path, "DOUBLE", "DECIMAL(12, 2)")
    assert ("amount_type" not in refined(contract, [{"amount": text}]).tallies["2024-01-01"].broken) is decimal


def test_an_expression_over_several_columns_never_loses_a_value_silently(tmp_path: Path) -> None:
    old = "      - {name: number, logicalType: integer, physicalType: INTEGER, required: true, primaryKey: true}\n"
    added = '      - {name: code, logicalType: integer, transformSourceObjects: [amount, note], transformLogic: "CONCAT(amount, note)"}\n'
    contract = orders_contract(tmp_path, old, old + added)
    done = refined(contract, [{"number": "1", "amount": "10", "note": "11"}, {"number": "2", "amount": "10", "note": "xx"}])
    assert done.published["code"].to_list() == [1011]
    assert done.rejected["rule"].to_list() == ["code_type"]


def test_a_transform_that_makes_no_number_breaks_the_rule_of_the_type(tmp_path: Path) -> None:
    old = "      - {name: note, logicalType: string, logicalTypeOptions"
    added = "      - {name: ratio, logicalType: number, physicalType: FLOAT, transformDescription: Amount by number.}\n"
    transform = "    customProperties:\n      - {property: transform, value: shop:add_ratio}\n      - property: eventTime"
    text = ORDERS.replace(old, added + old).replace("    customProperties:\n      - property: eventTime", transform)
    contract = load_contracts(write_contracts(tmp_path, text))["orders"]
    rows = [{"number": "1", "amount": "2"}, {"number": "2", "amount": "0"}, {"number": "3", "amount": "NA"}]
    frame = bronze_of(contract, rows).lazy()
    done = refine(
        frame, contract, KNOWN_CUSTOMERS, lambda rows: rows.with_columns((2 / pl.col("amount")).cast(pl.Float32).alias("ratio")), "test"
    )
    assert done.rejected["rule"].to_list() == ["ratio_type"]
    assert done.rejected["reason"].to_list() == ["ratio_type: Not kept: ratio is a finite number."]
    assert done.published["ratio"].to_list() == [1, None]


def test_what_a_transform_left_wider_is_judged_as_it_will_be_published(tmp_path: Path) -> None:
    old = "      - {name: note, logicalType: string, logicalTypeOptions"
    added = "      - {name: rate, logicalType: number, physicalType: FLOAT, transformDescription: A tenth., enum: [{value: 0.1}]}\n"
    transform = "    customProperties:\n      - {property: transform, value: shop:add_rate}\n      - property: eventTime"
    text = ORDERS.replace(old, added + old).replace("    customProperties:\n      - property: eventTime", transform)
    text = text.replace("amount < 500", "amount < 500 AND rate <= 0.1")
    contract = load_contracts(write_contracts(tmp_path, text))["orders"]
    rows = bronze_of(contract, [{"number": "1"}]).lazy()
    done = refine(rows, contract, KNOWN_CUSTOMERS, lambda frame: frame.with_columns(pl.lit(0.1).alias("rate")), "test")
    assert (done.rejected.height, done.tallies["2024-01-01"].broken) == (0, {})


def frame_and_contract(orders: Contract, rule: Rule) -> tuple[pl.DataFrame, Contract]:
    return pl.DataFrame({"name": ["x"], "number": [1]}), replace(orders, rules=(rule,))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule("r", Kind.EXPRESSION, Severity.ERROR, "", None, "nope > 3"), "the rule 'r' cannot be evaluated: .*nope"),
        (Rule("r", Kind.EXPRESSION, Severity.ERROR, "", None, "number + 3"), r"'number \+ 3'; .* neither true nor false"),
        (Rule("r", Kind.EXPRESSION, Severity.ERROR, "", None, "number >>> 3"), "SQL expression 'number >>> 3'"),
        (Rule("r", Kind.PATTERN, Severity.ERROR, "", "name", "(?=x)"), r"the pattern '\(\?=x\)'; uses \(\?="),
        (Rule("r", Kind.REQUIRED, Severity.ERROR, "", "nope"), "cannot be evaluated: nope"),
    ],
    ids=["unknown column", "no condition", "no SQL", "no regular expression", "column missing"],
)
def test_a_rule_that_cannot_be_evaluated_is_an_error_of_the_contract(orders: Contract, rule: Rule, said: str) -> None:
    frame, contract = frame_and_contract(orders, rule)
    with pytest.raises(ContractInvalid, match=said):
        failures(frame, contract, {})


def test_a_reason_is_short_whatever_was_found(orders: Contract) -> None:
    long = refined(orders, [{"note": "x" * 10_000}]).rejected
    assert long["reason"].str.len_chars().max() < 200  # type: ignore[operator]  # a number
    assert len(long["raw"][0]) > 10_000


def test_warnings_alone_reject_nothing(orders: Contract) -> None:
    schema = {INDEX: pl.UInt32, "rule": pl.String, "severity": pl.String, "found": pl.String}
    found = pl.DataFrame({INDEX: [0], "rule": ["amount_is_usual"], "severity": ["warning"], "found": [""]}, schema=schema)
    landed = pl.DataFrame({INDEX: [0], "amount": ["700"]}, schema_overrides={INDEX: pl.UInt32})
    assert verdicts(found, orders, landed).is_empty()


def test_a_reason_says_what_was_found_and_what_was_promised_and_each_fault_once(orders: Contract) -> None:
    rows = [{"number": "x1", "amount": "-3"}, {"number": None, "state": "lost"}, {"state": "paid", "amount": None, "placed": "at noon"}]
    assert refined(orders, rows).rejected["reason"].to_list() == [
        "number_type: Found x1, which is no integer. amount_minimum: Found -3.0. Promised: amount is at least 0.",
        "number_required: number is missing. state_enum: Found lost. Promised: state is one of open, paid.",
        "placed_at_type: Found at noon, which is no timestamp (yyyy-MM-dd'T'HH:mm:ssXXX). paid_has_amount: Not kept: A paid order has an amount.",
    ]


@pytest.mark.parametrize("pattern", ["yyyy-MM-dd", "dd.M.yyyy", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "yyyyMMdd' o''clock'", "HH:mm:ssZ 100%"])
def test_a_format_is_told_as_the_contract_says_it(pattern: str) -> None:
    assert java_pattern(strptime_format(pattern)) == pattern
