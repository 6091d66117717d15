"""Contracts: the product's own are read whole, and what they mean for the published rows is told from what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.language.date_formats import strptime_format
from assay.contracts.model.contract import Column, DatasetRule, Grain, Kind, Severity
from assay.contracts.model.fingerprint import landing_terms, published_terms
from assay.contracts.reading.odcs import load_contracts
from assay.errors import ContractInvalid
from assay.project_root import CHECKOUT
from orders import column_types, orders_contract

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

CONTRACTS = CHECKOUT / "platform/flights/contracts"


@pytest.fixture(scope="module")
def product() -> dict[str, Contract]:
    return load_contracts(CONTRACTS)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return orders_contract(tmp_path_factory.mktemp("contracts"))


def test_the_product_has_five_contracts(product: dict[str, Contract]) -> None:
    assert set(product) == {"flights", "weather", "airports", "airlines", "planes"}


@pytest.mark.parametrize("dataset", ["flights", "weather", "airports", "airlines", "planes"])
def test_a_contract_of_the_product_is_whole(product: dict[str, Contract], dataset: str) -> None:
    contract = product[dataset]
    assert contract.owner == "flight-data@example.org"
    assert contract.key
    assert all(rule.description.endswith(".") for rule in (*contract.rules, *contract.dataset_rules))
    assert all(column.description.endswith(".") and column.classification for column in contract.columns)
    assert all(column.required for column in contract.columns if column.name in contract.key)


def test_the_flights_contract_says_how_time_runs(product: dict[str, Contract]) -> None:
    flights = product["flights"]
    assert (flights.partitioning.grain, flights.partitioning.column, flights.lateness) == (Grain.DAY, "flight_date", 1)
    assert flights.event_time is not None
    assert (flights.event_time.format, flights.event_time.zone) == ("%Y-%-m-%-d", "America/New_York")
    assert flights.key == ("flight_date", "carrier", "flight", "origin")
    assert flights.upstream == ("airlines", "airports", "planes")
    assert product["airports"].is_snapshot
    assert not flights.is_snapshot


def test_a_warning_and_an_error_are_told_apart(product: dict[str, Contract]) -> None:
    severity = {rule.name: rule.severity for rule in product["flights"].rules}
    assert (severity["tailnum_known"], severity["dest_known"]) == (Severity.WARNING, Severity.ERROR)


def test_every_kind_of_rule_is_read(orders: Contract) -> None:
    assert {rule.kind for rule in orders.rules} == set(Kind)
    assert [rule.name for rule in orders.dataset_rules] == ["some_rows"]


def test_columns_have_the_types_they_say(orders: Contract) -> None:
    assert column_types(orders) == {
        "order_date": "date32[day]", "number": "int32", "customer": "string", "amount": "double", "state": "string",
        "placed_at": "timestamp[us, tz=UTC]", "is_gift": "bool", "note": "string",
    }  # fmt: skip


def test_a_decimal_keeps_its_digits(tmp_path: Path) -> None:
    assert column_types(orders_contract(tmp_path, "DOUBLE", "DECIMAL(12, 2)"))["amount"] == "decimal128(12, 2)"


@pytest.mark.parametrize(
    ("operator", "good", "bad"),
    [
        ("mustBe", 3, 4), ("mustNotBe", 4, 3), ("mustBeGreaterThan", 4, 3), ("mustBeGreaterOrEqualTo", 3, 2), ("mustBeLessThan", 2, 3),
        ("mustBeLessOrEqualTo", 3, 4),
    ],
)  # fmt: skip
def test_a_comparison_holds_for_what_it_says(operator: str, good: int, bad: int) -> None:
    rule = DatasetRule("rows", "rowCount", operator, 3, Severity.ERROR, "")
    assert rule.holds(good)
    assert not rule.holds(bad)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy-MM-dd", "%Y-%m-%d"),
        ("yyyy-M-d", "%Y-%-m-%-d"),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "%Y-%m-%dT%H:%M:%SZ"),
        ("yyyyMMdd HHmmss", "%Y%m%d %H%M%S"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "%Y-%m-%dT%H:%M:%S.%3f%#z"),
        ("dd.MM.uuuu 'o''clock'", "%d.%m.%Y o'clock"),
        ("''yyyy", "'%Y"),
        ("100% yyyy", "100%% %Y"),
    ],
)
def test_a_java_pattern_becomes_a_strptime_format(pattern: str, expected: str) -> None:
    assert strptime_format(pattern) == expected


def test_a_letter_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ContractInvalid, match=r"'yyyy-ww' uses 'ww'\. Known: yyyy"):
        strptime_format("yyyy-ww")


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        pytest.param("Who ordered.", "The customer.", False, id="a-description"),
        pytest.param("owner@example.org", "other@example.org", False, id="the-owner"),
        pytest.param("version: 1.0.0", "version: 1.0.1", False, id="the-version"),
        pytest.param("Few orders are above 500.", "Rare.", False, id="the-description-of-a-rule"),
        pytest.param("maximum: 1000", "maximum: 2000", True, id="a-bound"),
        pytest.param("amount < 500", "amount < 600", True, id="an-expression"),
        pytest.param("severity: warning", "severity: error", True, id="a-severity"),
        pytest.param("mustBeLessThan: 0.6", "mustBeLessThan: 0.5", True, id="the-rejected-share"),
        pytest.param("physicalType: DOUBLE", "physicalType: FLOAT", True, id="a-type"),
        pytest.param("Europe/Berlin", "Europe/Paris", True, id="the-time-zone"),
        pytest.param("[NA, ", "[", True, id="what-is-null"),
    ],
)
def test_the_meaning_is_what_decides_which_rows_are_published(orders: Contract, tmp_path: Path, old: str, new: str, changes: bool) -> None:
    assert (published_terms(orders_contract(tmp_path, old, new)) != published_terms(orders)) is changes


def test_a_rule_does_not_change_what_bronze_is_made_from(orders: Contract, tmp_path: Path) -> None:
    assert landing_terms(orders_contract(tmp_path, "maximum: 1000", "maximum: 2000")) == landing_terms(orders)


def test_a_property_of_another_vendor_is_left_alone(tmp_path: Path, orders: Contract) -> None:
    foreign = "      - {property: colour, value: red, vendor: soda}\n      - property: rejectedShare"
    assert published_terms(orders_contract(tmp_path, "      - property: rejectedShare", foreign)) == published_terms(orders)


def test_a_column_without_a_known_type_is_refused() -> None:
    column = Column("price", "money", "", required=False, description="", classification="")
    with pytest.raises(ContractInvalid, match=r"The column 'price' has the type 'money'\. Known: VARCHAR"):
        arrow_type(column)
