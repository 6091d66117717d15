"""No field of a contract is passed over: each is compared by somebody, and changed by some case of the table."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from evolving import ORDERS, TODAY, all_of, landing, of_column, of_contract, of_rule, within, without_column
from hypothesis import assume, given
from hypothesis import strategies as st
from test_evolution import CASES

from assay.contracts.compatibility.columns import COLUMN
from assay.contracts.compatibility.comparison import CONTRACT, GOLD, PUBLISHED, compare
from assay.contracts.compatibility.gold import CONSUMER
from assay.contracts.compatibility.kinds import KINDS, Bump
from assay.contracts.compatibility.landing import SOURCE
from assay.contracts.compatibility.lifecycle import DEPRECATION, LIFECYCLE
from assay.contracts.compatibility.privacy import MASKING, STRENGTH
from assay.contracts.compatibility.rules import DATASET_RULE, RULE
from assay.contracts.compatibility.time import EVENT_TIME, PARTITIONING
from assay.contracts.language.dialect import NAMES, Dialect
from assay.contracts.language.operators import OPERATORS
from assay.contracts.model import about
from assay.contracts.model import contract as model
from assay.contracts.model import gold_contract as gold
from assay.contracts.model.about import About, Channel, Deprecation, Lifecycle, Member
from assay.contracts.model.contract import (
    Column,
    Contract,
    DatasetRule,
    EventTime,
    KeyScope,
    Masking,
    MaskingMethod,
    Partitioning,
    Published,
    Rule,
)
from assay.contracts.model.gold_contract import Consumer, GoldContract, ProductContracts
from assay.contracts.model.landing_source import LandingSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evolving import Edit

TABLES: dict[type, Any] = {
    Contract: CONTRACT, Column: COLUMN, Rule: RULE, DatasetRule: DATASET_RULE, LandingSource: SOURCE, EventTime: EVENT_TIME,
    Partitioning: PARTITIONING, Masking: dict.fromkeys(MASKING), Deprecation: DEPRECATION, Lifecycle: LIFECYCLE,
    Published: PUBLISHED, Dialect: NAMES, GoldContract: GOLD, Consumer: CONSUMER,
}  # fmt: skip
WORDS = {About, Channel, Member, ProductContracts}  # whatever they hold is for people, or compared one by one
NO_CHANGE = {(kind, name) for kind in (Contract, GoldContract) for name in ("version", "path")}
NO_CHANGE |= {(LandingSource, "is_sensitive")}  # follows from the columns, whose classification is compared
BARE = within("source", classifications=(), column_descriptions=())
OTHER_NAME = of_column("customer", source="client", sources=("client",))
DAILY = GoldContract(
    **{field.name: getattr(ORDERS, field.name) for field in fields(Published)}, event_column="order_date", lookback_days=6,
    lookahead_days=0, consumers=(Consumer("board", "board@example.org"),),
)  # fmt: skip
OF_GOLD: list[tuple[Edit, str]] = [
    (of_contract(event_column="paid_at"), "event_time_changed"),
    (of_contract(lookback_days=7), "reach_changed"),
    (of_contract(lookahead_days=1), "reach_changed"),
    (of_contract(consumers=()), "reworded"),
    (of_contract(consumers=(Consumer("board", "b@example.org", ("number",)),)), "reworded"),
    (of_column("amount", unit="USD"), "unit_changed"),
]
MORE: list[tuple[str, Edit, Edit, str]] = [
    ("draft-becomes-active", of_contract(status="draft"), of_contract(), "status_advanced"),
    ("key-scope-table", of_contract(), of_contract(key_scope=KeyScope.TABLE), "key_scope_widened"),
    ("key-scope-partition", of_contract(key_scope=KeyScope.TABLE), of_contract(), "key_scope_narrowed"),
    ("key-scope-without-a-difference", of_contract(key=()), of_contract(key=(), key_scope=KeyScope.TABLE), "reworded"),
    ("key-reordered", of_contract(key=("number", "state")), of_contract(key=("state", "number")), "key_reordered"),
    ("grain-without-a-key", of_contract(key=()), of_contract(key=(), granularity="a line"), "grain_reworded"),
    ("today-left-out", of_contract(include_current=True), of_contract(), "current_excluded"),
    ("end-of-life-announced", within("lifecycle", end_of_life=None), of_contract(), "end_announced"),
    ("event-time-said", of_contract(event_time=None), of_contract(), "event_time_changed"),
    ("landing-reordered", BARE, all_of(BARE, within("source", columns=ORDERS.source.columns[::-1])), "landing_columns_reordered"),
    ("landing-column-renamed", of_contract(), all_of(landing(client=False, customer=None), OTHER_NAME), "landing_name_changed"),
    ("arrival-column", of_contract(), within("arrival", column="x"), "arrival_changed"),
]  # fmt: skip


def dataclasses_of_a_contract() -> list[type]:
    found = [item for module in (model, about, gold) for item in vars(module).values() if isinstance(item, type) and is_dataclass(item)]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("kind", dataclasses_of_a_contract(), ids=lambda kind: str(kind.__name__))
def test_every_field_has_somebody_who_compares_it(kind: type) -> None:
    assert kind in TABLES or kind in WORDS, f"{kind.__name__}: add its fields to a table of evolution*.py"
    if kind in TABLES:
        assert {field.name for field in fields(kind)} == set(TABLES[kind])


def differing(old: Any, new: Any) -> Iterator[tuple[type, str]]:
    """The fields in which two values differ, at any depth; members of tuples are matched by their names, or by their place."""
    if is_dataclass(old) and type(old) is type(new):
        for field in fields(old):
            before, after = getattr(old, field.name), getattr(new, field.name)
            if before != after:
                yield type(old), field.name
                yield from differing(before, after)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        named = [{getattr(item, "name", place): item for place, item in enumerate(side)} for side in (old, new)]
        for name in named[0].keys() & named[1].keys():
            yield from differing(named[0][name], named[1][name])


def test_every_field_is_changed_by_a_case() -> None:
    changed = {found for case in CASES for found in differing(ORDERS, case[1](ORDERS))}
    changed |= {found for _, old, new, _ in MORE for found in differing(old(ORDERS), new(ORDERS))}
    # members are matched by name, so a name never differs
    changed |= {found for edit, _ in OF_GOLD for found in differing(DAILY, edit(DAILY))}
    changed |= {(GoldContract, name) for kind, name in changed if kind is Contract and name in PUBLISHED}  # compared by the same functions
    wanted = {(kind, field.name) for kind in TABLES if kind is not Published for field in fields(kind) if field.name != "name"}
    assert wanted - changed - NO_CHANGE == set()


def test_that_a_source_became_sensitive_is_told_by_its_columns_alone() -> None:
    assert compare(ORDERS, within("source", is_sensitive=True)(ORDERS), TODAY).changes == ()


def test_every_kind_is_named_by_a_case() -> None:
    named = {case[2] for case in CASES} | {kind for *_, kind in (*MORE, *OF_GOLD)}
    assert KINDS.keys() - named == {"dataset_added", "dataset_removed", "unclassified"}


@pytest.mark.parametrize(("old", "new", "kind"), [pytest.param(*case[1:], id=case[0]) for case in MORE])
def test_what_needs_another_beginning(old: Edit, new: Edit, kind: str) -> None:
    assert kind in [change.kind for change in compare(old(ORDERS), new(ORDERS), TODAY).changes]


@pytest.mark.parametrize(("edit", "kind"), OF_GOLD)
def test_what_changes_of_a_gold_contract(edit: Edit, kind: str) -> None:
    assert kind in [change.kind for change in compare(DAILY, edit(DAILY), TODAY).changes]


def test_a_field_that_nobody_compares_counts_as_breaking() -> None:
    @dataclass(frozen=True, slots=True)
    class Wider(Column):
        colour: str = ""

    def with_colour(colour: str) -> Contract:
        first = ORDERS.columns[0]
        wider = Wider(**{field.name: getattr(first, field.name) for field in fields(first)}, colour=colour)
        return replace(ORDERS, columns=(wider, *ORDERS.columns[1:]))

    (change,) = compare(with_colour("red"), with_colour("blue")).changes
    assert (change.kind, change.where, change.verdict.bump) == ("unclassified", "column order_date, colour", Bump.MAJOR)


def test_every_masking_method_has_a_strength() -> None:
    assert set(STRENGTH) == set(MaskingMethod)


def test_a_deprecated_column_may_go_on_its_day() -> None:
    day = next(column.deprecated.until for column in ORDERS.columns if column.deprecated)
    assert [change.kind for change in compare(ORDERS, without_column("note")(ORDERS), day).changes] == ["column_removed"]
    (change,) = compare(ORDERS, without_column("note")(ORDERS), TODAY).changes
    assert (change.kind, change.note) == ("column_removed_early", "It was promised until 2027-01-01.")


def test_what_may_show_more_is_called_a_matter_of_privacy() -> None:
    private = {kind for kind, verdict in KINDS.items() if verdict.privacy}
    assert {"masking_removed", "masking_loosened", "masking_changed", "classification_lowered", "subject_changed"} <= private
    assert not {"masking_tightened", "masking_added", "classification_raised", "type_changed"} & private


def test_every_kind_but_words_says_what_to_do_and_whom_it_concerns() -> None:
    assert [kind for kind, verdict in KINDS.items() if not verdict.migrate] == []
    assert [
        kind for kind, verdict in KINDS.items() if verdict.bump is Bump.MAJOR and not (verdict.affects and len(verdict.migrate) > 30)
    ] == []


def test_a_renamed_column_is_reported_once_whatever_names_it() -> None:
    columns = tuple(replace(column, name="price") if column.name == "amount" else column for column in ORDERS.columns)
    rules = tuple(rule for rule in ORDERS.rules if rule.column != "amount")
    renamed = of_contract(columns=columns, rules=rules, key=("number", "price"))(ORDERS)
    renamed = of_rule("paid_has_amount", argument="state <> 'paid' OR price IS NOT NULL")(renamed)
    assert [change.kind for change in compare(of_contract(key=("number", "amount"))(ORDERS), renamed).changes] == ["column_renamed"]


def test_a_renamed_event_time_of_a_gold_model_is_reported_once() -> None:
    columns = tuple(replace(column, name="day") if column.name == "order_date" else column for column in DAILY.columns)
    before = replace(DAILY, freshness_column=None, partitioning=replace(DAILY.partitioning, column="order_date"))
    after = replace(before, columns=columns, event_column="day", partitioning=replace(before.partitioning, column="day"))
    assert [change.kind for change in compare(before, after).changes] == ["column_renamed"]


EDITS = st.lists(st.sampled_from([case[1] for case in CASES]), max_size=4)


@given(EDITS)
def test_a_contract_is_equal_to_itself(edits: list[Edit]) -> None:
    contract = all_of(*edits)(ORDERS)
    comparison = compare(contract, contract, TODAY)
    assert (comparison.changes, comparison.required, comparison.complaint) == ((), Bump.NONE, None)


@given(EDITS)
def test_whatever_is_edited_is_reported_in_both_directions(edits: list[Edit]) -> None:
    contract = all_of(*edits)(ORDERS)
    assume(all(OPERATORS[rule.operator].pair == isinstance(rule.bound, tuple) for rule in contract.dataset_rules))  # else it is no contract
    there, back = compare(ORDERS, contract, TODAY).changes, compare(contract, ORDERS, TODAY).changes
    assert bool(there) == bool(back) == any(differing(ORDERS, contract))
