"""Redundant tests: rules of an older major version that those of the highest one judge already. What has not changed is tested once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import arrow_type
from assay.contracts.model.promises import columns_of, promise_of

if TYPE_CHECKING:
    from assay.contracts.model.contract import DatasetRule, Rule
    from assay.contracts.model.gold_contract import GoldContract


def is_redundant(rule: Rule | DatasetRule, older: GoldContract, current: GoldContract) -> bool:
    """Whether the highest version promises the same of the same columns."""
    names = [column.name for column in older.columns]
    others: tuple[Rule | DatasetRule, ...] = (*current.rules, *current.dataset_rules)
    return columns_of(rule, names) <= unchanged(older, current) and any(promise_of(rule) == promise_of(other) for other in others)


def unchanged(older: GoldContract, current: GoldContract) -> set[str]:
    """The columns that both versions have with one name, type and meaning."""
    theirs = {column.name: arrow_type(column) for column in current.columns}
    return {
        column.name
        for column in older.columns
        if column.expression is None and column.sources in {(), (column.name,)} and theirs.get(column.name) == arrow_type(column)
    }
