"""Contracts of gold models: what they say is read, what nobody would check is refused with its line, and dbt is told all of it."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from assay.contracts.model.contract import Grain, Severity
from assay.contracts.model.gold_contract import Consumer
from assay.contracts.reading.odcs import load_contracts, load_product, read_contract
from assay.errors import ContractInvalid
from assay.gold.project_files import ContractWithoutModel, ModelWithoutContract, model_files, stale_files
from assay.gold.properties import properties
from assay.project_root import CHECKOUT
from daily import DAILY, daily_product, found_in, write_daily

if TYPE_CHECKING:
    from pathlib import Path

RULES = (
    "amount_eur_type",
    "order_month_required", "order_date_required", "order_date_minimum", "customer_required", "customer_length", "customer_pattern",
    "customer_in_customers", "amount_eur_minimum", "state_enum", "orders_required", "month_is_of_date", "amount_is_usual",
)  # fmt: skip


TABLE, AMOUNT = "- name: orders_daily", "- name: amount_eur"  # where a fault of the model, or of the column, is told


def line_of(text: str, contract: str) -> int:
    return next(number for number, line in enumerate(contract.splitlines(), 1) if text in line)


def test_a_gold_contract_is_read_beside_those_of_what_lands(tmp_path: Path) -> None:
    product = daily_product(tmp_path)
    contract = product.models["orders_daily"]
    assert sorted(product.datasets) == sorted(load_contracts(tmp_path)) == ["customers", "orders"]
    assert (contract.key, contract.event_column, contract.partitioning.column) == (("order_date", "customer"), "order_date", "order_month")
    assert (contract.partitioning.grain, contract.lookback_days, contract.lookahead_days) == (Grain.MONTH, 6, 1)
    assert tuple(rule.name for rule in contract.rules) == RULES
    assert [rule.name for rule in contract.dataset_rules] == ["has_rows", "mean_is_usual", "few_have_no_state"]
    assert contract.consumers == (
        Consumer("board", "board@example.org", ("order_date", "amount_eur")),
        Consumer("mail", "mail@example.org"),
    )
    assert (contract.view, contract.path) == ("v2.orders_daily", "gold/orders_daily.odcs.yaml")
    assert found_in(tmp_path) == []


def test_one_file_can_be_read_by_itself(tmp_path: Path) -> None:
    assert read_contract(write_daily(tmp_path)).dataset == "orders_daily"


@pytest.mark.parametrize(
    ("change", "complaint", "hint", "at"),
    [
        (("value: {column: order_date}", "value: {colum: order_date}"), "unknown key 'colum'", "Did you mean column?", ""),
        (("value: {column: order_date}", "value: {column: order_dat}"), "'order_dat' is no column", "Did you mean order_date?", ""),
        (("value: {column: order_date}", "value: {column: state}"), "state does not tell a row's month", "required date or timestamp", ""),
        (("value: {column: order_date}", "value: {column: none}"), "no description says why", "`description`", "- property: eventTime"),
        (("value: {column: order_date}", "value: {column: none}"), "a model without an event time has no partitions", "as eventTime", "partitioned: true"),
        (("value: {column: order_date}", "value: {column: none}"), "built whole: it has no reach", "", "lookbackDays"),
        (("{lookbackDays: 6, lookaheadDays: 1}", "{lookbackDays: six}"), "'six' is no whole number", "", ""),
        (("- property: reach", "- property: reech"), "unknown custom property 'reech'", "Did you mean reach?", ""),
        (("required: true, partitioned: true", "required: true"), "needs one property with `partitioned: true`", "first day of the month", TABLE),
        (("implementation: amount_eur < 5000", "implementation: amount < 5000"), "unknown column 'amount'", "Did you mean amount_eur?", ""),
        (("implementation: amount_eur < 5000", "implementation: sqroot(amount_eur) < 5"), "Scalar Function with name sqroot", "", ""),
        (("implementation: amount_eur < 5000", "implementation: amount_eur + 1"), "what is computed is DOUBLE, which is neither true nor false", "Compare it", ""),
        (("implementation: amount_eur < 5000", "implementation: \"state <> '{{ x }}'\""), "dbt would take {{ for Jinja", "", ""),
        (("name: amount_is_usual", "name: amount is usual"), "no name of a rule in gold", "Letters, digits and _.", ""),
        (("to: customers.customer", "to: customers.custom"), "is defined by no contract here", "Did you mean customers.customer?", ""),
        (("to: customers.customer", "to: orders_daily.customer"), "cannot refer to itself", "", ""),
        (("columns: [order_date, amount_eur]", "columns: [order_date, amount]"), "'amount' is no column", "Did you mean amount_eur?", ""),
        (("{name: mail, contact", "{name: board, contact"), "the consumer 'board' is there twice", "", "contact: mail"),
        (("{name: mail, contact: mail@example.org}", "{name: mail}"), "consumers lacks 'contact'", "", ""),
        (("physicalName: gold.orders_daily", "physicalName: gold.orders"), "published as gold.orders_daily", "", ""),
        (("version: 2.1.0", "version: two"), "no version of the form 1.2.3", "", ""),
        (("description: Sum of the orders.\n", "businessName: Amount\n"), "'amount_eur' has no description", "", AMOUNT),
        (("description: Sum of the orders.", "description: Sum.\n        transformLogic: orders * 2"), "transformLogic is not read", "", "transformLogic:"),
        (("    dataGranularityDescription: one row per day and customer\n", ""), "says what a row is", "dataGranularityDescription", TABLE),
        (("schema:\n", "servers:\n  - {server: a, type: local, path: x, format: csv}\nschema:\n"), "nothing lands for a gold model", "", "servers:"),
        (("schema:\n", 'slaProperties:\n  - {property: frequency, value: 1, unit: d, schedule: "0 6 * * *"}\nschema:\n'), "no arrival", "", "property: frequency"),
        (("  - name: orders_daily\n", "  - name: orders-daily\n"), "no name of an asset in Dagster", "such as orders_daily.", "- name: orders-daily"),
        (("{name: orders, logicalType", "{name: month_of_event, logicalType"), "a column that the tests of gold models add", "another name", ""),
        (("value: EUR}", "value: EUR}\n          - {property: masking, value: {method: tokenize}}"), "tokenize is for strings", "", "tokenize"),
    ],
)  # fmt: skip
def test_what_would_not_be_kept_is_refused_with_its_line_and_the_nearest_valid_name(
    tmp_path: Path, change: tuple[str, str], complaint: str, hint: str, at: str
) -> None:
    path = write_daily(tmp_path, change)
    (finding, *_) = (one for one in found_in(path) if complaint in one.complaint)
    assert hint in finding.hint
    assert finding.line == line_of(at or change[1], path.read_text())


@pytest.mark.parametrize("said", ["", "    physicalName: orders_daily\n"])
def test_a_model_is_told_by_its_event_time_whatever_its_physical_name(tmp_path: Path, said: str) -> None:
    """Other tools look for a table of the physical name: `gold.orders_daily` is none."""
    assert found_in(write_daily(tmp_path, ("    physicalName: gold.orders_daily\n", said))) == []


def test_a_model_without_an_event_time_is_read_and_judged_as_a_whole(tmp_path: Path) -> None:
    changes = (("required: true, partitioned: true", "required: true"), ("value: {lookbackDays: 6, lookaheadDays: 1}", "value: {}"))
    text = DAILY.replace("value: {column: order_date}", "value: {column: none}\n        description: Only reference data are read.")
    for change in changes:
        text = text.replace(*change)
    text = re.sub(r"      - property: reach\n +value: .*\n", "", text)
    path = write_daily(tmp_path, text=text)
    assert found_in(path) == []
    contract = load_product(tmp_path).models["orders_daily"]
    assert (contract.event_column, contract.partitioning.grain, contract.partitioning.column) == (None, Grain.NONE, None)
    model = yaml.safe_load(properties(load_product(tmp_path), "orders_daily"))["models"][0]
    assert (model["config"]["meta"]["assay"]["partition_by"], model["config"]["meta"]["assay"]["event_time"]) == (None, None)
    assert dbt_tests(load_product(tmp_path))["orders_daily_months_satisfy_rules"]["arguments"]["event_time"] is None


def test_a_contract_without_what_lands_is_explained_to_whoever_meant_gold(tmp_path: Path) -> None:
    text = DAILY.replace("    physicalName: gold.orders_daily\n", "").replace("value: {column: order_date}", "value: none")
    found = found_in(write_daily(tmp_path, text=text))
    assert any("For a gold model nothing lands: its eventTime names a column." in one.hint for one in found)


def test_a_model_cannot_have_the_name_of_a_dataset(tmp_path: Path) -> None:
    text = DAILY.replace("orders_daily", "customers")
    assert any("a dataset that lands has the name 'customers'" in one.complaint for one in found_in(write_daily(tmp_path, text=text)))


def test_what_lands_cannot_refer_to_what_is_computed_from_it(tmp_path: Path) -> None:
    write_daily(tmp_path)
    path = tmp_path / "orders.odcs.yaml"
    path.write_text(path.read_text().replace("to: customers.customer", "to: orders_daily.customer"))
    assert any("orders_daily.customer is defined by no contract here" in one.complaint for one in found_in(path))


def dbt_tests(product: Any) -> dict[str, dict[str, Any]]:
    model = yaml.safe_load(properties(product, "orders_daily"))["models"][0]
    return {body["name"]: {"kind": kind, **body} for test in model["data_tests"] for kind, body in test.items()}


def test_every_rule_of_a_contract_is_in_a_dbt_test_of_its_severity_or_a_constraint(tmp_path: Path) -> None:
    product = daily_product(tmp_path)
    contract, found = product.models["orders_daily"], dbt_tests(daily_product(tmp_path))
    rows = found["orders_daily_rows_satisfy_rules"]["arguments"]["rules"]
    assert rows == {
        "amount_eur_type": 'isfinite("amount_eur")',
        "order_date_minimum": "\"order_date\" >= date '2020-01-01'",
        "customer_length": 'length("customer") >= 2',
        "customer_pattern": "regexp_matches(\"customer\", '^[''a-z]+$')",
        "amount_eur_minimum": '"amount_eur" >= 0',
        "state_enum": "\"state\" in ('open', 'paid')",
        "month_is_of_date": "order_month = date_trunc('month', order_date)",
    }
    assert found["orders_daily_has_unique_grain"]["arguments"]["columns"] == ["order_date", "customer"]
    months = found["orders_daily_months_satisfy_rules"]["arguments"]["rules"]
    assert months["mean_is_usual"] == {"value": "AVG(amount_eur)", "holds": "value > 1 and value < 1000", "where": '("orders" > 0)'}
    assert found["orders_daily_customer_in_customers"]["arguments"]["to"] == "source('silver', 'customers')"

    said: dict[str, Severity] = {}
    for test in found.values():
        severity = Severity.WARNING if test.get("config", {}).get("severity") == "warn" else Severity.ERROR
        arguments = test["arguments"]
        said |= dict.fromkeys([*arguments.get("rules", []), *([arguments["rule"]] if "rule" in arguments else [])], severity)
    columns = {column["name"]: column for column in yaml.safe_load(properties(product, "orders_daily"))["models"][0]["columns"]}
    said |= {f"{name}_required": Severity.ERROR for name, column in columns.items() if "constraints" in column}
    assert said == {rule.name: rule.severity for rule in (*contract.rules, *contract.dataset_rules)}


def test_dbt_is_told_types_units_and_what_the_engine_needs(tmp_path: Path) -> None:
    model = yaml.safe_load(properties(daily_product(tmp_path), "orders_daily"))["models"][0]
    columns = {column["name"]: column for column in model["columns"]}
    assert {name: column["data_type"] for name, column in columns.items()} == {
        "order_month": "date", "order_date": "date", "customer": "varchar", "amount_eur": "double", "state": "varchar", "orders": "integer",
    }  # fmt: skip
    assert columns["amount_eur"]["description"] == "Sum of the orders. Unit: EUR."
    assert model["description"] == "What was ordered, day by day. Grain: one row per day and customer."
    facts = model["config"]["meta"]["assay"]
    assert (facts["event_time"], facts["partition_by"], facts["lookback_days"]) == ("order_date", "order_month", 6)


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("amount_eur < 5000", "amount_eur < 6000", True),
        ("lookbackDays: 6", "lookbackDays: 7", True),
        ("description: Who ordered.", "description: The customer.", False),
        ("version: 2.1.0", "version: 2.2.0", False),
        ("contact: mail@example.org", "contact: post@example.org", False),
    ],
)
def test_the_digest_changes_with_the_promises_and_not_with_words(tmp_path: Path, old: str, new: str, changes: bool) -> None:
    before = daily_product(tmp_path / "before").promises_of("orders_daily")
    after = daily_product(tmp_path / "after", (old, new)).promises_of("orders_daily")
    assert (before != after) is changes


def test_the_products_own_models_are_compiled_and_none_is_without_contract() -> None:
    product = load_product(CHECKOUT / "platform/flights/contracts")
    files = model_files(CHECKOUT / "dbt_project", product)
    assert {path.stem for path in files} == set(product.models)
    assert {path: path.read_text() == text for path, text in files.items()} == dict.fromkeys(files, True)
    assert list(stale_files(CHECKOUT / "dbt_project", [*files, CHECKOUT / "dbt_project/models/sources.yml"])) == []


def test_a_model_without_contract_and_a_contract_without_model_are_refused_by_name(tmp_path: Path) -> None:
    product, models = daily_product(tmp_path / "contracts"), tmp_path / "models/gold"
    models.mkdir(parents=True)
    with pytest.raises(ContractWithoutModel, match=r"gold/orders_daily\.odcs\.yaml rules the model orders_daily"):
        model_files(tmp_path, product)
    (models / "orders_daily.sql").touch()
    assert list(model_files(tmp_path, product)) == [models / "orders_daily.yml"]
    (models / "stray.sql").touch()
    with pytest.raises(ModelWithoutContract, match=r"The gold model stray has no contract\. Write gold/<model>\.odcs\.yaml"):
        model_files(tmp_path, product)


def test_loading_stops_at_the_first_fault_of_a_gold_contract_too(tmp_path: Path) -> None:
    write_daily(tmp_path, ("value: {column: order_date}", "value: {column: order_dat}"))
    with pytest.raises(ContractInvalid, match=r"gold/orders_daily\.odcs\.yaml:\d+: .*'order_dat' is no column"):
        load_contracts(tmp_path)


def test_dates_of_a_deprecation_are_dates(tmp_path: Path) -> None:
    text = (
        "      - property: reach\n",
        "      - {property: deprecated, value: {since: 2.1.0, until: 2027-01-01}}\n      - property: reach\n",
    )
    deprecated = daily_product(tmp_path, text).models["orders_daily"].deprecated
    assert deprecated is not None
    assert deprecated.until == date(2027, 1, 1)


def test_the_contract_that_the_guide_gives_to_start_from_is_good(tmp_path: Path) -> None:
    guide = (CHECKOUT / "docs/gold.md").read_text()
    path = tmp_path / "departures_daily.odcs.yaml"
    path.write_text(guide.partition("```yaml\n")[2].partition("```")[0])
    assert found_in(path) == []
