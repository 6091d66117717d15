"""Consumer views: what each major version of a model shows, what an older one may say of its columns, and when it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
import yaml

from assay.contracts.model.contract import Rule
from assay.gold.properties import properties
from assay.gold.redundant_tests import is_redundant, unchanged
from assay.gold.views import ConsumerView, views_of
from daily import OLDER, daily_product, found_in, write_daily

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.gold_contract import ProductContracts

LAST_DAY, END = date(2026, 12, 31), date(2027, 1, 1)
ROWS = """
    SELECT DATE '2024-01-01' AS order_month, DATE '2024-01-02' AS order_date, 'ada' AS customer, 10.25::DOUBLE AS amount_eur,
        'paid' AS state, 3::INTEGER AS orders
"""


@pytest.fixture
def product(tmp_path: Path) -> ProductContracts:
    return daily_product(tmp_path, older=OLDER)


@pytest.fixture
def views(product: ProductContracts) -> dict[str, ConsumerView]:
    return {view.schema: view for view in views_of(product)}


def test_the_highest_major_is_the_model_and_the_others_are_older(product: ProductContracts, tmp_path: Path) -> None:
    assert [contract.version for contract in product.majors("orders_daily")] == ["2.1.0", "1.3.0"]
    assert product.promises["orders_daily"] is product.models["orders_daily"]
    assert found_in(tmp_path) == []


def test_a_view_has_the_promised_columns_in_order_with_their_types(views: dict[str, ConsumerView]) -> None:
    with duckdb.connect() as connection:
        shown = {name: connection.sql(view.select(f"({ROWS})")).to_arrow_table() for name, view in views.items()}
    assert shown["v2"].column_names == ["order_month", "order_date", "customer", "amount_eur", "state", "orders"]
    assert shown["v1"].schema.remove_metadata() == pa.schema([
        ("order_month", pa.date32()), ("order_date", pa.date32()), ("customer", pa.string()), ("state", pa.string()), ("cents", pa.int64()),
        ("number", pa.int64()), ("shop", pa.string()),
    ])  # fmt: skip
    assert shown["v1"].to_pylist() == [
        {
            "order_month": date(2024, 1, 1), "order_date": date(2024, 1, 2), "customer": "ada", "state": "p", "cents": 1025, "number": 3,
            "shop": "main",
        }
    ]  # fmt: skip  # the state is masked in version 1 only


@pytest.mark.parametrize(
    ("column", "masking", "seen"),
    [
        ("state", "{method: nullify}", None),
        ("customer", "{method: truncate, keep: 2}", "ad"),
        ("amount_eur", "{method: generalize, to: 5}", 10.0),
        ("orders", "{method: generalize, to: 2}", 2),
    ],
)
def test_each_masking_hides_what_it_says(tmp_path: Path, column: str, masking: str, seen: object) -> None:
    path = write_daily(tmp_path)
    body = yaml.safe_load(path.read_text())
    item = next(one for one in body["schema"][0]["properties"] if one["name"] == column)
    item.pop("primaryKey", None)
    item.pop("primaryKeyPosition", None)
    item["customProperties"] = [{"property": "masking", "value": yaml.safe_load(masking)}]
    path.write_text(yaml.safe_dump(body))
    assert found_in(path) == []
    (view,) = views_of(daily_product_of(tmp_path))
    with duckdb.connect() as connection:
        row: Any = connection.sql(view.select(f"({ROWS})")).to_arrow_table().to_pylist()[0]
    assert row[column] == seen


def daily_product_of(folder: Path) -> ProductContracts:
    from assay.contracts.reading.odcs import load_product

    return load_product(folder)


def test_the_status_depends_on_the_day_that_is_given(views: dict[str, ConsumerView]) -> None:
    assert (views["v2"].status(END), views["v2"].has_ended(END)) == ("current", False)
    assert (views["v1"].status(LAST_DAY), views["v1"].has_ended(LAST_DAY)) == ("deprecated until 2027-01-01", False)
    assert (views["v1"].status(END), views["v1"].has_ended(END)) == ("ended on 2027-01-01", True)


@pytest.mark.parametrize(
    "query", ["select * from old", "select count(*) from old", "select shop from old where cents > 1", "select 1 from old limit 1"]
)
def test_a_view_that_has_ended_says_so_however_it_is_read(views: dict[str, ConsumerView], query: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW old AS {views['v1'].refuse(views['v1'].refusal())}")
        with pytest.raises(
            duckdb.Error, match=r"v1\.orders_daily ended on 2027-01-01, deprecated since 2\.0\.0: read v2\.orders_daily inst"
        ):
            connection.sql(query).fetchall()


FAULTS = [
    (("transformSourceObjects: [orders]", "transformSourceObjects: [order]"), "'order' is no column of the highest", "Did you mean orders?"),
    ((", transformSourceObjects: [orders]", ""), "'number' is no column of the highest", "or give transformLogic"),
    (("ROUND(amount_eur * 100)", "ROUND(amount * 100)"), "unknown column 'amount'", "Did you mean amount_eur?"),
    (("ROUND(amount_eur * 100)", "ROUNDED(amount_eur * 100)"), "Scalar Function with name rounded", ""),
    (("CAST(ROUND(amount_eur * 100) AS BIGINT)", "amount_eur * 100"), "gives double, and int64 is promised", "CAST(.. AS BIGINT)"),
    (("BIGINT, description: How many.", "SMALLINT, description: How many."), "not every int32 of orders fits into the promised int16", "CAST("),
    (("since: 2.0.0, until: 2027-01-01, ", "since: 2.0.0, "), "says until when it stays", "until: 2030-01-01"),
    (("{property: unit, value: ct}", "{property: unt, value: ct}"), "unknown custom property 'unt'", "Did you mean unit?"),
    (("primaryKeyPosition: 2\n", "primaryKeyPosition: 2\n        transformLogic: UPPER(customer)\n"), "the key is another", "order_date"),
    (("      - property: eventTime", "      - {property: reach, value: {lookbackDays: 1}}\n      - property: eventTime"), "the reach is that", ""),
    (("transformLogic: \"'main'\"", "transformLogic: \"'{{ x }}'\""), "dbt would take {{ for Jinja", ""),
    (("version: 1.3.0", "version: 2.3.0"), "defines the major version 2 of the model 'orders_daily' too", ""),
]  # fmt: skip


@pytest.mark.parametrize(("change", "complaint", "hint"), FAULTS)
def test_a_mapping_that_cannot_be_is_refused(tmp_path: Path, change: tuple[str, str], complaint: str, hint: str) -> None:
    assert OLDER.count(change[0]) == 1
    write_daily(tmp_path, older=OLDER.replace(*change))
    (finding, *_) = (one for one in found_in(tmp_path) if complaint in one.complaint)
    assert hint in finding.hint


def dbt_tests(product: ProductContracts) -> dict[str, Any]:
    found = yaml.safe_load(properties(product, "orders_daily"))["models"][0]["data_tests"]
    return {body["name"]: body["arguments"] for test in found for body in test.values()}


def test_only_what_has_changed_since_is_tested_on_the_rows_of_the_older_version(product: ProductContracts) -> None:
    older, current = product.older["orders_daily"][0], product.models["orders_daily"]
    assert unchanged(older, current) == {"order_month", "order_date", "customer", "state"}
    found = {name: arguments for name, arguments in dbt_tests(product).items() if "_v1_" in name}
    assert list(found) == ["orders_daily_v1_rows_satisfy_rules"]
    assert found["orders_daily_v1_rows_satisfy_rules"]["rules"] == {
        "v1.cents_maximum": '"cents" <= 1000000', "v1.shop_required": '"shop" is not null',
    }  # fmt: skip


def test_a_rule_of_the_older_version_that_the_highest_gave_up_is_still_tested(product: ProductContracts) -> None:
    older, current = product.older["orders_daily"][0], product.models["orders_daily"]
    rule = next(rule for rule in older.rules if rule.name == "customer_required")
    assert is_redundant(rule, older, current)
    assert is_redundant(replace(rule, name="other", description="Other words."), older, current)
    without = replace(current, rules=tuple(one for one in current.rules if one.name != rule.name))
    assert not is_redundant(rule, older, without)
    logic = Rule(
        "fits", next(one.kind for one in current.rules if one.name == "amount_is_usual"), rule.severity, "", None, "cents > number"
    )
    assert not is_redundant(logic, older, replace(current, rules=(*current.rules, logic)))
