"""Drafted privacy: personal data are told by name and by content, masking is proposed, and no value of theirs is ever written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.contracts.inference import identifiers
from drafted import contract_of, draft_of, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from assay.contracts.inference.draft import Draft

NAMES = ["Ada", "Bob", "Eve", "Dan", "Fay", "Gil", "Hal", "Ida", "Jon", "Kim"]
EMAILS = [f"{name.lower()}@example.org" for name in NAMES]
IBANS = [
    "DE89370400440532013000",
    "GB29 NWBK 6016 1331 9268 19",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "CH9300762011623852957",
]
CARDS = ["4111111111111111", "5500 0055 5555 5559", "340000000000009", "6011000990139424", "3530111333300000"]
PHONES = [f"+49 30 90{number:04d}" for number in range(10)]
SSNS = [f"219-09-{number:04d}" for number in range(9990, 9999)]
TAX_IDS = ["86095742719", "47036892816", "65929970489", "57549285017", "25768131411"]
IPS = ["192.0.2.7", "198.51.100.23", "2001:db8::1", "203.0.113.9"]
BIRTHS = ["1980-05-17", "1991-12-03", "1975-01-30", "2001-07-09"]


@pytest.mark.parametrize(
    ("test", "good", "bad"),
    [
        (identifiers.is_email, EMAILS, ["ada@example", "ada at example.org", "@ada", "a@b@c.org"]),
        (identifiers.is_iban, IBANS, ["DE89370400440532013001", "DE8937040044", "XX00", "0049301234567"]),
        (identifiers.is_card, CARDS, ["4111111111111112", "1234", "1704067200123"]),
        (identifiers.is_phone, [*PHONES, "(212) 555-0123", "212-555-0123"], ["2024-01-05", "12-34", "05-01-2024", "0012345678"]),
        (identifiers.is_us_ssn, SSNS, ["000-12-3456", "666-12-3456", "219-00-1234", "219099999"]),
        (identifiers.is_german_tax_id, TAX_IDS, ["86095742710", "12345678901", "1"]),
        (identifiers.is_ip_address, IPS, ["1.2.3", "300.1.1.1", "12", "10:30"]),
        (identifiers.is_british_nino, ["AB123456C", "JG 10 37 59 A"], ["QQ123456C", "AB123456E"]),
        (identifiers.is_french_nir, ["180126955222380", "283209921625930"], ["180126955222381", "380126955222380"]),
    ],
)
def test_an_identifier_is_told_by_its_form_and_checksum(test: Callable[[str], bool], good: Sequence[str], bad: Sequence[str]) -> None:
    assert [text for text in good if not test(text)] == []
    assert [text for text in bad if test(text)] == []


@pytest.mark.parametrize(
    ("name", "values", "classification", "masking"),
    [
        ("contact", EMAILS, "personal", {"method": "tokenize"}),
        ("account", IBANS, "restricted", {"method": "tokenize"}),
        ("paid_with", CARDS, "restricted", {"method": "tokenize"}),
        ("hotline", PHONES, "personal", {"method": "tokenize"}),
        ("number", SSNS, "restricted", {"method": "tokenize"}),
        ("number", TAX_IDS, "restricted", {"method": "tokenize"}),
        ("client", IPS, "personal", {"method": "tokenize"}),
        ("FirstName", NAMES, "personal", {"method": "tokenize"}),
        ("nachname", NAMES, "personal", {"method": "tokenize"}),
        ("delivery_address", ["1 Elm St", "2 Oak Rd"] * 3, "personal", {"method": "tokenize"}),
        ("date_of_birth", BIRTHS, "personal", {"method": "generalize", "to": "year"}),
        ("birth_year", ["1980", "1991", "1975"], "personal", {"method": "generalize", "to": 10}),
        ("religion", ["a", "b"] * 5, "restricted", {"method": "nullify"}),
        ("race", ["White", "Black", "Asian"], "restricted", {"method": "nullify"}),
        ("perp_race", ["W", "B", "A", "U"], "restricted", {"method": "nullify"}),
    ],
)
def test_a_personal_column_is_classified_and_a_masking_that_fits_is_proposed(
    name: str, values: Sequence[str], classification: str, masking: dict[str, Any], tmp_path: Path
) -> None:
    draft = draft_of(table(row_id=[f"r{number}" for number in range(5 * len(values))], **{name: list(values) * 5}))
    column = contract_of(draft, tmp_path).columns[1]
    found = {} if column.masking is None else {"method": str(column.masking.method), "keep": column.masking.keep, "to": column.masking.to}
    assert column.classification == classification
    assert {key: value for key, value in found.items() if value is not None} == masking
    assert_silent(draft, values)


def assert_silent(draft: Draft, values: Sequence[str]) -> None:
    """Nothing that is written or printed holds a value."""
    said = "\n".join([draft.text, *draft.personal.values(), *(f"{guess.about} {guess.reason}" for guess in draft.guesses)])
    assert [value for value in values if len(value) > 1 and value in said] == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("email_verified", ["true", "false"]),
        ("mobile_visits", ["1", "2"]),
        ("address_id", ["77", "78"]),
        ("product_name", ["Lamp", "Table"]),
        ("race", [f"Monaco {year}" for year in range(1990, 2020)]),
        ("color", ["white", "black", "red"]),
        ("ean", ["4006381333931", "5901234123457"]),
        ("status", ["open", "paid"]),
        ("version", ["1.2", "1.3"]),
        ("seen_at", ["2024-01-05 10:00:00", "2024-01-06 10:00:00"]),
    ],
)
def test_what_only_sounds_or_looks_personal_is_left_alone(name: str, values: Sequence[str]) -> None:
    rows = len(values) * 10
    assert draft_of(table(row_id=[f"r{number}" for number in range(rows)], **{name: list(values) * 10})).personal == {}


def test_a_column_called_name_is_a_persons_only_beside_other_personal_columns() -> None:
    assert draft_of(table(row_id=["1", "2", "3"], name=["Lamp", "Table", "Chair"])).personal == {}
    assert set(draft_of(table(name=NAMES, email=EMAILS)).personal) == {"name", "email"}


def test_free_text_that_holds_addresses_is_found_and_counted() -> None:
    notes = [f"please write to {address}." for address in EMAILS[:4]] + [f"nothing to say, {number}" for number in range(40)]
    draft = draft_of(table(note=notes))
    assert draft.personal == {"note": "e-mail address, tokenize"}
    assert "# guess: 4 of 44 different values hold one: e-mail address" in draft.text
    assert_silent(draft, EMAILS)


def test_a_personal_column_has_no_promise_that_shows_its_values(tmp_path: Path) -> None:
    draft = draft_of(table(first_name=["Ada", "Bob"] * 50, born=["1980-05-17", "1991-12-03"] * 50, phone=["0301234567", "0307654321"] * 50))
    rules = [rule for rule in contract_of(draft, tmp_path).rules if str(rule.kind) not in {"type", "required"}]
    assert rules == []


def test_a_key_is_made_of_personal_columns_only_if_no_other_tells_the_rows_apart(tmp_path: Path) -> None:
    rows = [str(number) for number in range(10)]
    assert contract_of(draft_of(table(email=EMAILS, row_id=rows)), tmp_path).key == ("row_id",)
    assert contract_of(draft_of(table(email=EMAILS, shop=["a", "b"] * 5)), tmp_path).key == ("email",)
    assert contract_of(draft_of(table(birth_date=[f"1980-01-{day + 10}" for day in range(10)])), tmp_path).key == ()


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(st.emails(), min_size=5, max_size=30, unique=True), st.sampled_from(["email", "contact", "x"]))
def test_no_value_of_a_personal_column_is_written_whatever_it_is(values: list[str], name: str) -> None:
    draft = draft_of(table(row_id=[str(number) for number in range(len(values))], **{name: values}))
    if draft.personal:
        assert_silent(draft, values)
    else:
        assert name == "x" or any(not identifiers.is_email(value) for value in values)
