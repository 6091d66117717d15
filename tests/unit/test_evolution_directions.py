"""Where a change has an opposite, going back swaps the directions: what was backward compatible is forward compatible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from evolving import ERROR, ORDERS, make, of_column, of_contract, of_rule, with_rule, within, without_rule
from hypothesis import given
from hypothesis import strategies as st

from assay.contracts.compatibility.comparison import compare
from assay.contracts.compiling.arrow_types import arrow_type, holds
from assay.contracts.language.operators import OPERATORS
from assay.contracts.model.contract import Kind, Rule

if TYPE_CHECKING:
    from datetime import date

    from evolving import Edit

    from assay.contracts.compatibility.kinds import Bump
    from assay.contracts.model.contract import Contract

SMALL = st.integers(0, 6)
DECIMALS = (
    st.tuples(st.integers(1, 12), st.integers(0, 6))
    .filter(lambda found: found[1] <= found[0])
    .map(lambda found: f"DECIMAL({found[0]}, {found[1]})")
)
NUMBERS = st.one_of(st.sampled_from(["SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE"]), DECIMALS)
PAIRS = st.tuples(SMALL, SMALL)


def verdict(old: Contract, new: Contract) -> tuple[bool, bool, Bump]:
    """Backward, forward, and the bump of all changes together."""
    comparison = compare(old, new)
    found = [change.verdict for change in comparison.changes]
    return all(one.backward for one in found), all(one.forward for one in found), comparison.required


def assert_opposite(one: Edit, other: Edit) -> None:
    backward, forward, bump = verdict(one(ORDERS), other(ORDERS))
    assert verdict(other(ORDERS), one(ORDERS)) == (forward, backward, bump)


@given(NUMBERS, NUMBERS)
def test_types(one: str, other: str) -> None:
    assert_opposite(of_column("amount", physical_type=one), of_column("amount", physical_type=other))


@given(st.sampled_from(["amount_minimum", "amount_maximum"]), SMALL, SMALL)
def test_bounds(rule: str, one: int, other: int) -> None:
    assert_opposite(of_rule(rule, argument=one), of_rule(rule, argument=other))


@given(PAIRS, PAIRS, st.booleans())
def test_lengths(one: tuple[int, int], other: tuple[int, int], open_end: bool) -> None:
    low, high = other
    assert_opposite(of_rule("note_length", argument=one), of_rule("note_length", argument=(low, None if open_end else high)))


@given(st.sets(SMALL, min_size=1), st.sets(SMALL, min_size=1))
def test_enumerations(one: set[int], other: set[int]) -> None:
    assert_opposite(of_rule("state_enum", argument=tuple(one)), of_rule("state_enum", argument=tuple(other)))


def comparison_of(draw: Any) -> Edit:
    name = draw(st.sampled_from(sorted(OPERATORS)))
    return of_rule("some_rows", operator=name, bound=draw(PAIRS) if OPERATORS[name].pair else draw(SMALL))


@given(st.data())
def test_rules_about_partitions(data: st.DataObject) -> None:
    assert_opposite(comparison_of(data.draw), comparison_of(data.draw))


@given(st.data())
def test_a_stricter_rule_about_partitions_accepts_less(data: st.DataObject) -> None:
    edits = comparison_of(data.draw), comparison_of(data.draw)
    old, new = (next(rule for rule in edit(ORDERS).dataset_rules if rule.name == "some_rows") for edit in edits)
    backward, forward, _ = verdict(edits[0](ORDERS), edits[1](ORDERS))
    values = [number / 2 for number in range(-4, 18)]
    if backward:  # new readers may keep what old data promised
        assert all(new.holds(value) for value in values if old.holds(value))
    if forward:
        assert all(old.holds(value) for value in values if new.holds(value))


def test_nullability_completeness_and_rules_that_come_and_go() -> None:
    assert_opposite(of_column("amount", required=True), of_column("amount", required=False))
    assert_opposite(of_contract(rejected_share_below=0.2), of_contract(rejected_share_below=None))
    assert_opposite(without_rule("customer_known"), of_contract())
    assert_opposite(with_rule(Rule("positive", Kind.EXPRESSION, ERROR, "x", None, "amount > 0")), of_contract())


@given(st.dates(), st.dates())
def test_a_range_that_is_cut_one_way_is_extended_the_other(one: date, other: date) -> None:
    changes = [
        compare(within("partitioning", start=a)(ORDERS), within("partitioning", start=b)(ORDERS)).changes
        for a, b in ((one, other), (other, one))
    ]
    kinds = sorted(change.kind for side in changes for change in side)
    assert kinds == ([] if one == other else ["range_cut", "range_extended"])


@pytest.mark.parametrize("wide", ["SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(12, 2)", "DECIMAL(38, 18)"])
@pytest.mark.parametrize("narrow", ["SMALLINT", "INTEGER", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL(9, 2)"])
def test_a_wider_type_holds_the_extremes_of_a_narrower_one_exactly(wide: str, narrow: str) -> None:
    target, source = arrow_type(make("x", "number", wide)), arrow_type(make("x", "number", narrow))
    extremes = extreme_values(source)
    if holds(target, source) or target == source:
        assert extremes.cast(target).cast(source).equals(extremes)


def extreme_values(kind: pa.DataType) -> pa.Array:
    if pa.types.is_integer(kind):
        most = 2 ** (kind.bit_width - 1) - 1
        return pa.array([most, -most - 1, 1], kind)
    if pa.types.is_decimal(kind):
        return pa.array(["9" * (kind.precision - kind.scale) + "." + "9" * kind.scale, "-0.01"]).cast(kind)
    return pa.array([1.1, 3e38 if kind == pa.float32() else 1e300], kind)
