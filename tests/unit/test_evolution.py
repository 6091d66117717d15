"""One change of a contract at a time: which kind it is, whom it breaks, and which version it needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from evolving import (
    ERROR,
    LATER,
    ORDERS,
    TODAY,
    WARNING,
    all_of,
    landing,
    make,
    of_column,
    of_contract,
    of_rule,
    unclassified,
    with_column,
    with_rule,
    within,
    without_column,
    without_rule,
)

from assay.contracts.compatibility.comparison import compare
from assay.contracts.compatibility.kinds import Bump
from assay.contracts.language.dialect import Dialect
from assay.contracts.model.about import Deprecation
from assay.contracts.model.contract import DatasetRule, Grain, Kind, Masking, MaskingMethod, Rule

if TYPE_CHECKING:
    from evolving import Edit

FULL, BACK, FORTH, NEITHER = "full", "backward", "forward", "none"
PATCH, MINOR, MAJOR = Bump.PATCH, Bump.MINOR, Bump.MAJOR
SOONER, NEXT_YEAR = date(2026, 9, 1), date(2028, 1, 1)
CLIENT = make("client", source="customer", sources=("customer",), description="The customer.")
FROM_TEXT = {"source": None, "sources": ()}

DIALECT = {"delimiter": ";", "quote_char": "'", "escape_char": "\\", "double_quote": False, "comment_char": "#", "header": False}
NUMBERS = {"decimal_char": ",", "group_char": ","}
CASES: list[tuple[str, Edit, str, str, Bump]] = [
    # columns
    ("nullable-column", with_column(make("gift", **FROM_TEXT, expression="1")), "column_added", FULL, MINOR),
    ("required-column", with_column(make("gift", required=True)), "required_column_added", FORTH, MAJOR),
    ("column-removed", without_column("customer"), "column_removed", BACK, MAJOR),
    ("column-removed-early", without_column("note"), "column_removed_early", BACK, MAJOR),
    ("column-renamed", all_of(without_column("customer"), with_column(CLIENT)), "column_renamed", NEITHER, MAJOR),
    ("columns-reordered", lambda c: replace(c, columns=(*c.columns[1:], c.columns[0])), "columns_reordered", FULL, MINOR),
    ("int32-to-int64", of_column("number", physical_type="BIGINT"), "type_widened", BACK, MAJOR),
    ("int32-to-int16", of_column("number", physical_type="SMALLINT"), "type_narrowed", FORTH, MAJOR),
    ("int32-to-double", of_column("number", physical_type="DOUBLE"), "type_widened", BACK, MAJOR),
    ("int32-to-float", of_column("number", physical_type="FLOAT"), "type_changed", NEITHER, MAJOR),
    ("int32-to-decimal", of_column("number", physical_type="DECIMAL(12, 2)"), "type_widened", BACK, MAJOR),
    ("int32-to-small-decimal", of_column("number", physical_type="DECIMAL(9, 2)"), "type_changed", NEITHER, MAJOR),
    ("more-digits-before-the-point", of_column("amount", physical_type="DECIMAL(12, 2)"), "type_widened", BACK, MAJOR),
    ("more-digits-behind-it-only", of_column("amount", physical_type="DECIMAL(9, 4)"), "type_changed", NEITHER, MAJOR),
    ("fewer-digits", of_column("amount", physical_type="DECIMAL(7, 2)"), "type_narrowed", FORTH, MAJOR),
    ("double-to-float", of_column("weight", physical_type="FLOAT"), "type_narrowed", FORTH, MAJOR),
    ("string-to-integer", of_column("customer", logical_type="integer"), "type_changed", NEITHER, MAJOR),
    ("integer-to-string", of_column("number", logical_type="string", physical_type=""), "type_changed", NEITHER, MAJOR),
    ("timestamp-to-date", of_column("paid_at", logical_type="date", physical_type="DATE"), "type_changed", NEITHER, MAJOR),
    ("same-type-read-otherwise", of_column("number", logical_type="number"), "type_changed", NEITHER, MAJOR),
    ("type-spelled-otherwise", of_column("customer", physical_type="TEXT"), "type_respelled", FULL, PATCH),
    ("made-required", of_column("customer", required=True), "made_required", FORTH, MAJOR),
    ("made-nullable", of_column("order_date", required=False), "made_nullable", BACK, MAJOR),
    ("unit-changed", of_column("amount", unit="USD"), "unit_changed", NEITHER, MAJOR),
    ("unit-said", of_column("weight", unit="kg"), "unit_said", FULL, MINOR),
    ("unit-removed", of_column("amount", unit=None), "unit_removed", NEITHER, MAJOR),
    ("other-source", of_column("customer", source="email"), "source_changed", NEITHER, MAJOR),
    ("other-expression", of_column("weight", expression="amount * 3"), "source_changed", NEITHER, MAJOR),
    ("text-format", of_column("paid_at", format="%d.%m.%Y"), "text_format_changed", FORTH, MAJOR),
    ("text-zone", of_column("paid_at", source_zone="Europe/Berlin"), "text_zone_changed", NEITHER, MAJOR),
    ("made-from-others", of_column("order_date", sources=("day",)), "sources_changed", FULL, MINOR),
    ("column-reworded", of_column("customer", description="Who ordered."), "reworded", FULL, PATCH),
    # privacy
    ("classified-higher", of_column("state", classification="restricted"), "classification_raised", BACK, MAJOR),
    ("classified-lower", of_column("email", classification="public"), "classification_lowered", FULL, MINOR),
    ("classified-no-more", of_column("email", classification=""), "classification_lowered", FULL, MINOR),
    ("classified-side-by-side", of_column("email", classification="confidential"), "classification_changed", BACK, MAJOR),
    ("classified-in-own-words", of_column("email", classification="tlp:amber"), "classification_changed", BACK, MAJOR),
    ("masked", of_column("customer", masking=Masking(MaskingMethod.TOKENIZE)), "masking_added", NEITHER, MAJOR),
    ("unmasked", of_column("email", masking=None), "masking_removed", NEITHER, MAJOR),
    ("more-letters-shown", of_column("email", masking=Masking(MaskingMethod.TRUNCATE, keep=5)), "masking_loosened", NEITHER, MAJOR),
    ("fewer-letters-shown", of_column("email", masking=Masking(MaskingMethod.TRUNCATE, keep=1)), "masking_tightened", NEITHER, MAJOR),
    ("nullified-instead", of_column("email", masking=Masking(MaskingMethod.NULLIFY)), "masking_tightened", NEITHER, MAJOR),
    ("generalized-instead", of_column("email", masking=Masking(MaskingMethod.GENERALIZE, to=10)), "masking_changed", NEITHER, MAJOR),
    ("other-subject", of_column("email", subject="employee"), "subject_changed", FULL, MINOR),
    ("no-subject", of_column("email", subject=None), "subject_changed", FULL, MINOR),
    # deprecation
    ("column-deprecated", of_column("customer", deprecated=Deprecation("1.5.0")), "deprecated", FULL, MINOR),
    ("stays-longer", of_column("note", deprecated=Deprecation("1.3.0", NEXT_YEAR, "state")), "deprecation_extended", FULL, MINOR),
    ("stays-without-end", of_column("note", deprecated=Deprecation("1.3.0", None, "state")), "deprecation_extended", FULL, MINOR),
    ("goes-sooner", of_column("note", deprecated=Deprecation("1.3.0", SOONER, "state")), "deprecation_shortened", BACK, MAJOR),
    ("use-another", of_column("note", deprecated=Deprecation("1.3.0", LATER, "customer")), "deprecation_reworded", FULL, PATCH),
    ("deprecated-since", of_column("note", deprecated=Deprecation("1.2.0", LATER, "state")), "deprecation_reworded", FULL, PATCH),
    ("not-deprecated", of_column("note", deprecated=None), "deprecation_withdrawn", FULL, MINOR),
    ("dataset-deprecated", of_contract(deprecated=Deprecation("1.5.0")), "deprecated", FULL, MINOR),
    # key
    ("other-key", of_contract(key=("number", "customer")), "key_changed", NEITHER, MAJOR),
    ("no-key", of_contract(key=()), "key_changed", NEITHER, MAJOR),
    # rules about rows
    ("minimum-raised", of_rule("amount_minimum", argument=2), "rule_tightened", FORTH, MAJOR),
    ("minimum-lowered", of_rule("amount_minimum", argument=0), "rule_loosened", BACK, MAJOR),
    ("maximum-raised", of_rule("amount_maximum", argument=200), "rule_loosened", BACK, MAJOR),
    ("maximum-lowered", of_rule("amount_maximum", argument=99), "rule_tightened", FORTH, MAJOR),
    ("bound-of-another-type", of_rule("amount_maximum", argument=date(2024, 1, 1)), "rule_changed", NEITHER, MAJOR),
    ("longer-text", of_rule("note_length", argument=(2, None)), "rule_loosened", BACK, MAJOR),
    ("shorter-text", of_rule("note_length", argument=(2, 4)), "rule_tightened", FORTH, MAJOR),
    ("text-of-another-length", of_rule("note_length", argument=(3, 9)), "rule_changed", NEITHER, MAJOR),
    ("enum-value-added", of_rule("state_enum", argument=("open", "paid", "sent")), "rule_loosened", BACK, MAJOR),
    ("enum-value-removed", of_rule("state_enum", argument=("open",)), "rule_tightened", FORTH, MAJOR),
    ("enum-value-replaced", of_rule("state_enum", argument=("open", "sent")), "rule_changed", NEITHER, MAJOR),
    ("enum-in-another-order", of_rule("state_enum", argument=("paid", "open")), "rule_reworded", FULL, PATCH),
    ("pattern", of_rule("email_pattern", argument="@example"), "rule_changed", NEITHER, MAJOR),
    ("reference", of_rule("customer_known", argument=("clients", "customer")), "rule_changed", NEITHER, MAJOR),
    ("reference-of-several-columns", of_rule("customer_known", columns=("customer", "state")), "rule_changed", NEITHER, MAJOR),
    ("expression", of_rule("paid_has_amount", argument="amount > 0"), "rule_changed", NEITHER, MAJOR),
    ("rule-of-another-column", of_rule("email_pattern", column="customer"), "rule_changed", NEITHER, MAJOR),
    ("rule-of-another-kind", of_rule("email_pattern", kind=Kind.EXPRESSION), "rule_changed", NEITHER, MAJOR),
    ("rule-added", with_rule(Rule("positive", Kind.EXPRESSION, ERROR, "x", None, "amount > 0")), "rule_added", FORTH, MAJOR),
    ("rule-removed", without_rule("amount_maximum"), "rule_removed", BACK, MAJOR),
    ("rule-renamed", of_rule("paid_has_amount", name="paid_orders_have_amounts"), "rule_renamed", FULL, MINOR),
    ("rule-reworded", of_rule("customer_known", description="Known."), "rule_reworded", FULL, PATCH),
    ("rule-now-warns", of_rule("customer_known", severity=WARNING), "rule_severity_lowered", BACK, MAJOR),
    ("warning-now-rejects", of_rule("amount_is_usual", severity=ERROR), "rule_severity_raised", FORTH, MAJOR),
    ("warning-changed", of_rule("amount_is_usual", argument="amount < 40"), "warning_changed", FULL, MINOR),
    ("warning-added", with_rule(Rule("small", Kind.EXPRESSION, WARNING, "x", None, "amount < 9")), "warning_changed", FULL, MINOR),
    ("warning-removed", without_rule("amount_is_usual"), "warning_changed", FULL, MINOR),
    ("rules-reordered", lambda c: replace(c, rules=(*c.rules[:-2], c.rules[-1], c.rules[-2])), "rules_reordered", FULL, MINOR),
    # rules about partitions
    ("more-rows", of_rule("some_rows", bound=10), "rule_tightened", FORTH, MAJOR),
    ("any-rows", of_rule("some_rows", operator="mustBeGreaterOrEqualTo"), "rule_loosened", BACK, MAJOR),
    ("rows-between", of_rule("some_rows", operator="mustBeBetween", bound=(0, 9)), "rule_tightened", FORTH, MAJOR),
    ("rows-not-between", of_rule("some_rows", operator="mustNotBeBetween", bound=(0, 9)), "rule_changed", NEITHER, MAJOR),
    ("rows-exactly", of_rule("some_rows", operator="mustBe", bound=3), "rule_tightened", FORTH, MAJOR),
    ("another-metric", of_rule("states", metric="missingValues"), "rule_changed", NEITHER, MAJOR),
    ("another-argument", of_rule("states", argument=("NA",)), "rule_changed", NEITHER, MAJOR),
    ("another-measured-column", of_rule("states", column="customer"), "rule_changed", NEITHER, MAJOR),
    ("rows-not-percent", of_rule("states", unit="rows"), "rule_changed", NEITHER, MAJOR),
    ("partition-warning-changed", of_rule("few_rows", bound=10), "warning_changed", FULL, MINOR),
    ("partition-rule-added", with_rule(DatasetRule("x", "rowCount", "mustBe", 1, ERROR, "x")), "rule_added", FORTH, MAJOR),
    ("partition-rule-now-warns", of_rule("some_rows", severity=WARNING), "rule_severity_lowered", BACK, MAJOR),
    ("partition-rule-reworded", of_rule("some_rows", description="Rows."), "rule_reworded", FULL, PATCH),
    ("partition-rule-removed", without_rule("some_rows"), "rule_removed", BACK, MAJOR),
    ("fewer-rejects", of_contract(rejected_share_below=0.05), "completeness_tightened", FORTH, MAJOR),
    ("more-rejects", of_contract(rejected_share_below=0.5), "completeness_loosened", BACK, MAJOR),
    ("any-rejects", of_contract(rejected_share_below=None), "completeness_loosened", BACK, MAJOR),
    # time
    ("event-time", within("event_time", expression="paid"), "event_time_changed", NEITHER, MAJOR),
    ("event-zone", within("event_time", zone="UTC"), "event_time_changed", NEITHER, MAJOR),
    ("event-source-zone", within("event_time", source_zone="Europe/Berlin"), "event_time_changed", NEITHER, MAJOR),
    ("event-format", within("event_time", format="%d.%m.%Y"), "event_format_changed", FORTH, MAJOR),
    ("no-event-time", of_contract(event_time=None), "event_time_changed", NEITHER, MAJOR),
    ("grain", within("partitioning", grain=Grain.MONTH), "partitioning_changed", NEITHER, MAJOR),
    ("partition-column", within("partitioning", column="paid_at"), "partitioning_changed", NEITHER, MAJOR),
    ("starts-earlier", within("partitioning", start=date(2023, 1, 1)), "range_extended", FULL, MINOR),
    ("starts-later", within("partitioning", start=date(2025, 1, 1)), "range_cut", BACK, MAJOR),
    ("ends-later", within("partitioning", end=None), "range_extended", FULL, MINOR),
    ("ends-earlier", within("partitioning", end=date(2025, 1, 1)), "range_cut", BACK, MAJOR),
    ("arrival-grain", within("arrival", grain=Grain.MONTH), "arrival_changed", NEITHER, MAJOR),
    ("arrival-start", within("arrival", start=date(2025, 1, 1)), "arrival_range_changed", FULL, MINOR),
    ("arrival-end", within("arrival", end=None), "arrival_range_changed", FULL, MINOR),
    ("later", of_contract(lateness=5), "lateness_raised", BACK, MAJOR),
    ("today-too", of_contract(include_current=True), "current_included", BACK, MAJOR),
    ("less-late", of_contract(lateness=0), "lateness_lowered", FULL, MINOR),
    # promises
    ("deadline-later", of_contract(schedule="0 9 * * *"), "freshness_weakened", BACK, MAJOR),
    ("deadline-earlier", of_contract(schedule="30 5 * * *"), "freshness_strengthened", FULL, MINOR),
    ("deadline-of-another-kind", of_contract(schedule="0 6 * * 1"), "freshness_weakened", BACK, MAJOR),
    ("no-deadline", of_contract(schedule=None), "freshness_weakened", BACK, MAJOR),
    ("older-data", of_contract(freshness=timedelta(hours=48)), "freshness_weakened", BACK, MAJOR),
    ("fresher-data", of_contract(freshness=timedelta(hours=12)), "freshness_strengthened", FULL, MINOR),
    ("no-freshness", of_contract(freshness=None), "freshness_weakened", BACK, MAJOR),
    ("freshness-by-another-column", of_contract(freshness_column="paid_at"), "freshness_weakened", BACK, MAJOR),
    ("kept-shorter", of_contract(retention=timedelta(days=30)), "retention_shortened", BACK, MAJOR),
    ("kept-longer", of_contract(retention=timedelta(days=999)), "retention_extended", FULL, MINOR),
    ("kept-for-ever", of_contract(retention=None), "retention_extended", FULL, MINOR),
    ("end-of-life-sooner", within("lifecycle", end_of_life=SOONER), "life_shortened", BACK, MAJOR),
    ("end-of-support-later", within("lifecycle", end_of_support=NEXT_YEAR), "life_extended", FULL, MINOR),
    ("available-later", within("lifecycle", general_availability=date(2025, 1, 1)), "life_shortened", BACK, MAJOR),
    ("status-deprecated", of_contract(status="deprecated"), "status_deprecated", FULL, MINOR),
    ("status-retired", of_contract(status="retired"), "status_withdrawn", BACK, MAJOR),
    ("status-draft", of_contract(status="draft"), "status_withdrawn", BACK, MAJOR),
    # what lands
    ("path", within("source", path="new/orders_{arrival:yyyy-MM-dd}.csv"), "path_changed", FULL, MINOR),
    ("landing-format", within("source", format="jsonl"), "landing_format_changed", FULL, MINOR),
    ("encoding", within("source", encoding="ISO-8859-1"), "encoding_changed", FORTH, MAJOR),
    ("null-value-added", within("source", null_values=("NA", "")), "null_values_changed", NEITHER, MAJOR),
    *((name, within("source", dialect=Dialect(**{name: value})), "dialect_changed", FULL, MINOR) for name, value in DIALECT.items()),
    *((name, within("source", dialect=Dialect(**{name: value})), "number_spelling_changed", NEITHER, MAJOR) for name, value in NUMBERS.items()),
    ("other-rows", within("source", explode="note"), "landing_rows_changed", NEITHER, MAJOR),
    ("path-added", all_of(landing(**{"note.x": False}), within("source", paths=("note.x",))), "landing_path_changed", FULL, MINOR),
    ("largest-file", within("source", most_bytes=5), "landing_limit_changed", FULL, MINOR),
    ("landing-column-added", landing(gift=False), "landing_column_added", FULL, MINOR),
    ("optional-landing-column-added", landing(gift=True), "optional_landing_column_added", FULL, MINOR),
    ("landing-column-removed", landing(state=None), "landing_column_removed", FULL, MINOR),
    ("landing-column-made-optional", landing(state=True), "landing_column_made_optional", FULL, MINOR),
    ("landing-column-made-required", landing(note=False), "landing_column_made_required", FULL, MINOR),
    ("landing-class", unclassified, "landing_classification_changed", FULL, MINOR),
    ("landing-reworded", within("source", description="Files."), "reworded", FULL, PATCH),
    ("landing-column-reworded", within("source", column_descriptions=("",) * 7), "reworded", FULL, PATCH),
    ("transform", of_contract(transform="shop:conform"), "transform_changed", NEITHER, MAJOR),
    # the dataset
    ("dataset-renamed", of_contract(dataset="sales"), "dataset_renamed", NEITHER, MAJOR),
    ("reworded", of_contract(description="All orders."), "reworded", FULL, PATCH),
    ("domain", of_contract(domain="shop"), "reworded", FULL, PATCH),
    ("purpose", within("about", purpose="Reporting."), "reworded", FULL, PATCH),
    ("owner", of_contract(owner="shop@example.org"), "owner_changed", FULL, PATCH),
    ("granularity-with-a-key", of_contract(granularity="an order"), "reworded", FULL, PATCH),
    ("words-that-assay-does-not-read", of_contract(digest="2"), "reworded", FULL, PATCH),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "kind", "compatibility", "bump"), [pytest.param(*case[1:], id=case[0]) for case in CASES])
def test_one_change_is_of_one_kind_with_one_verdict(edit: Edit, kind: str, compatibility: str, bump: Bump) -> None:
    comparison = compare(ORDERS, edit(ORDERS), TODAY)
    assert [(change.kind, str(change.compatibility)) for change in comparison.changes] == [(kind, compatibility)]
    assert (comparison.compatibility, comparison.required) == (compatibility, bump)
    assert comparison.complaint, "the version did not change"


def test_a_contract_is_equal_to_itself() -> None:
    comparison = compare(ORDERS, ORDERS, TODAY)
    assert (comparison.changes, comparison.required, comparison.complaint) == ((), Bump.NONE, None)
