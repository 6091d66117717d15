"""Constraints compiled from contracts: every writer is held to them, none says more than its rule, and what engines read apart is left out."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from evolving import ORDERS, make, of_rule, with_column, with_rule

from assay.contracts.compiling.arrow_types import published_schema
from assay.contracts.export.delta_constraints import check_constraints
from assay.contracts.model.contract import Kind, Rule, Severity
from assay.lake.constraints import constraints_of, create_constrained, keeps_only, tighten
from assay.lake.slices import TableSpec
from assay.lake.snapshots import Snapshot, open_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from assay.contracts.model.contract import Contract

ERROR = Severity.ERROR
RULES = (
    Rule("number_enum", Kind.ENUM, ERROR, "", "number", (1, 2, 7)),
    Rule("customer_pattern", Kind.PATTERN, ERROR, "", "customer", "^[a-z]+$"),
    Rule("order_date_minimum", Kind.MINIMUM, ERROR, "", "order_date", date(2024, 1, 1)),
    Rule("paid_at_minimum", Kind.MINIMUM, ERROR, "", "paid_at", datetime(2000, 1, 1, tzinfo=UTC)),
    Rule("paid_at_maximum", Kind.MAXIMUM, ERROR, "", "paid_at", datetime(2025, 1, 1, tzinfo=UTC)),
    Rule("share_type", Kind.TYPE, ERROR, "", "share"),
    Rule("share_maximum", Kind.MAXIMUM, ERROR, "", "share", 0.1),
    Rule(
        "gift_is_light", Kind.EXPRESSION, ERROR, "", None, "is_gift = (weight <= -1 OR weight BETWEEN 0 AND 5.5) OR NOT (state != 'paid')"
    ),
)
ROW: dict[str, Any] = {
    "order_date": date(2024, 1, 1), "number": 7, "customer": "ada", "amount": Decimal("10.25"), "weight": 5.0, "state": "open", "email": "x",
    "paid_at": datetime(2024, 1, 1, 9, tzinfo=UTC), "note": "hello", "share": 0.1, "is_gift": True,
}  # fmt: skip


def constrained() -> Contract:
    """A contract with a rule of every kind."""
    contract = with_column(make("is_gift", "boolean", "BOOLEAN"))(with_column(make("share", "number", "FLOAT"))(ORDERS))
    return replace(contract, rules=(*contract.rules, *RULES))


def spec_of(contract: Contract) -> TableSpec:
    return TableSpec("silver/orders", published_schema(contract), ("order_date",), constraints=tuple(check_constraints(contract).items()))


def create(lake: Path, contract: Contract) -> TableSpec:
    spec = spec_of(contract)
    assert create_constrained(lake / spec.name, spec.schema, ["order_date"], dict(spec.constraints or ()))
    return spec


def append(lake: Path, contract: Contract, **changes: Any) -> None:
    """What any program does that writes with delta-rs and knows nothing of Assay."""
    rows = pa.Table.from_pylist([{**ROW, **changes}], schema=published_schema(contract))
    write_deltalake(str(lake / "silver/orders"), rows, mode="append")


def test_a_table_has_its_constraints_from_its_first_version_and_readers_need_nothing_new(lake: Path) -> None:
    spec = create(lake, constrained())
    table = open_snapshot(lake, spec.name).table
    assert (table.version(), constraints_of(table)) == (0, dict(spec.constraints or ()))
    protocol = table.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 3)


def test_rows_that_keep_the_contract_are_taken_from_any_writer_and_nulls_with_them(lake: Path) -> None:
    contract = constrained()
    create(lake, contract)
    append(lake, contract)
    append(lake, contract, **{name: None for name in ROW if name not in ("order_date", "number")})
    append(lake, contract, state="paid", weight=99.0, is_gift=False)
    assert open_snapshot(lake, "silver/orders").rows == 3


@pytest.mark.parametrize("text", ["o'neil", 'a"b\\c\n'])
def test_signs_that_engines_read_apart_in_a_text_are_said_by_their_codes(lake: Path, text: str) -> None:
    contract = with_rule(Rule("r", Kind.ENUM, ERROR, "", "name", (text,)))(with_column(make("name", "string", "VARCHAR"))(ORDERS))
    create(lake, contract)
    append(lake, contract, name=text)
    with pytest.raises(DeltaError, match="Invalid data found"):
        append(lake, contract, name=text[1:])


def test_an_instant_after_the_year_2262_can_be_written_where_no_end_is_promised(lake: Path) -> None:
    contract = with_rule(Rule("paid_at_minimum", Kind.MINIMUM, ERROR, "", "paid_at", datetime(2000, 1, 1, tzinfo=UTC)))(ORDERS)
    create(lake, contract)
    append(lake, contract, paid_at=datetime(9999, 12, 31, tzinfo=UTC))
    assert open_snapshot(lake, "silver/orders").rows == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Decimal("0.99")}, {"amount": Decimal("100.01")}, {"note": "x"}, {"note": "longer"}, {"state": "lost"}, {"number": 3},
        {"customer": "ADA"}, {"order_date": date(2023, 12, 31)}, {"paid_at": datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC)}, {"share": 0.2},
        {"share": math.nan}, {"share": -math.inf}, {"is_gift": True, "weight": 6.0}, {"state": "paid", "amount": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_row_that_breaks_a_rule_is_refused_from_any_writer(lake: Path, changes: dict[str, Any]) -> None:
    contract = constrained()
    create(lake, contract)
    with pytest.raises(DeltaError, match="Invalid data found"):
        append(lake, contract, **changes)
    assert open_snapshot(lake, "silver/orders").version == 0


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(Rule("r", Kind.EXPRESSION, Severity.WARNING, "", None, "weight < 5"), id="a-warning"),
        pytest.param(Rule("r", Kind.PATTERN, ERROR, "", "email", "@"), id="a-masked-column"),
        pytest.param(Rule("r", Kind.EXPRESSION, ERROR, "", None, "email <> 'x'"), id="a-condition-of-a-masked-column"),
        pytest.param(Rule("r", Kind.EXPRESSION, ERROR, "", None, "day <> 'x'"), id="a-landing-column"),
        pytest.param(Rule("r", Kind.EXPRESSION, ERROR, "", None, "weight / 2 < 5"), id="arithmetic"),
        pytest.param(Rule("r", Kind.EXPRESSION, ERROR, "", None, "weight -1 < 5"), id="a-sign-that-is-an-operator"),
        pytest.param(Rule("r", Kind.EXPRESSION, ERROR, "", None, "LENGTH(state) < 5"), id="a-function"),
        pytest.param(Rule("r", Kind.EXPRESSION, ERROR, "", None, "state LIKE 'a%'"), id="a-word-that-engines-read-apart"),
        pytest.param(Rule("r", Kind.PATTERN, ERROR, "", "customer", r"\ba"), id="an-edge-of-a-word"),
        pytest.param(Rule("r", Kind.ENUM, ERROR, "", "state", ("a\0b", "open")), id="a-sign-that-no-engine-can-make"),
        pytest.param(Rule("r", Kind.MINIMUM, ERROR, "", "paid_at", datetime(2024, 1, 1, tzinfo=UTC)), id="instants-without-an-end"),
        pytest.param(Rule("r", Kind.REFERENCE, ERROR, "", "customer", ("customers", "customer")), id="another-dataset"),
    ],
)
def test_what_is_no_promise_about_the_row_alone_or_is_read_in_two_ways_is_no_constraint(rule: Rule) -> None:
    assert "r" not in check_constraints(with_rule(rule)(ORDERS))


def test_a_name_that_delta_cannot_have_is_spelled_so_that_it_can() -> None:
    rules = [Rule(name, Kind.MINIMUM, ERROR, "", "weight", 0) for name in ("Is it ok?", "is it ok!")]
    found = [name for name in check_constraints(with_rule(rules[1])(with_rule(rules[0])(ORDERS))) if name.startswith("is_it")]
    assert found[0] == "is_it_ok_"
    assert len(set(found)) == 2


def held(*names: str) -> Any:
    return lambda _table, _missing: {*names}


def test_a_constraint_that_the_contract_no_longer_says_goes_before_rows_come_that_it_would_refuse(lake: Path) -> None:
    spec = create(lake, ORDERS)
    looser = spec_of(of_rule("amount_maximum", argument=500)(ORDERS))
    assert not keeps_only(DeltaTable(str(lake / spec.name)), looser), "the table is another now: it has to be looked at again"
    table = DeltaTable(str(lake / spec.name))
    assert constraints_of(table).keys() == dict(spec.constraints or ()).keys() - {"amount_maximum"}
    before = table.version()
    assert keeps_only(table, looser)
    assert table.version() == before, "nothing to do is no commit"
    append(lake, ORDERS, amount=Decimal("300.00"))


def test_a_table_whose_constraints_are_not_assays_business_keeps_them(lake: Path) -> None:
    spec = create(lake, ORDERS)
    assert keeps_only(DeltaTable(str(lake / spec.name)), replace(spec, constraints=None))
    assert constraints_of(DeltaTable(str(lake / spec.name)))


def test_a_missing_constraint_is_given_only_if_every_row_keeps_it(lake: Path) -> None:
    spec = create(lake, ORDERS)
    keeps_only(DeltaTable(str(lake / spec.name)), replace(spec, constraints=()))
    assert tighten(Snapshot(spec.name, DeltaTable(str(lake / spec.name))), spec, held("amount_minimum"))
    assert constraints_of(DeltaTable(str(lake / spec.name))) == {"amount_minimum": dict(spec.constraints or ())["amount_minimum"]}


def test_whoever_was_overtaken_leaves_the_table_as_it_is(lake: Path) -> None:
    spec = create(lake, ORDERS)
    table = DeltaTable(str(lake / spec.name))
    append(lake, ORDERS)
    assert not keeps_only(table, replace(spec, constraints=()))
    assert constraints_of(DeltaTable(str(lake / spec.name))) == dict(spec.constraints or ())
    assert not create_constrained(lake / spec.name, spec.schema, ["order_date"], {})


def test_what_else_the_table_says_of_itself_stays(lake: Path) -> None:
    spec = create(lake, ORDERS)
    table = DeltaTable(str(lake / spec.name))
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})
    table.alter.set_table_description("Orders.")
    before = table.metadata()
    keeps_only(table, replace(spec, constraints=()))
    after = DeltaTable(str(lake / spec.name)).metadata()
    assert (after.id, after.description, after.partition_columns) == (before.id, "Orders.", ["order_date"])
    assert after.configuration == {"delta.logRetentionDuration": "interval 90 days"}
    assert DeltaTable(str(lake / spec.name)).schema() == table.schema()
