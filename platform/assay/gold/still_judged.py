"""What of an older major version the rules of the highest one judge already: what has not changed is tested once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compile import arrow_type
from assay.contracts.model import DatasetRule, Kind, Rule
from assay.contracts.sql import columns_in

if TYPE_CHECKING:
    from collections.abc import Set

    from assay.contracts.gold import GoldContract

WORDS = {"name", "description"}


def is_judged(rule: Rule | DatasetRule, older: GoldContract, current: GoldContract) -> bool:
    """Whether the highest version promises the same of the same columns."""
    names = [column.name for column in older.columns]
    others: tuple[Rule | DatasetRule, ...] = (*current.rules, *current.dataset_rules)
    return _columns(rule, names) <= unchanged(older, current) and any(_promise(rule) == _promise(other) for other in others)


def unchanged(older: GoldContract, current: GoldContract) -> set[str]:
    """The columns that both versions have with one name, type and meaning."""
    theirs = {column.name: arrow_type(column) for column in current.columns}
    return {
        column.name
        for column in older.columns
        if column.expression is None and column.sources in {(), (column.name,)} and theirs.get(column.name) == arrow_type(column)
    }


def _promise(rule: Rule | DatasetRule) -> tuple[object, ...]:
    return (type(rule), *(getattr(rule, name) for name in type(rule).__dataclass_fields__ if name not in WORDS))


def _columns(rule: Rule | DatasetRule, names: list[str]) -> Set[str]:
    """The columns that a rule looks at."""
    found = {rule.column} if rule.column else set[str]()
    if isinstance(rule, Rule):
        said = (str(rule.argument),) if rule.kind is Kind.EXPRESSION else ()
        found |= set(rule.columns)
    elif rule.metric == "sql":
        said = tuple(part for part in rule.argument if part)
    else:
        said = ()
        found |= set(rule.argument or ()) if rule.metric == "duplicateValues" else set()
    return found | {name for sql in said for name in columns_in(sql, names)}
