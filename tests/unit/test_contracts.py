"""Contracts: the product's own are read whole, and every mistake in one is named with file and line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from assay.contracts.compile import arrow_type
from assay.contracts.dates import strptime_format
from assay.contracts.model import Column, DatasetRule, Grain, Kind, Severity
from assay.contracts.odcs import load_contracts, read_contract
from assay.errors import ContractInvalid
from assay.settings import CHECKOUT
from orders import CUSTOMERS, ORDERS, column_types, orders_contract, write_contracts

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model import Contract

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
        ("dd.MM.uuuu 'o''clock'", "%d.%m.%Y oclock"),
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
    assert (orders_contract(tmp_path, old, new).meaning() != orders.meaning()) is changes


def test_a_rule_does_not_change_what_bronze_is_made_from(orders: Contract, tmp_path: Path) -> None:
    assert orders_contract(tmp_path, "maximum: 1000", "maximum: 2000").landing_meaning() == orders.landing_meaning()


MISTAKES = [
    ("required: true, partitioned", "requird: true, partitioned", r":34: .*knows no field 'requird' here\. Did you mean required\?", "a misspelt field"),
    ("status: active", "statuss: active", r"knows no field 'statuss' here\. Did you mean status\?", "a misspelt field of the contract"),
    ("version: 1.0.0", "version: 1", "is not of type 'string'", "a version that is a number"),
    ("role: owner", "role: reader", r":7: team: a contract needs a team member with the role owner", "no owner"),
    ("property: rejectedShare", "property: rejectedShar", "'rejectedShar'. Did you mean rejectedShare\\? Known: eventTime", "a custom property"),
    ("value: {mustBeLessThan", "value: {mustBeLesThan", "rejectedShare has the unknown key 'mustBeLesThan'", "a key of a custom property"),
    ("lateness: 3", "latenes: 3", "arrival has the unknown key 'latenes'", "a key that may be left out"),
    ("start: 2024-01-01, end: 2024-02-01", "end: 2024-02-01", "partitioning lacks 'start'", "a missing key"),
    ("{grain: day, start: 2024-01-01, end: 2024-02-01}", "day", "partitioning is no mapping", "a value that is no mapping"),
    ("property: nullValues", "property: nullValue", "unknown custom property 'nullValue'", "a custom property of the server"),
    ("{property: name, value: customer_known}", "{property: nam, value: x}", "unknown custom property 'nam'", "of a relationship"),
    ("grain: day, start: 2024-01-01, end: 2024-02-10", "grain: week, start: 2024-01-01", r"unknown grain 'week'\. Known: day", "a grain"),
    ("end: 2024-02-01", "end: 2024-02-31", "'2024-02-31' is no date", "a day that does not exist"),
    ("format: yyyy-MM-dd, timeZone", "format: yyyy-ww-dd, timeZone", r"eventTime|'ww'", "the format of the event time"),
    ("mm:ssXXX", "mm:ssQ", r"logicalTypeOptions/format: the date format .* uses 'Q'", "the format of a column"),
    ("{{arrival:yyyy-MM-dd}}".replace("{{", "{").replace("}}", "}"), "", "has no {arrival:FORMAT}", "a path without arrival"),
    ("{arrival:yyyy-MM-dd}", "{arrival:yyyy-ww}", "servers/0/path: the date format 'yyyy-ww' uses 'ww'", "the format of the arrival"),
    ("Europe/Berlin", "Europe/Berln", r"unknown time zone 'Europe/Berln'\. Did you mean Europe/Berlin\?", "a time zone"),
    ("to: customers.customer", "to: customer.customer", r":41: .*defined by no contract here\. Did you mean customers\.customer\?", "a dataset"),
    ("to: customers.customer", "to: customers.name", "customers.name is defined by no contract here", "a column of a dataset"),
    ("to: customers.customer", "to: orders.customer", "a dataset cannot refer to itself", "itself"),
    ("severity: warning", "severity: warn", r"unknown severity 'warn'\. Did you mean warning\? Known: error, warning", "a severity"),
    ("engine: assay", "engine: soda", "rules of the engine 'soda' are not checked", "another engine"),
    ("metric: rowCount", "metric: rowCont", r"'rowCont' is not a value .* Did you mean rowCount\?", "a metric"),
    ("metric: rowCount", "metric: nullValues", "nullValues is no metric of a table. Give it to the property", "a metric of a property"),
    ("mustBeGreaterThan: 0", "mustBeBetween: [2, 1]", "nothing is between 2 and 1", "a range without anything in it"),
    ("description: A day has orders.", "description: ''", "a rule needs a description", "a rule without description"),
    ("name: amount_is_usual", "name: paid_has_amount", "2 rules have the name 'paid_has_amount'", "two rules of one name"),
    ("name: state, logicalType: string, enum", "name: note, logicalType: string, enum", "there is another column 'note'", "two columns"),
    ("required: true, primaryKey", "required: false, primaryKey", "the key column 'number' is not required", "a key that may be null"),
    ("[placed]", "[place]", "'place' is no column of what lands", "a landing column"),
    ("is_gift, logicalType: boolean, transformSourceObjects: [gift]", "is_gift, logicalType: boolean", "nothing fills", "an empty column"),
    ("DOUBLE", "DOUBEL", r"properties/3/physicalType: The column 'amount' has the type 'DOUBEL'\. Did you mean DOUBLE\?", "a type"),
    ("logicalType: boolean", "logicalType: array", "the logical type 'array' is not supported", "a type that cannot be stored"),
    ("minimum: 0, maximum", "exclusiveMinimum: 0, maximum", "the option 'exclusiveMinimum' is not checked", "an option"),
    ('ssXXX"}', 'ssXXX", defaultTimezone: Europe/Berlin}', "a default time zone other than UTC", "a default time zone"),
    ("{format: \"yyyy-MM-dd'T'HH:mm:ssXXX\"}", "{timezone: true}", "needs logicalTypeOptions.format", "a timestamp without format"),
    ("partitioned: true}", "partitioned: false}", "needs one property with `partitioned: true`", "no partition column"),
    ("physicalType: file", "physicalType: view", "expected one schema object of physicalType file", "nothing that lands"),
    ("type: local", "type: custom", "expected one server of type local", "another server"),
    ("format: csv", "format: csv\n    encoding: utf-99", r"unknown encoding 'utf-99'\. Did you mean utf", "an encoding"),
    ("    description: Orders.", "    description: Orders.\n    description: Twice.", "'description' is named twice", "a key twice"),
    ("status: active", "status: [active", r":\d+: not YAML", "broken YAML"),
    ("implementation: amount < 500", "implementation: amont < 500", r"unknown column 'amont'\. Did you mean amount\?", "a column in a rule"),
    ("implementation: amount < 500", "implementation: (amount < 500", "opens a bracket that it never closes", "a rule that is no SQL"),
    ("expression: day", "expression: dy", r"unknown column 'dy'\. Did you mean day\?", "a column in the event time"),
    ("format: csv", "format: cvs", r"files of the format 'cvs' are not read\. Did you mean csv\?", "the format of files"),
    ('value: [NA, ""]', "value: NA", "'NA' is no list of texts", "a text in place of a list"),
    ("lateness: 3", "lateness: -3", "-3 is no whole number from 0", "a negative lateness"),
    ("mustBeLessThan: 0.6", "mustBeLessThan: 60", "60 is no share", "a share in percent"),
    ("start: 2024-01-01, end: 2024-02-01", "start: 2024-02-01, end: 2024-02-01", "partitioning ends before it starts", "an empty span"),
    ("minLength: 2, maxLength: 5", "minLength: 6, maxLength: 5", "the minLength is above the maxLength", "lengths that nothing has"),
    ("path: {name}/".format(name="orders"), "path: ${LANDING}/", "variables are not filled in", "a variable"),
]  # fmt: skip


ABOUT_MORE_THAN_ITS_LINE = {
    "two rules of one name",
    "two columns",
    "a timestamp without format",
    "no partition column",
    "nothing that lands",
    "another server",
    "no owner",
    "broken YAML",
}


@pytest.mark.parametrize(("old", "new", "complaint"), [pytest.param(*mistake[:3], id=mistake[3]) for mistake in MISTAKES])
def test_a_mistake_is_named_with_file_and_line(request: pytest.FixtureRequest, tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(ContractInvalid, match=complaint) as refusal:
        orders_contract(tmp_path, old, new)
    said = re.search(r"orders\.odcs\.yaml:(\d+): ", str(refusal.value))
    lines, changed = ORDERS.splitlines(), ORDERS.replace(old, new).splitlines()
    first = next(number for number, line in enumerate(changed, 1) if lines[number - 1] != line)
    assert said, refusal.value
    assert int(said.group(1)) == first or request.node.callspec.id in ABOUT_MORE_THAN_ITS_LINE


def test_a_file_that_holds_no_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.odcs.yaml").write_text("- 1\n")
    with pytest.raises(ContractInvalid, match=r"a\.odcs\.yaml:1: expected a mapping, found list"):
        read_contract(tmp_path / "a.odcs.yaml")


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.odcs.yaml").write_bytes("name: Zürich\n".encode("latin-1"))
    with pytest.raises(ContractInvalid, match=r"a\.odcs\.yaml:1: not UTF-8"):
        read_contract(tmp_path / "a.odcs.yaml")


def test_two_contracts_of_one_dataset_are_refused(tmp_path: Path) -> None:
    write_contracts(tmp_path)
    (tmp_path / "people.odcs.yaml").write_text(CUSTOMERS)
    with pytest.raises(
        ContractInvalid, match=r"people\.odcs\.yaml:1: the document: customers\.odcs\.yaml defines the dataset 'customers' too"
    ):
        load_contracts(tmp_path)


def test_a_partitioned_table_needs_an_event_time(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalid, match="a partitioned table needs an eventTime that is not none"):
        orders_contract(
            tmp_path,
            "value: {expression: day, format: yyyy-MM-dd, timeZone: Europe/Berlin}",
            "value: none\n        description: No events.",
        )


def test_a_contract_without_event_time_says_why(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalid, match=r"orders\.odcs\.yaml:69: .*eventTime is none, and no description says why"):
        orders_contract(tmp_path, "value: {expression: day, format: yyyy-MM-dd, timeZone: Europe/Berlin}", "value: none")


def test_a_transform_is_named_by_module_and_function(tmp_path: Path) -> None:
    with pytest.raises(ContractInvalid, match=r"'flights\.transforms' is no module:function"):
        orders_contract(
            tmp_path,
            "      - property: rejectedShare",
            "      - {property: transform, value: flights.transforms}\n      - property: rejectedShare",
        )


def test_a_property_of_another_vendor_is_left_alone(tmp_path: Path, orders: Contract) -> None:
    foreign = "      - {property: colour, value: red, vendor: soda}\n      - property: rejectedShare"
    assert orders_contract(tmp_path, "      - property: rejectedShare", foreign).meaning() == orders.meaning()


def test_a_column_without_a_known_type_is_refused() -> None:
    column = Column("price", "money", "", required=False, description="", classification="")
    with pytest.raises(ContractInvalid, match=r"The column 'price' has the type 'money'\. Known: VARCHAR"):
        arrow_type(column)
