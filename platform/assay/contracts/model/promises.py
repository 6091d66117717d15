"""What a rule says, whatever it is called: its promise without its words, the columns that it looks at, what it may show of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.language.sql import columns_in
from assay.contracts.model.contract import DatasetRule, Kind, Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Set

WORDS = {"name", "description"}


def promise_of(rule: Rule | DatasetRule) -> tuple[object, ...]:
    """What a rule says, without its name and its words: two rules of one promise are kept and broken together."""
    return (type(rule), *(getattr(rule, name) for name in type(rule).__dataclass_fields__ if name not in WORDS))


def columns_of(rule: Rule | DatasetRule, known: Collection[str]) -> Set[str]:
    """The columns that a rule looks at; `known` tells those of its SQL from SQL's own words."""
    several = rule.columns if isinstance(rule, Rule) else (rule.argument or ()) if rule.metric == "duplicateValues" else ()
    return {*([rule.column] if rule.column else []), *several, *_in_sql(rule, known)}


def looks_at(rule: Rule, names: Set[str]) -> bool:
    """Whether a rule about rows looks at one of some columns, so that what it finds may be a value of theirs."""
    return not names.isdisjoint(columns_of(rule, names))


def measures(rule: DatasetRule, names: Set[str]) -> bool:
    """Whether what a rule about a partition measures may be a value of one of some columns; a number of rows never is."""
    return not names.isdisjoint(_in_sql(rule, names))


def _in_sql(rule: Rule | DatasetRule, known: Collection[str]) -> Set[str]:
    if isinstance(rule, Rule):
        said = (str(rule.argument),) if rule.kind is Kind.EXPRESSION else ()
    else:
        said = tuple(part for part in rule.argument if part) if rule.metric == "sql" else ()
    return {name for sql in said for name in columns_in(sql, known)}
