"""A contract made by hand, which uses every field, and ways to change one thing of it. Shared by the tests of evolution."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from assay.contracts.model.about import About, Deprecation, Lifecycle
from assay.contracts.model.contract import (
    Column,
    Contract,
    DatasetRule,
    EventTime,
    Grain,
    Kind,
    Masking,
    MaskingMethod,
    Partitioning,
    Rule,
    Severity,
)
from assay.contracts.model.landing_source import LandingSource

if TYPE_CHECKING:
    from collections.abc import Callable

    Edit = Callable[[Any], Any]

ERROR, WARNING = Severity.ERROR, Severity.WARNING
TODAY, LATER = date(2026, 6, 1), date(2027, 1, 1)


def make(name: str, kind: str = "string", physical: str = "", /, **fields: Any) -> Column:
    """A column that is read from the landing column of its name."""
    wanted = {"required": False, "description": f"The {name}.", "classification": "internal", "source": name, "sources": (name,)} | fields
    return Column(name, kind, physical, **wanted)


ORDERS = Contract(
    dataset="orders", version="1.4.2", status="active", domain="sales", description="Orders.", granularity="one row per order",
    owner="sales@example.org",
    source=LandingSource(
        "orders/orders_{arrival:yyyy-MM-dd}.csv", "csv", "UTF-8", ("day", "number", "customer", "amount", "state", "email", "note"),
        ("NA",), "What the shop sends.", ("", "", "", "", "", "", "A note."), ("note",), ("", "", "", "", "", "personal", ""),
    ),
    columns=(
        make("order_date", "date", "DATE", required=True, source=None, sources=()),
        make("number", "integer", "INTEGER", required=True),
        make("customer"),
        make("amount", "number", "DECIMAL(9, 2)", unit="EUR"),
        make("weight", "number", "DOUBLE", source=None, expression="amount * 2", sources=()),
        make("state", classification="public"),
        make("email", classification="personal", masking=Masking(MaskingMethod.TRUNCATE, keep=2), subject="customer"),
        make("paid_at", "timestamp", "TIMESTAMP", source="day", sources=("day",), format="%Y-%m-%d"),
        make("note", deprecated=Deprecation("1.3.0", LATER, "state")),
    ),
    key=("number",),
    rules=(
        Rule("number_type", Kind.TYPE, ERROR, "", "number"),
        Rule("number_required", Kind.REQUIRED, ERROR, "", "number"),
        Rule("amount_minimum", Kind.MINIMUM, ERROR, "amount is at least 1.", "amount", 1),
        Rule("amount_maximum", Kind.MAXIMUM, ERROR, "amount is at most 100.", "amount", 100),
        Rule("note_length", Kind.LENGTH, ERROR, "note has 2 to 5 characters.", "note", (2, 5)),
        Rule("state_enum", Kind.ENUM, ERROR, "state is one of open, paid.", "state", ("open", "paid")),
        Rule("email_pattern", Kind.PATTERN, ERROR, "email matches @.", "email", "@"),
        Rule("customer_known", Kind.REFERENCE, ERROR, "The customer is known.", "customer", ("customers", "customer")),
        Rule("paid_has_amount", Kind.EXPRESSION, ERROR, "A paid order has an amount.", None, "state <> 'paid' OR amount IS NOT NULL"),
        Rule("amount_is_usual", Kind.EXPRESSION, WARNING, "Few are above 50.", "amount", "amount < 50"),
    ),
    dataset_rules=(
        DatasetRule("some_rows", "rowCount", "mustBeGreaterThan", 0, ERROR, "A day has orders."),
        DatasetRule("few_rows", "rowCount", "mustBeLessThan", 1000, WARNING, "A day has few orders."),
        DatasetRule("states", "nullValues", "mustBeLessOrEqualTo", 5, ERROR, "Few lack a state.", "state", None, "percent"),
    ),
    partitioning=Partitioning(Grain.DAY, date(2024, 1, 1), date(2026, 1, 1), "order_date"),
    arrival=Partitioning(Grain.DAY, date(2024, 1, 1), date(2026, 2, 1)), lateness=3,
    event_time=EventTime("day", "%Y-%m-%d", "UTC", "Europe/Berlin"), transform=None, rejected_share_below=0.1, schedule="0 6 * * *",
    path="orders.odcs.yaml", digest="1", freshness=timedelta(hours=24), freshness_column="order_date", retention=timedelta(days=365),
    lifecycle=Lifecycle(date(2024, 1, 1), LATER, LATER), deprecated=None, about=About(purpose="To know what was ordered."),
)  # fmt: skip


def of_contract(**fields: Any) -> Edit:
    """Change fields of the contract itself."""
    return lambda contract: replace(contract, **fields)


def of_column(name: str, /, **fields: Any) -> Edit:
    """Change fields of one column."""
    return lambda contract: replace(contract, columns=tuple(replace(c, **fields) if c.name == name else c for c in contract.columns))


def of_rule(name: str, /, **fields: Any) -> Edit:
    """Change fields of one rule, about rows or about partitions."""

    def edit(contract: Contract) -> Contract:
        rules = tuple(replace(rule, **fields) if rule.name == name else rule for rule in contract.rules)
        others = tuple(replace(rule, **fields) if rule.name == name else rule for rule in contract.dataset_rules)
        return replace(contract, rules=rules, dataset_rules=others)

    return edit


def within(part: str, **fields: Any) -> Edit:
    """Change fields of a part: source, event_time, partitioning, arrival, lifecycle, about. A part that was taken away stays away."""

    def edit(contract: Contract) -> Contract:
        found = getattr(contract, part)
        return contract if found is None else replace(contract, **{part: replace(found, **fields)})

    return edit


def unclassified(contract: Contract) -> Contract:
    """An edit: no landing column is classified any more, however many there are."""
    return replace(contract, source=replace(contract.source, classifications=("",) * len(contract.source.columns)))


def without_column(name: str) -> Edit:
    """Take a column away, with its rules."""
    return lambda contract: replace(
        contract,
        columns=tuple(column for column in contract.columns if column.name != name),
        rules=tuple(rule for rule in contract.rules if rule.column != name),
        dataset_rules=tuple(rule for rule in contract.dataset_rules if rule.column != name),
    )


def with_column(column: Column) -> Edit:
    """Add a column at the end."""
    return lambda contract: replace(contract, columns=(*contract.columns, column))


def without_rule(name: str) -> Edit:
    """Take a rule away."""
    return lambda contract: replace(
        contract,
        rules=tuple(rule for rule in contract.rules if rule.name != name),
        dataset_rules=tuple(rule for rule in contract.dataset_rules if rule.name != name),
    )


def with_rule(rule: Rule | DatasetRule) -> Edit:
    """Add a rule at the end."""
    if isinstance(rule, Rule):
        return lambda contract: replace(contract, rules=(*contract.rules, rule))
    return lambda contract: replace(contract, dataset_rules=(*contract.dataset_rules, rule))


def landing(**columns: bool | None) -> Edit:
    """Add landing columns: optional if True, mandatory if False; None takes one away."""

    def edit(contract: Contract) -> Contract:
        source = contract.source
        kept = [name for name in source.columns if columns.get(name, True) is not None]
        added = [name for name, optional in columns.items() if optional is not None and name not in kept]
        optional = {*source.optional, *(name for name, is_optional in columns.items() if is_optional)}
        optional -= {name for name, is_optional in columns.items() if not is_optional}
        texts = dict(zip(source.columns, source.classifications, strict=True))
        said = dict(zip(source.columns, source.column_descriptions, strict=True))
        names = (*kept, *added)
        changed = replace(
            source, columns=names, optional=tuple(sorted(optional)), classifications=tuple(texts.get(name, "") for name in names),
            column_descriptions=tuple(said.get(name, "") for name in names),
        )  # fmt: skip
        return replace(contract, source=changed)

    return edit


def all_of(*edits: Edit) -> Edit:
    """One edit after the other."""

    def edit(contract: Contract) -> Contract:
        for one in edits:
            contract = one(contract)
        return contract

    return edit
