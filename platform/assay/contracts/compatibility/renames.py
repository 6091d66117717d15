"""A contract as it would read after its columns were renamed, so that a renaming is reported once and not for every rule that names it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from assay.contracts.language.sql import NotReadable, tokens
from assay.contracts.model.contract import Kind
from assay.contracts.model.gold_contract import GoldContract

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.model.contract import Published, Rule

    P = TypeVar("P", bound=Published)


def after_renames(contract: P, renames: Mapping[str, str]) -> P:
    """The same contract with other column names in its key, its partitions, its time, its freshness and the SQL of its rules about rows."""
    if not renames:
        return contract
    column, fresh = contract.partitioning.column, contract.freshness_column
    if isinstance(contract, GoldContract):
        moment = contract.event_column
        contract = replace(contract, event_column=renames.get(moment, moment) if moment else None)
    return replace(
        contract, key=tuple(renames.get(name, name) for name in contract.key), rules=tuple(_rule(rule, renames) for rule in contract.rules),
        partitioning=replace(contract.partitioning, column=renames.get(column, column) if column else None),
        freshness_column=renames.get(fresh, fresh) if fresh else None,
    )  # fmt: skip


def _rule(rule: Rule, renames: Mapping[str, str]) -> Rule:
    return replace(rule, argument=_sql(rule.argument, renames)) if rule.kind is Kind.EXPRESSION else rule


def _sql(text: str, renames: Mapping[str, str]) -> str:
    try:
        found = tokens(text)
    except NotReadable:
        return text
    for token in reversed(found):
        if token.kind in {"word", "quoted"} and token.name in renames:
            text = text[: token.start] + renames[token.name] + text[token.start + len(token.text) :]
    return text
