"""Columns: units, masking, subjects, deprecation and classification are read, and whatever does not fit together is named with its line."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from assay.contracts.model.about import Deprecation
from assay.contracts.model.contract import Masking, MaskingMethod
from assay.contracts.model.fingerprint import published_terms
from assay.contracts.model.sensitivity import sensitive_landing_columns
from sales import assert_named, findings_of, sales_contract

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

TOKENIZE, TRUNCATE, GENERALIZE = "{method: tokenize}", "{method: truncate, keep: 4}", "{method: generalize, to: year}"
NUMBER = "price\n        logicalType: number"
TILL, STORE = "{name: till, logicalType: integer,", "{name: store, logicalType: string,"
CODE = "        unique: true\n"
DEPRECATED = "{since: 2.0.0, until: 2030-01-01, useInstead: code}"


def masked(method: str) -> str:
    return f"          - {{property: masking, value: {method}}}\n"


@pytest.fixture(scope="module")
def sales(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return sales_contract(tmp_path_factory.mktemp("contracts"))


def test_each_method_of_masking_is_read_with_its_argument(sales: Contract) -> None:
    assert {column.name: column.masking for column in sales.columns if column.masking} == {
        "customer": Masking(MaskingMethod.TOKENIZE), "phone": Masking(MaskingMethod.TRUNCATE, keep=4),
        "born": Masking(MaskingMethod.GENERALIZE, to="year"), "account": Masking(MaskingMethod.ENCRYPT),
        "quantity": Masking(MaskingMethod.GENERALIZE, to=10), "note": Masking(MaskingMethod.NULLIFY),
    }  # fmt: skip


def test_units_subjects_and_deprecation_are_read(sales: Contract) -> None:
    columns = {column.name: column for column in sales.columns}
    assert (columns["price"].unit, columns["customer"].subject, columns["phone"].subject) == ("EUR", "customer", None)
    assert columns["note"].deprecated == Deprecation("2.0.0", date(2030, 1, 1), "code")
    assert [name for name, column in columns.items() if column.deprecated] == ["note"]


def test_a_whole_dataset_can_be_deprecated(tmp_path: Path, sales: Contract) -> None:
    new = "      - {property: deprecated, value: {since: 3.0.0}}\n      - property: arrival"
    assert sales_contract(tmp_path, ("      - property: arrival", new)).deprecated == Deprecation("3.0.0")
    assert sales.deprecated is None


def test_the_classification_of_what_lands_is_kept(sales: Contract) -> None:
    said = dict(zip(sales.source.columns, sales.source.classifications, strict=True))
    assert {name: value for name, value in said.items() if value} == {"day": "public", "iban": "restricted", "badge": "personal"}


def test_landing_columns_are_as_sensitive_as_what_is_made_from_them(sales: Contract) -> None:
    found = sensitive_landing_columns(sales)
    assert {name: masking and masking.method.value for name, masking in found.items()} == {
        "first_name": "tokenize", "last_name": "tokenize",  # through an expression
        "phone": "truncate", "born": "generalize", "quantity": "generalize", "note": "nullify",  # of the same name
        "iban": "encrypt",  # through transformSourceObjects
        "badge": None,  # by its own classification
    }  # fmt: skip


def test_what_a_transform_reads_is_as_sensitive_as_what_it_makes(tmp_path: Path) -> None:
    old = "        transformSourceObjects: [iban]\n"
    new = "        transformSourceObjects: [iban, badge]\n        transformDescription: Both as one.\n"
    transform = "      - {property: transform, value: shop.transforms:add_account}\n      - property: arrival"
    contract = sales_contract(tmp_path, (old, new), ("      - property: arrival", transform))
    account = next(column for column in contract.columns if column.name == "account")
    assert (account.source, account.sources) == (None, ("iban", "badge"))
    assert sensitive_landing_columns(contract)["badge"] == Masking(MaskingMethod.ENCRYPT)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        pytest.param("keep: 4", "keep: 5", True, id="how-much-is-kept"),
        pytest.param(TOKENIZE, "{method: encrypt}", True, id="the-method"),
        pytest.param(masked("{method: nullify}"), "", True, id="whether-it-is-masked"),
        pytest.param("mustBeLessThan: 3", "mustBeLessThan: 4", True, id="a-bound"),
        pytest.param("missingValues: [null, NA]", "missingValues: [null]", True, id="an-argument"),
        pytest.param("unit: percent", "unit: rows", True, id="the-unit-of-a-rule"),
        pytest.param("WHERE price > 0", "WHERE price > 1", True, id="a-condition"),
        pytest.param(CODE, "", True, id="unique"),
        pytest.param("from: [sales.store, sales.till]", "from: [sales.code, sales.till]", True, id="a-column-that-refers"),
        pytest.param("value: EUR", "value: USD", False, id="a-unit"),
        pytest.param("subject, value: customer", "subject, value: client", True, id="the-subject-of-a-token"),
        pytest.param(DEPRECATED, "{since: 2.1.0}", False, id="a-deprecation"),
        pytest.param("value: 36, unit: h", "value: 2, unit: d", False, id="the-freshness"),
        pytest.param(
            "iban, logicalType: string, classification: restricted", "iban, logicalType: string", False, id="what-is-said-of-landing-again"
        ),
    ],
)
def test_the_meaning_is_how_values_are_published(sales: Contract, tmp_path: Path, old: str, new: str, changes: bool) -> None:
    assert (published_terms(sales_contract(tmp_path, (old, new))) != published_terms(sales)) is changes


MISTAKES = [
    (TOKENIZE, "{method: tokenise}", r"unknown masking method 'tokenise'\. Did you mean tokenize\?"),
    (TOKENIZE, "{metod: tokenize}", r"masking has the unknown key 'metod'\. Did you mean method\?"),
    (TOKENIZE, "tokenize", "masking is no mapping"),
    (TRUNCATE, "{method: truncate}", "truncate needs 'keep'"),
    (TRUNCATE, "{method: truncate, keep: 0}", "truncate keeps no character"),
    (TRUNCATE, "{method: truncate, keep: four}", "'four' is no whole number"),
    (TRUNCATE, "{method: tokenize, keep: 4}", "tokenize has no 'keep'"),
    (GENERALIZE, "{method: generalize}", "generalize needs 'to'"),
    (GENERALIZE, "{method: generalize, to: yaer}", r"'yaer' is neither a part of a date nor a width\. Did you mean year\?"),
    (GENERALIZE, "{method: generalize, to: day}", "a date cannot be generalized to 'day'"),
    (GENERALIZE, "{method: generalize, to: 10}", "a date cannot be generalized to 10"),
    (GENERALIZE, TRUNCATE, "truncate is for strings, and the column is a date"),
    (GENERALIZE, TOKENIZE, "tokenize is for strings, and the column is a date"),
    (GENERALIZE, "{method: encrypt}", "encrypt is for strings, and the column is a date"),
    ("{method: generalize, to: 10}", "{method: generalize, to: 2.5}", "a integer cannot be generalized to 2.5"),
    ("{method: generalize, to: 10}", "{method: generalize, to: -1}", "-1 is neither a part of a date nor a width"),
    (TOKENIZE, "{method: generalize, to: year}", "generalize is for numbers and dates, and the column is a string"),
    ("subject, value: customer", "subjct, value: customer", r"unknown custom property 'subjct'\. Did you mean subject\?"),
    ("subject, value: customer", "subject, value: [customer]", r"\['customer'\] is no text"),
    ("subject, value: customer", "subject, value: customer, vendor: asay", r"the vendor 'asay' is not 'assay'\. Did you mean assay\?"),
    ("{property: subject, value: customer}", "{property: masking, value: {method: encrypt}}", "property 'masking' is there twice"),
    (DEPRECATED, "{until: 2030-01-01}", "deprecated lacks 'since'"),
    (DEPRECATED, "{since: 2.0.0, until: 2030-02-31}", "'2030-02-31' is no date"),
    (DEPRECATED, "{since: 2.0.0, useInstead: cod}", r"'cod' is no column\. Did you mean code\?"),
    ("        deprecated: true\n", "        deprecated: false\n", "deprecated is false, and a custom property says since when it is"),
    ("logicalType: string\n        unique: true", "logicalType: strng\n        unique: true", r"'strng' .* Did you mean string\?"),
    (NUMBER, NUMBER + "\n        physicalType: DOUBEL", "Did you mean DOUBLE?"),
    (NUMBER, NUMBER + "\n        physicalType: VARCHAR", "a number cannot be stored as"),
    (NUMBER, NUMBER + "\n        physicalType: DECIMAL(39, 2)", "has the type 'DECIMAL"),
    (NUMBER, NUMBER + "\n        physicalName: preis", "published as price, not as preis"),
    (NUMBER, NUMBER + "\n        encryptedName: p", "encrypted column is not published"),
    ("code\n        logicalType: string", "code\n        logicalType: string\n        enum: [{value: 1}]", "1 is no string"),
    (TILL, TILL + " logicalTypeOptions: {minimum: 3, maximum: 2},", "minimum is above"),
    (TILL, TILL + " logicalTypeOptions: {minimum: .nan},", "nan is no number that can be compared. No published value is NaN or infinite"),
    (TILL, TILL + " physicalType: SMALLINT, logicalTypeOptions: {minimum: 40000},", "40000 is above every value that SMALLINT can hold"),
    (NUMBER, NUMBER + "\n        logicalTypeOptions: {maximum: .inf}", "inf is no number that can be compared"),
    (TILL, TILL + " enum: [{value: 1.5}],", "1.5 is no value of BIGINT, which has no decimals"),
    (TILL, TILL + " primaryKeyPosition: 2,", "position in the key of a column that is"),
    (STORE, STORE + " logicalTypeOptions: {pattern: '(?=x)'},", r"uses \(\?="),
    (STORE, STORE + " logicalTypeOptions: {pattern: '(x'},", "is no regular expression"),
    ("CONCAT(first_name, ' ', last_name)", "CONCAT(first_nam, ' ', last_name)", r"unknown column 'first_nam'\. Did you mean first_name\?"),
    ("CONCAT(first_name, ' ', last_name)", "CONCAT(first_name, ' ', last_name", "opens a bracket that it never closes"),
    ("[iban]", "[ibn]", r"'ibn' is no column of what lands\. Did you mean iban\?"),
    ("{name: badge, logicalType: string, classification: personal", "{name: badge, logicalType: string, classification: persnal",
     r"unknown classification 'persnal'\. Did you mean personal\?"),
    ("{name: day, logicalType: string,", "{name: day, logicalType: date,", "a landing column is a string"),
    ("{name: day, logicalType: string,", "{name: day, logicalType: string, unique: true,", "unique of a landing column is not checked"),
    ("required: true, partitioned: true,", "required: true, partitioned: true, transformLogic: day,", "is filled from the event time"),
    (TILL, TILL + " partitioned: true,", "sale_date is the partition column already"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "complaint"), MISTAKES, ids=[f"{number}-{mistake[2][:30]}" for number, mistake in enumerate(MISTAKES)]
)
def test_a_mistake_in_a_column_is_named_with_its_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert_named(tmp_path, old, new, complaint)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(TILL, TILL + " logicalTypeOptions: {minimum: 1.0, maximum: 99999999999999999999999999999999999999},", id="a-whole-number-as-1.0"),
        pytest.param(NUMBER, NUMBER + "\n        enum: [{value: 1}, {value: 2.5}]", id="whole-and-broken-numbers"),
        pytest.param(NUMBER, NUMBER + "\n        physicalType: DECIMAL(9, 2)\n        enum: [{value: 1}, {value: 0.25}]", id="decimals"),
        pytest.param(NUMBER, NUMBER + "\n        physicalType: FLOAT\n        enum: [{value: 0.1}, {value: 0.3}]", id="floats"),
        pytest.param(NUMBER, NUMBER + "\n        physicalType: DECIMAL(20, 2)\n        logicalTypeOptions: {maximum: 90071992547409.93}", id="digits-that-a-float-would-lose"),
    ],
)  # fmt: skip
def test_a_number_that_the_type_can_be_compared_with_is_no_mistake(tmp_path: Path, old: str, new: str) -> None:
    assert findings_of(tmp_path, (old, new)) == []


OF_SEVERAL_LINES = [
    ([("deprecated: true\n", "required: true\n        deprecated: true\n")], "nullify of a required column"),
    ([("{name: sale, logicalType: integer, required: true, primaryKey: true,", "{name: sale, logicalType: integer, required: true,"),
      ("phone\n        logicalType: string", "phone\n        logicalType: string\n        required: true\n        primaryKey: true")],
     "truncate of a key column.*Use the method tokenize"),
    ([(", partitionKeyPosition: 1, classification: public}",
       ", customProperties: [{property: masking, value: {method: generalize, to: year}}]}")], "the partition column is masked"),
    ([(DEPRECATED, DEPRECATED + ", vendor: other")], "`deprecated` needs the custom property deprecated"),
    ([("        transformSourceObjects: [iban]\n", "        transformDescription: Looked up.\n"),
      ("      - property: arrival", "      - {property: transform, value: shop:add_account}\n      - property: arrival")],
     "nothing says what the sensitive column 'account' is made from"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "complaint"), OF_SEVERAL_LINES)
def test_a_contradiction_of_several_lines_is_named(tmp_path: Path, changes: list[tuple[str, str]], complaint: str) -> None:
    said = [str(finding) for finding in findings_of(tmp_path, *changes)]
    assert len(said) == 1, said
    assert "sales.odcs.yaml:" in said[0]
    assert all(piece in said[0] for piece in complaint.split(".*"))
