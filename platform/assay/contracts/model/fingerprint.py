"""What of a contract decides which rows are published, and how: the part of a partition's fingerprint that the contract gives.

A field that older contracts do not use is left out where it is not used: adding one must not make every published partition outdated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.model.key_scope import has_table_key
from assay.contracts.model.optional_columns import read_columns_left, rules_left
from assay.contracts.model.sensitivity import is_keyed, sensitive_landing_columns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.contracts.model.contract import Column, Contract, DatasetRule, Rule

Terms = tuple[object, ...]


def published_terms(contract: Contract, absent: frozenset[str] = frozenset()) -> Terms:
    """Everything that decides which rows are published from files that lack the `absent` of the optional landing columns."""
    columns, rules = columns_terms(read_columns_left(contract, absent)), rules_terms(rules_left(contract, absent))
    promises = (columns, contract.key, rules, dataset_rules_terms(contract.dataset_rules))
    numbers = contract.source.dialect.numbers_meaning
    scope = (("keyScope", contract.key_scope),) if has_table_key(contract) else ()
    return (*landing_terms(contract, absent), *promises, contract.transform, contract.rejected_share_below, *numbers, *scope)


def landing_terms(contract: Contract, absent: frozenset[str] = frozenset()) -> Terms:
    """Everything that decides which rows are in bronze, from such files, and what of the rejected ones may be shown."""
    source, columns = contract.source, tuple(name for name in contract.source.columns if name not in absent)
    hidden = [sensitive] if (sensitive := tuple(sensitive_landing_columns(contract))) else []
    spelled = (*source.dialect.rows_meaning, *([("explode", source.explode)] if source.explode else ()))
    return (source.format, source.encoding, columns, source.null_values, contract.event_time, contract.partitioning, *hidden, *spelled)


def columns_terms(columns: Iterable[Column]) -> Terms:
    """How each column is read and masked."""
    return tuple(_column(column) for column in columns)


def _column(column: Column) -> Terms:
    clock = (column.source_zone,) if column.source_zone else ()
    typed = (column.name, column.logical_type, column.physical_type, column.required)
    read, masking = (*typed, column.source, column.expression, column.format, *clock), column.masking
    if masking is None:
        return read
    told = (column.subject,) if is_keyed(masking) and column.subject else ()  # a token is that of its kind of person
    return (*read, (masking.method, masking.keep, masking.to, *told))


def rules_terms(rules: Iterable[Rule]) -> Terms:
    """What each rule about a row looks at."""
    return tuple((rule.name, rule.kind, rule.severity, rule.column, rule.argument, *_of_several(rule)) for rule in rules)


def _of_several(rule: Rule) -> list[Terms]:
    return [rule.columns] if rule.columns else []


def dataset_rules_terms(rules: Iterable[DatasetRule]) -> Terms:
    """What each rule about a whole partition measures, and what it must be."""
    return tuple(_dataset_rule(rule) for rule in rules)


def _dataset_rule(rule: DatasetRule) -> Terms:
    common = (rule.name, rule.metric, rule.operator, rule.bound, rule.severity)
    special = (rule.column, rule.argument, rule.unit)
    return common if special == (None, None, "rows") else (*common, *special)
