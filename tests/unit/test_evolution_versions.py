"""Versions held against changes, and the contracts of two folders compared: what comes, goes and is renamed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from evolving import LATER, ORDERS, TODAY, all_of, make, of_column, of_contract, of_rule, with_column, within, without_rule
from hypothesis import given
from hypothesis import strategies as st

from assay.contracts.compatibility.bumps import complaint, declared_bump, smallest
from assay.contracts.compatibility.comparison import compare, compare_all
from assay.contracts.compatibility.kinds import Bump
from assay.contracts.model.versions import Version

NONE, PATCH, MINOR, MAJOR = Bump.NONE, Bump.PATCH, Bump.MINOR, Bump.MAJOR
TEXTS = st.builds("{}.{}.{}{}".format, *[st.integers(0, 3)] * 3, st.sampled_from(["", "-rc.1", "-rc.2", "-alpha", "+build"]))


@pytest.mark.parametrize(
    ("old", "new", "required", "said"),
    [
        ("1.4.2", "1.4.2", NONE, None),
        ("1.4.2", "1.4.3", NONE, None),
        ("1.4.2", "1.4.2", PATCH, "need a patch version after 1.4.2: 1.4.3 or higher, not 1.4.2"),
        ("1.4.2", "1.4.3", MINOR, "need a minor version after 1.4.2: 1.5.0 or higher, not 1.4.3"),
        ("1.4.2", "1.5.0", MINOR, None),
        ("1.4.2", "1.5.0", MAJOR, "need a major version after 1.4.2: 2.0.0 or higher, not 1.5.0"),
        ("1.4.2", "3.0.0", MAJOR, None),
        ("1.9.0", "1.10.0", MINOR, None),
        ("1.4.2", "1.4.1", NONE, "the version goes backwards, from 1.4.2 to 1.4.1"),
        ("1.0.0", "1.0.0-rc.1", NONE, "goes backwards"),
        ("1.0.0-rc.1", "1.0.0-rc.2", MAJOR, None),
        ("1.0.0-rc.1", "1.0.0-rc.1", MAJOR, "1.0.0 or higher"),
        ("1.0.0-rc.9", "1.0.0-rc.10", MINOR, None),
        ("0.4.0", "0.5.0", MAJOR, None),
        ("0.4.0", "0.4.1", MAJOR, "need a minor version after 0.4.0: 0.5.0"),
        ("0.4.0", "0.4.1", MINOR, None),
        ("0.4.0", "1.0.0", MAJOR, None),
        ("v1.0.0", "v2.0.0", MAJOR, None),
        ("1.0", "2.0", MAJOR, "'2.0' is no version of the form 1.2.3"),
        ("2024-01", "2.0.0", MAJOR, None),
    ],
)
def test_a_version_is_enough_or_says_what_would_be(old: str, new: str, required: Bump, said: str | None) -> None:
    found = complaint(old, new, required)
    assert (found is None) == (said is None)
    assert said is None or said in str(found)


@given(TEXTS, TEXTS, TEXTS)
def test_versions_are_in_one_order(one: str, other: str, third: str) -> None:
    a, b, c = (Version.read(text) for text in (one, other, third))
    assert a is not None
    assert b is not None
    assert c is not None
    assert [a.precedes(b), b.precedes(a), a == b].count(True) == 1
    assert not (a.precedes(b) and b.precedes(c)) or a.precedes(c)
    assert (declared_bump(a, b) is NONE) == (not a.precedes(b))


@given(TEXTS, st.sampled_from([PATCH, MINOR, MAJOR]))
def test_the_smallest_version_that_is_named_is_enough(old: str, required: Bump) -> None:
    before = Version.read(old)
    assert before is not None
    assert before.pre or complaint(old, smallest(before, required), required) is None


def test_the_greatest_change_decides() -> None:
    edit = all_of(of_contract(description="All orders."), with_column(make("gift")), of_rule("amount_minimum", argument=0))
    comparison = compare(ORDERS, edit(ORDERS))
    assert sorted(change.verdict.bump for change in comparison.changes) == [PATCH, MINOR, MAJOR]
    assert (comparison.required, comparison.compatibility) == (MAJOR, "backward")


def test_two_changes_can_leave_no_direction() -> None:
    edit = all_of(of_rule("amount_minimum", argument=0), of_rule("amount_maximum", argument=50))
    assert compare(ORDERS, edit(ORDERS)).compatibility == "none"


def test_a_declared_version_that_is_enough_is_no_complaint() -> None:
    edit = all_of(without_rule("customer_known"), of_contract(version="2.0.0"))
    assert compare(ORDERS, edit(ORDERS)).complaint is None


def test_an_unchanged_dataset_is_not_listed_and_one_with_a_lower_version_is() -> None:
    assert compare_all({"orders": ORDERS}, {"orders": ORDERS}) == []
    (found,) = compare_all({"orders": ORDERS}, {"orders": replace(ORDERS, version="1.0.0")})
    assert (found.changes, str(found.complaint)) == ((), "the version goes backwards, from 1.4.2 to 1.0.0")


def test_a_new_dataset_may_begin_with_any_version() -> None:
    (found,) = compare_all({}, {"orders": ORDERS})
    assert ([change.kind for change in found.changes], found.required, found.complaint) == (["dataset_added"], MINOR, None)


@pytest.mark.parametrize(
    ("edit", "may_go"),
    [
        pytest.param(of_contract(), False, id="active"),
        pytest.param(of_contract(status="deprecated"), False, id="deprecated"),
        pytest.param(of_contract(status="retired"), True, id="retired"),
        pytest.param(within("lifecycle", end_of_life=date(2026, 1, 1)), True, id="after-its-end-of-life"),
        pytest.param(within("lifecycle", end_of_life=LATER), False, id="before-its-end-of-life"),
    ],
)
def test_a_dataset_goes_only_after_its_end_has_come(edit: object, may_go: bool) -> None:
    assert callable(edit)
    (found,) = compare_all({"orders": edit(ORDERS)}, {}, TODAY)
    assert [change.kind for change in found.changes] == ["dataset_removed"]
    assert (found.complaint is None) == may_go


def test_a_dataset_under_a_new_name_is_found_by_its_columns() -> None:
    (found,) = compare_all({"orders": ORDERS}, {"sales": replace(ORDERS, dataset="sales")})
    assert [(change.kind, change.old, change.new) for change in found.changes] == [("dataset_renamed", "orders", "sales")]
    assert (found.dataset, found.old_dataset, found.required) == ("sales", "orders", MAJOR)


def test_a_dataset_with_other_columns_is_another_one() -> None:
    other = replace(of_column("number", physical_type="BIGINT")(ORDERS), dataset="sales")
    found = compare_all({"orders": ORDERS}, {"sales": other})
    assert [change.kind for one in found for change in one.changes] == ["dataset_removed", "dataset_added"]
