"""Which landing columns decide a published column or a rule, and what is proposed for each of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from assay.contracts.language.paths import read_path
from assay.contracts.language.sql import columns_in
from assay.contracts.model.contract import Kind
from assay.ingest.unpartitioned import BEFORE_END, FROM_START, READABLE
from assay.testing.timestamps import event_columns, event_texts
from assay.testing.values import GUESSES, Proposals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.contracts.model.contract import Column, Contract, Rule

    Texts = Mapping[str, str | None]

OF_EVENTS = (READABLE, FROM_START, BEFORE_END)  # the rules that no contract names: a row belongs to a partition


def leaves(contract: Contract) -> list[str]:
    """The landing columns that hold a value of their own: not those that other columns are paths into."""
    source = contract.source
    roots = {path.root for name in source.paths if (path := read_path(name, source.file_columns))}
    return [name for name in source.columns if name not in roots]


def landing_of(contract: Contract, column: Column) -> tuple[str, ...]:
    """The landing columns that a published column is made from."""
    if column.name == contract.partitioning.column:
        return event_columns(contract)
    if column.expression:
        return columns_in(column.expression, contract.source.columns)
    return (column.source,) if column.source else column.sources


def landing_of_rule(contract: Contract, rule: Rule) -> tuple[str, ...]:
    """The landing columns that decide whether a row keeps a rule."""
    known = {column.name: column for column in contract.columns}
    names = rule.columns or ((rule.column,) if rule.column else ())
    if rule.kind is Kind.EXPRESSION:
        names = (*names, *columns_in(rule.argument, [*known, *contract.source.columns]))
    found = (landing_of(contract, known[name]) if name in known else (name,) for name in names)
    return tuple(dict.fromkeys(name for some in found for name in some))


@dataclass(frozen=True)
class Pools:
    """For the landing columns of a contract what may keep it: `good`, by column; `events` are drawn as they are, for all their columns."""

    proposals: Proposals
    good: dict[str, list[str | None]] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, proposals: Proposals) -> Pools:
        """What is proposed for each column by what is published from it, and what conditions say of that."""
        contract = proposals.contract
        made = cls(proposals, events=event_texts(contract, proposals.days, proposals.random))
        for name in leaves(contract):
            readers = [column for column in contract.columns if name in landing_of(contract, column)]
            casts = [column for column in readers if column.source == name and not column.expression]
            made.good[name] = [text for column in casts for text in made.keeping(column)] or made.guesses(name, readers)
        return made

    def keeping(self, column: Column) -> list[str | None]:
        """What may keep all that is said of a column, conditions too."""
        good = self.proposals.keeping(column)
        conditions = [rule.argument for rule in self.proposals.contract.rules if rule.kind is Kind.EXPRESSION]
        said = [one for one in conditions if column.name in columns_in(one, [column.name])]
        return good + [text for one in said for text in self.proposals.mentioned(column, one)]

    def guesses(self, name: str, readers: Sequence[Column]) -> list[str | None]:
        """For a landing column that an expression or a transform reads: what is published from it, as text, and this and that."""
        found = [*GUESSES, *(text for column in readers for text in self.keeping(column))]
        return [*found, *[None] * (len(found) // 6)] if self.proposals.may_lack(name) else found

    def breaking(self, rule: Rule) -> dict[str, list[str | None]]:
        """What may break a rule, by landing column."""
        contract = self.proposals.contract
        found: dict[str, list[str | None]] = {name: list(self.good.get(name, ())) for name in landing_of_rule(contract, rule)}
        for column in contract.columns:
            for name in set(landing_of(contract, column)) & found.keys():
                if rule.column == column.name:
                    found[name] = self.proposals.breaking(column, rule) + found[name] * (rule.kind is not Kind.REQUIRED)
                elif rule.kind in (Kind.EXPRESSION, Kind.REFERENCE):
                    found[name] += self.proposals.breaking(column, rule)
        return found

    def outside(self, rule: str) -> list[dict[str, str]]:
        """What the event time's columns hold for rows of no partition, by the rule that says why."""
        contract, span = self.proposals.contract, self.proposals.contract.partitioning
        if rule == READABLE:
            return [dict.fromkeys(event_columns(contract), text) for text in ("", "no date", "2000-13-45")]
        before = [span.start - timedelta(days=many) for many in (1, 40, 400)] if span.start else []
        after = [span.end + timedelta(days=many) for many in (0, 40, 400)] if span.end else []
        open_ended = replace(contract, partitioning=replace(span, start=None, end=None))
        return event_texts(open_ended, before if rule == FROM_START else after, self.proposals.random)
