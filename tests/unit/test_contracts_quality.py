"""Quality rules that nobody would check, or that say what cannot be: each is named with its line when contracts are loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from assay.contracts.model.contract import DatasetRule, Severity
from sales import assert_named, findings_of, line_of, sales_contract

if TYPE_CHECKING:
    from pathlib import Path

MEAN = "SELECT AVG({property}) FROM {object} WHERE price > 0"
CHEAP = "SELECT AVG(CASE WHEN price < 10 THEN 1.0 ELSE 0.0 END) FROM ${object}"
VALID = 'arguments: {validValues: [A1, A2, A3, A4, A5, a9], pattern: "^[A-Z]"}'
MISSING = "arguments: {missingValues: [null, NA]}"
TWINS = "arguments: {properties: [store, till, price]}"
ROWS = "{name: rows_usual, metric: rowCount, mustBeBetween: [0, 6], description: A day has one to five sales.}"
NOTES = "{name: notes_there, metric: nullValues, mustBeLessThan: 3, description: Some sales have a note.}"

MISTAKES = [
    ("metric: missingValues", "metric: missingValue", r"'missingValue' is not a value of the standard\. Did you mean missingValues\?"),
    ("metric: missingValues", "metric: rowCount", "rowCount is no metric of a property. Give it to the table"),
    ("metric: rowCount", "metric: nullValues", "nullValues is no metric of a table. Give it to the property"),
    ("unit: percent", "unit: precent", r"unknown unit 'precent'\. Did you mean percent\?"),
    (ROWS, ROWS[:-1] + ", unit: percent}", "a row count is no percentage"),
    (ROWS, ROWS[:-1] + ", schedule: '0 6 * * *'}", "schedule of a rule of type library is not read"),
    (ROWS, ROWS[:-1] + ", rule: rowCount}", "rule of a rule of type library is not read. The standard gave it up: say `metric`"),
    (ROWS, ROWS[:-1] + ", severty: error}", r"the standard knows no field 'severty' here\. Did you mean severity\?"),
    (ROWS, ROWS[:-1] + ", arguments: {x: 1}}", "rowCount has no argument 'x'. It takes none"),
    (ROWS, ROWS[:-1] + ", customProperties: [{property: colour, value: red}]}", "unknown custom property 'colour'"),
    (ROWS, "{metric: rowCount, mustBe: 1, description: One.}", "a rule needs a name"),
    (ROWS, "{name: rows, metric: rowCount, mustBe: 1}", "a rule needs a description"),
    (ROWS, "{name: rows, metric: rowCount, description: Rows.}", "a measured rule needs one comparison, and has 0"),
    (ROWS, "{name: rows, description: Rows.}", "a rule needs a type, or a metric"),
    (ROWS, "{name: rows, type: text}", "a rule of type text needs a description"),
    (ROWS, "{name: rows, type: custom, engine: soda, implementation: x, description: Rows.}", "rules of the engine 'soda' are not checked"),
    (ROWS, "{name: rows, type: custom, engine: assy, implementation: x, description: Rows.}", r"Did you mean assay\?"),
    (ROWS, "{name: rows, type: custom, engine: assay, implementation: pric > 3, description: Rows.}", r"'pric'\. Did you mean price\?"),
    (ROWS, "{name: rows, type: custom, engine: assay, unit: rows, implementation: price > 3, description: R.}", "unit of a rule"),
    ("mustBeBetween: [0, 6]", "mustBeBetween: [0, 6], mustBeLessThan: 6", "a measured rule needs one comparison, and has 2"),
    ("mustBeBetween: [0, 6]", "mustBeBetwen: [0, 6]", r"the standard knows no field 'mustBeBetwen' here\. Did you mean mustBeBetween\?"),
    ("mustBeBetween: [0, 6]", "mustBeBetween: [6, 0]", "nothing is between 6 and 0"),
    ("mustBeBetween: [0, 6]", "mustBeBetween: 6", "6 are no two numbers"),
    ("mustBeBetween: [0, 6]", "mustBeLessThan: six", "'six' is no number"),
    ("mustBeBetween: [0, 6]", "mustBeLessThan: .nan", "nan is no number"),
    ("mustBeBetween: [0, 6]", "mustBeBetween: [0, .inf]", "are no two numbers"),
    ("severity: warning\n            description: Most", "severity: warnin\n            description: Most", "'warnin'. Did you mean warn"),
    (MISSING, "arguments: {missingValus: [NA]}", r"missingValues has no argument 'missingValus'\. Did you mean missingValues\?"),
    (MISSING, "arguments: {missingValues: NA}", "missingValues is no list"),
    (MISSING, "arguments: {missingValues: [1]}", "1 is no string"),
    (VALID, "arguments: {}", "invalidValues needs the argument validValues or pattern"),
    (VALID, "arguments: {pattern: '(A'}", "is no regular expression"),
    (VALID, "arguments: {pattern: '[[:alpha:]]'}", r"uses \[:alpha:\], a class of POSIX\. Write its signs"),
    (VALID, "arguments: {pattern: '(?!A)'}", r"uses \(\?!"),
    (VALID, "arguments: {validValues: [null]}", "None is no string"),
    (TWINS, "arguments: {properties: [store, til, price]}", r"'til' is no column\. Did you mean till\?"),
    (MEAN, "SELECT AVG(pric) FROM {object}", r"unknown column 'pric'\. Did you mean price\?"),
    (MEAN, "SELECT AVG(price) FROM {object} WHERE pric > 0", r"unknown column 'pric'\. Did you mean price\?"),
    (MEAN, "SELECT AVG(iban) FROM {object}", "unknown column 'iban'"),
    (MEAN, "SELECT AVG(price) FROM stores", r"it reads stores, and may read only \{object\}.*Such as SELECT AVG"),
    (MEAN, "SELECT price FROM {object}", "price stands outside of an aggregate"),
    (MEAN, "AVG(price)", r"not of the form SELECT <aggregate> FROM \{object\}"),
    (CHEAP, "SELECT AVG({property}) FROM {object}", "which only the rules of a property may"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "complaint"), MISTAKES, ids=[f"{number}-{mistake[2][:30]}" for number, mistake in enumerate(MISTAKES)]
)
def test_a_rule_that_nobody_could_check_is_named_with_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert_named(tmp_path, old, new, complaint)


ONLY_AN_ENGINE_KNOWS = [
    (MEAN, "SELECT AVG(PRICEY(price)) FROM {object}", "cannot be measured: .*pricey"),
    (MEAN, "SELECT MAX(store) FROM {object}", "measures String, not a number"),
    (MEAN, "SELECT COUNT(*) FROM {object} WHERE ABS(price)", "cannot be measured"),
    ("CONCAT(first_name, ' ', last_name)", "CONCATENATE(first_name)", r"the expression .* cannot be evaluated: .*concatenate"),
    ("CONCAT(first_name, ' ', last_name)", "LENGTH(first_name)", "gives .*, not text"),
    (NOTES, "{name: n, type: custom, engine: assay, implementation: ABS(price), description: N.}", "the rule 'n' cannot be evaluated"),
    (NOTES, "{name: n, type: custom, engine: assay, implementation: ABS(price) > store, description: N.}", "the rule 'n' cannot be evaluated"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "complaint"), ONLY_AN_ENGINE_KNOWS)
def test_what_only_an_engine_knows_is_found_by_an_examination(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    said = [str(finding) for finding in findings_of(tmp_path, (old, new))]
    assert len(said) == 1, said
    assert re.search(complaint, said[0]), said
    assert f"sales.odcs.yaml:{line_of(old, new)}: " in said[0]


def test_a_rule_that_lacks_its_argument_is_named(tmp_path: Path) -> None:
    said = str(findings_of(tmp_path, (TWINS, "dimension: uniqueness"))[0])
    assert "schema/1/quality/1/arguments: duplicateValues needs the argument properties" in said


def test_a_unique_column_is_a_promise_about_a_day(tmp_path: Path) -> None:
    contract = sales_contract(tmp_path)
    assert (
        DatasetRule("code_unique", "duplicateValues", "mustBe", 0, Severity.ERROR, "No two rows have one code.", "code")
        in contract.dataset_rules
    )


def test_the_type_of_a_library_rule_may_be_left_out(tmp_path: Path) -> None:
    with_type = sales_contract(tmp_path / "with", (NOTES, NOTES.replace("metric", "type: library, metric")))
    assert with_type.dataset_rules == sales_contract(tmp_path / "without").dataset_rules
