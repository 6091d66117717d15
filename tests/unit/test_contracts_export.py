"""Schemas compiled from contracts: a good row passes, a row that breaks one promise does not, and what cannot be said is named."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import fastavro
import pytest
from evolving import ORDERS, make, of_contract, with_column, with_rule
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from typer.testing import CliRunner

from assay.cli.main import app
from assay.contracts.export.avro import avro_names, avro_schema
from assay.contracts.export.json_schema import landed_row, published_row
from assay.contracts.model.contract import Kind, Rule, Severity
from orders import GOOD as LANDED
from orders import orders_contract
from sales import sales_contract

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

ROW: dict[str, Any] = {
    "order_date": "2024-01-01", "number": 7, "customer": "ada", "amount": 10.25, "weight": 20.5, "state": "open", "email": "ad",
    "paid_at": "2024-01-01T09:00:00Z", "note": "hello",
}  # fmt: skip


def faults(schema: dict[str, Any], row: dict[str, Any]) -> list[str]:
    Draft202012Validator.check_schema(schema)
    errors = Draft202012Validator(schema, format_checker=FormatChecker()).iter_errors(row)
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.validator}" for error in errors]


def test_a_good_row_passes_with_or_without_what_may_be_null() -> None:
    schema = published_row(ORDERS)
    assert faults(schema, ROW) == []
    assert faults(schema, {**ROW, "customer": None, "amount": None, "state": None, "paid_at": None, "note": None}) == []
    assert faults(schema, {name: ROW[name] for name in ("order_date", "number")}) == []


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        pytest.param("number", None, "number: type", id="required"),
        pytest.param("number", "7", "number: type", id="type"),
        pytest.param("number", 7.5, "number: type", id="a-part-of-an-integer"),
        pytest.param("number", 2**31, "number: maximum", id="too-wide-for-its-type"),
        pytest.param("amount", 0.99, "amount: minimum", id="minimum"),
        pytest.param("amount", 100.01, "amount: maximum", id="maximum"),
        pytest.param("note", "x", "note: minLength", id="too-short"),
        pytest.param("note", "longer", "note: maxLength", id="too-long"),
        pytest.param("state", "lost", "state: enum", id="enum"),
        pytest.param("customer", "ADA", "customer: pattern", id="pattern"),
        pytest.param("order_date", "2024-1-1", "order_date: pattern", id="another-spelling-of-a-date"),
        pytest.param("order_date", "2024-02-30", "order_date: format", id="no-date"),
        pytest.param("paid_at", "2024-01-01T09:00:00+01:00", "paid_at: pattern", id="an-instant-that-is-not-utc"),
        pytest.param("colour", "red", ": additionalProperties", id="an-unknown-column"),
    ],
)
def test_a_row_that_breaks_one_promise_is_refused_for_it(column: str, value: object, fault: str) -> None:
    contract = with_rule(Rule("customer_pattern", Kind.PATTERN, Severity.ERROR, "", "customer", "^[a-z]+$"))(ORDERS)
    assert fault in faults(published_row(contract), {**ROW, column: value})


def test_a_required_column_must_be_there() -> None:
    assert faults(published_row(ORDERS), {name: value for name, value in ROW.items() if name != "number"}) == [": required"]


def test_only_what_the_schema_cannot_say_is_named_and_no_warning() -> None:
    found = published_row(ORDERS)["$comment"]
    assert "customer_known" in found
    assert "paid_has_amount" in found
    for told in ("amount_minimum", "note_length", "state_enum", "amount_is_usual"):
        assert told not in found


@pytest.mark.parametrize(
    ("pattern", "told"),
    [(r"\Aa\z", "^a$"), ("^(?P<x>a)$", "^a$"), (r"\-\d", "-[0-9]"), (r"\p{Greek}", r"\p{Script=Greek}"), ("[\u00a0é]", r"[\u00a0é]")],
)
def test_a_pattern_is_told_as_ecma_262_spells_it(pattern: str, told: str) -> None:
    contract = with_rule(Rule("customer_pattern", Kind.PATTERN, Severity.ERROR, "", "customer", pattern))(ORDERS)
    assert published_row(contract)["properties"]["customer"]["pattern"] == told


def test_bounds_of_a_date_are_named_and_not_told() -> None:
    contract = with_rule(Rule("order_date_minimum", Kind.MINIMUM, Severity.ERROR, "", "order_date", date(2024, 1, 1)))(ORDERS)
    assert "order_date_minimum" in published_row(contract)["$comment"]
    assert "minimum" not in published_row(contract)["properties"]["order_date"]


def test_the_rules_of_a_masked_column_are_about_another_value_and_not_told() -> None:
    schema = published_row(ORDERS)
    assert "pattern" not in schema["properties"]["email"]
    assert "email_pattern" in schema["$comment"]
    assert schema["properties"]["email"]["x-masking"] == "truncate"


def test_a_bound_of_a_float_is_what_the_float_is() -> None:
    rule = Rule("share_maximum", Kind.MAXIMUM, Severity.ERROR, "", "share", 0.1)
    contract = with_rule(rule)(with_column(make("share", "number", "FLOAT"))(ORDERS))
    assert faults(published_row(contract), {**ROW, "share": 0.10000000149011612}) == []


def test_a_file_that_fits_the_landing_schema_is_taken_and_another_is_not(tmp_path: Path) -> None:
    schema = landed_row(orders_contract(tmp_path))
    assert faults(schema, LANDED) == []
    assert faults(schema, {**LANDED, "note": "NA", "state": ""}) == []
    assert faults(schema, {**LANDED, "note": "x"}) == ["note: anyOf"]
    assert faults(schema, {**LANDED, "state": "lost"}) == ["state: anyOf"]
    assert faults(schema, {**LANDED, "number": ""}) == ["number: not"]
    assert faults(schema, {**LANDED, "number": 1}) == ["number: type"]
    assert faults(schema, {**LANDED, "colour": "red"}) == [": additionalProperties"]
    assert faults(schema, {name: text for name, text in LANDED.items() if name != "gift"}) == [": required"]


def test_a_line_of_json_may_lack_what_may_be_null(tmp_path: Path) -> None:
    contract = orders_contract(tmp_path, "format: csv", "format: jsonl")
    schema = landed_row(contract)
    assert faults(schema, {"number": 1, "day": "2024-01-01", "amount": 12.5, "state": None}) == []
    assert faults(schema, {"day": "2024-01-01"}) == [": required"]
    assert faults(schema, {"number": None, "state": "lost"}) == ["number: not", "state: anyOf"]


AVRO_ROW = ROW | {
    "order_date": date(2024, 1, 1), "amount": Decimal("10.25"), "paid_at": datetime(2024, 1, 1, 9, 0, 0, 123456, tzinfo=UTC),
}  # fmt: skip


def through_avro(contract: Contract, rows: list[dict[str, Any]]) -> list[Any]:
    file = io.BytesIO()
    fastavro.writer(file, fastavro.parse_schema(avro_schema(contract)), rows)
    file.seek(0)
    return list(fastavro.reader(file))


def test_rows_come_back_from_avro_as_they_were() -> None:
    empty = dict.fromkeys(AVRO_ROW) | {"order_date": date(2024, 1, 2), "number": 8}
    assert through_avro(ORDERS, [AVRO_ROW, empty]) == [AVRO_ROW, empty]


def test_an_absent_value_is_null_by_default_and_a_required_one_is_not() -> None:
    found = through_avro(ORDERS, [{"order_date": date(2024, 1, 1), "number": 1}])
    assert found[0]["state"] is None
    with pytest.raises(Exception, match="number"):
        through_avro(ORDERS, [{"order_date": date(2024, 1, 1), "number": None}])


def test_a_name_that_avro_does_not_know_gets_one_and_says_what_it_stands_for() -> None:
    contract = of_contract(dataset="web-orders")(with_column(make("größe in m²"))(with_column(make("2nd"))(ORDERS)))
    schema = avro_schema(contract)
    fastavro.parse_schema(schema)
    fields = {field["name"]: field for field in schema["fields"]}
    assert schema["name"] == "web_orders"
    assert fields["_2nd"]["column"] == "2nd"
    assert fields["gr__e_in_m_"]["column"] == "größe in m²"
    assert "column" not in fields["number"]


@given(st.lists(st.text("ab_-ü1", min_size=1, max_size=4), unique=True, max_size=12))
def test_no_two_columns_get_one_avro_name(names: list[str]) -> None:
    found = avro_names(names)
    assert len(set(found.values())) == len(names)
    for name in found.values():
        fastavro.parse_schema({"type": "record", "name": "r", "fields": [{"name": name, "type": "int"}]})


def test_everything_that_a_contract_may_say_is_exported(tmp_path: Path) -> None:
    contract = sales_contract(tmp_path)
    Draft202012Validator.check_schema(published_row(contract))
    Draft202012Validator.check_schema(landed_row(contract))
    fastavro.parse_schema(avro_schema(contract))
    assert published_row(contract)["properties"]["note"]["deprecated"] is True


def exported(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["contracts", "export", *arguments])


def test_one_dataset_is_printed_and_several_go_into_a_folder(tmp_path: Path) -> None:
    shown = exported("airlines", "--format", "json-schema")
    assert json.loads(shown.stdout)["title"] == "airlines, as published"
    done = exported("airlines", "planes", "--format", "avro", "--to", str(tmp_path / "new"))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["airlines.avsc", "planes.avsc"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("airline", "--format", "avro"), "Did you mean airlines"),
        (("--format", "avro"), "Tried to print 9 contracts at once. Name one dataset, or a folder with --to."),
    ],
)
def test_what_cannot_be_exported_is_said_with_what_to_do(arguments: tuple[str, ...], complaint: str) -> None:
    assert complaint in str(exported(*arguments).exception)


def test_a_float_may_be_spelled_as_itself_or_with_the_digits_that_tell_it_apart() -> None:
    contract = with_rule(Rule("share_minimum", Kind.MINIMUM, Severity.ERROR, "", "share", 0.1))(
        with_column(make("share", "number", "FLOAT"))(ORDERS)
    )
    assert published_row(contract)["properties"]["share"]["minimum"] == 0.1
    contract = with_rule(Rule("share_enum", Kind.ENUM, Severity.ERROR, "", "share", (0.1,)))(
        with_column(make("share", "number", "FLOAT"))(ORDERS)
    )
    assert published_row(contract)["properties"]["share"]["enum"] == [0.10000000149011612, 0.1, None]


def test_a_decimal_that_readers_of_json_would_round_is_named_as_not_told() -> None:
    contract = with_column(make("total", "number", "DECIMAL(20, 2)"))(ORDERS)
    contract = with_rule(Rule("total_maximum", Kind.MAXIMUM, Severity.ERROR, "at most", "total", Decimal("90071992547409.93")))(contract)
    schema = published_row(contract)
    assert "maximum" not in schema["properties"]["total"]
    assert "total_maximum (at most)" in schema["$comment"]
