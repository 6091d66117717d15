"""Every mistake in a contract is named with file and line, and with what was probably meant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from assay.contracts.reading.odcs import load_contracts, read_contract
from assay.errors import ContractInvalid
from orders import CUSTOMERS, ORDERS, orders_contract, write_contracts

if TYPE_CHECKING:
    from pathlib import Path

MISTAKES = [
    ("required: true, partitioned", "requird: true, partitioned", r":34: .*'requird' here\. Did you mean required\?", "a misspelt field"),
    ("status: active", "statuss: active", r"knows no field 'statuss' here\. Did you mean status\?", "a misspelt field of the contract"),
    ("version: 1.0.0", "version: 1", "is not of type 'string'", "a version that is a number"),
    ("role: owner", "role: reader", r":7: team: a contract needs a team member with the role owner", "no owner"),
    ("property: rejectedShare", "property: rejectedShar", r"Did you mean rejectedShare\? Known: eventTime", "a custom property"),
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
    ("to: customers.customer", "to: customer.customer", r":41: .*by no contract here\. Did you mean customers\.customer\?", "a dataset"),
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
    ('ssXXX"}', 'ssXXX", defaultTimezone: Europe/Berlin}', "a default time zone where no text lacks one", "a default time zone"),
    ("{format: \"yyyy-MM-dd'T'HH:mm:ssXXX\"}", "{timezone: true}", "needs logicalTypeOptions.format", "a timestamp without format"),
    ("partitioned: true}", "partitioned: false}", "needs one property with `partitioned: true`", "no partition column"),
    ("physicalType: file", "physicalType: view", "expected one schema object of physicalType file", "nothing that lands"),
    ("type: local", "type: custom", "expected one server of type local", "another server"),
    ("format: csv", "format: csv\n    encoding: utf-99", r"unknown encoding 'utf-99'\. Did you mean utf", "an encoding"),
    ("format: csv", "format: csv\n    encoding: rot13", "'rot13' is no encoding of text", "a codec that is no encoding"),
    ("format: csv", "format: csv\n    encoding: zlib", "'zlib' is no encoding of text", "a codec of bytes"),
    ("format: csv", 'format: csv\n    encoding: "utf\\0"', "unknown encoding 'utf", "an encoding with a zero"),
    (
        'property: nullValues, value: [NA, ""]}', 'property: dialect, value: {delimeter: ";"}}', r"Did you mean delimiter\?", "a dialect",
    ),
    ('property: nullValues, value: [NA, ""]}', 'property: dialect, value: {delimiter: ";;"}}', "';;' is not one ASCII character", "two letters"),
    ('property: nullValues, value: [NA, ""]}', 'property: dialect, value: {header: "no"}}', "'no' is neither true nor false", "a header"),
    ('property: nullValues, value: [NA, ""]}', 'property: dialect, value: {quoteChar: ","}}', "quoteChar and delimiter are the same", "one sign"),
    ('property: nullValues, value: [NA, ""]}', 'property: dialect, value: {groupChar: "."}}', "groupChar and decimalChar are the same", "one point"),
    (
        "format: csv\n    customProperties:", 'format: jsonl\n    customProperties:\n      - {property: dialect, value: {delimiter: ";"}}',
        "files of the format jsonl have no dialect", "a dialect of JSON",
    ),
    ("    description: Orders.", "    description: Orders.\n    description: Twice.", "'description' is named twice", "a key twice"),
    ("status: active", "status: [active", r":\d+: not YAML", "broken YAML"),
    ("implementation: amount < 500", "implementation: amont < 500", r"column 'amont'\. Did you mean amount\?", "a column in a rule"),
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
    "a dialect of JSON",
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


def test_names_that_differ_in_capitals_alone_are_one_dataset(tmp_path: Path) -> None:
    write_contracts(tmp_path)
    (tmp_path / "people.odcs.yaml").write_text(CUSTOMERS.replace("name: customers\n", "name: Customers\n"))
    with pytest.raises(ContractInvalid, match=r"customers\.odcs\.yaml defines the dataset 'Customers' too"):
        load_contracts(tmp_path)


@pytest.mark.parametrize(
    ("name", "instead"), [("my-orders", "my_orders"), ("my.orders", "my_orders"), ("'a b'", "a_b"), ("Aufträge", "Auftr_ge")]
)
def test_a_name_that_not_everybody_can_read_is_refused_with_one_that_can_be(tmp_path: Path, name: str, instead: str) -> None:
    with pytest.raises(ContractInvalid, match=rf"orders\.odcs\.yaml:\d+: .*is no name of an asset .* such as {instead}\."):
        orders_contract(tmp_path, "  - name: orders\n", f"  - name: {name}\n")


@pytest.mark.parametrize("name", ["order", "select", "class", "type", "table", "Order", "2024"])
def test_a_word_of_sql_or_python_is_a_name_like_any_other(tmp_path: Path, name: str) -> None:
    write_contracts(tmp_path, ORDERS.replace("  - name: orders\n", f"  - name: '{name}'\n"))
    assert load_contracts(tmp_path)[name].dataset == name


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
