"""The search for rows: values are drawn, the engine's own judge says what a row breaks, and what decides that is drawn anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from random import Random
from typing import TYPE_CHECKING, Any

from assay.cached_property import cached_property
from assay.contracts.model.contract import Kind, Severity
from assay.contracts.model.key_scope import has_table_key
from assay.errors import PermanentFailure
from assay.refine.reasons import INDEX
from assay.testing.columns import OF_EVENTS, Pools, landing_of, landing_of_rule, leaves
from assay.testing.judging import broken_rules
from assay.testing.timestamps import event_columns, usual_days
from assay.testing.values import Proposals

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from assay.contracts.model.contract import Contract, Rule
    from assay.testing.judging import Known, Row

Made = dict[str, Any]
ROUNDS, FIRST_TRIES, TRIES, BREAKS, SPARE, ALIKE, AGAIN, FEWEST = 40, 2, 6, 8, 8, 0.2, 0.5, 8


class NoRowFound(PermanentFailure):
    """No row was found that is as a test wants it."""

    hint = "Say more of it: give the values that matter with `having`, or other `days`."


@dataclass
class Search:
    """A search for rows of one contract."""

    contract: Contract
    random: Random
    pools: Pools
    known: Known | None = None
    rules: dict[str, Rule] = field(default_factory=dict)

    @classmethod
    def begun(cls, contract: Contract, seed: int, days: Sequence[date] | None, known: Known | None) -> Search:
        """A search that is all of a seed."""
        random = Random(f"{contract.dataset} {seed}")  # noqa: S311  # the same each time
        pools = Pools.of(Proposals(contract, days or usual_days(contract), random))
        for rule in contract.references:
            _draw_known(pools, contract, rule, known or {})
        return cls(contract, random, pools, known, {rule.name: rule for rule in contract.rules})

    def completed(self, rows: Sequence[Row], *, distinct: bool) -> list[Made]:
        """Each row with what it does not say. What breaks a rule is drawn anew, as long as a row has anything that it does not say.

        `distinct` rows keep all rules and have keys of their own. Raises NoRowFound when some do not.
        """
        if not distinct and all(set(leaves(self.contract)) <= row.keys() for row in rows):
            return [dict(row) for row in rows]
        tried = {at: [self._drawn(row) for _ in range(FIRST_TRIES)] for at, row in enumerate(rows)}
        done, best, seen = dict[int, Made](), dict[int, tuple[int, int, Made]](), set[Any]()
        for _ in range(ROUNDS):
            found = self._judged([row for some in tried.values() for row in some])
            places = [at for at, some in tried.items() for _ in some]
            again: dict[int, tuple[int, Made, set[str]]] = {}
            for at, (row, broken, keys) in zip(places, found, strict=True):
                twice = [key for key in keys if key in seen] if distinct else []
                if at not in done and not broken and not twice:
                    done[at] = row
                    seen.update(keys)
                worse = len(broken) + len(twice)
                best[at] = min(best.get(at, (worse, len(broken), row)), (worse, len(broken), row), key=itemgetter(0, 1))
                names = self._concerned(broken) | {name for key in twice for name in self._landing_of(key[0])}
                again[at] = min(again.get(at, (worse, row, names)), (worse, row, names), key=itemgetter(0))
            left = {at: (row, names - rows[at].keys()) for at, (_, row, names) in again.items() if at not in done}
            tried = {at: [self._redrawn(row, names, rows[at]) for _ in range(TRIES)] for at, (row, names) in left.items() if names}
            if not tried:
                break
        if distinct and (poor := [at for at in range(len(rows)) if at not in done]):
            raise self._not_found(f"{len(rows)} rows that keep it", best[poor[0]][2], f"{len(poor)} of them do not")
        return [done.get(at) or best[at][2] for at in range(len(rows))]

    def _judged(self, rows: Sequence[Made]) -> Iterator[tuple[Made, frozenset[str], list[Any]]]:
        """Each row with the rules that it breaks, and with its keys: the names of the columns, then the values."""
        broken, typed = broken_rules(self.contract, rows, self.known)
        keys: dict[int, list[Any]] = {}
        for names in self._key_sets:
            for place, *values in typed.select(INDEX, *names).iter_rows():
                if None not in values:
                    keys.setdefault(place, []).append((names, *values))
        return ((row, broken[at], keys.get(at, [])) for at, row in enumerate(rows))

    @cached_property
    def _key_sets(self) -> list[tuple[str, ...]]:
        """The columns of which no two rows may have the same values."""
        column = self.contract.partitioning.column
        inside = [] if column is None or has_table_key(self.contract) else [column]
        sets = [tuple(dict.fromkeys([*inside, *self.contract.key]))] if self.contract.key else []
        unique = [rule for rule in self.contract.dataset_rules if rule.metric == "duplicateValues"]
        return sets + [tuple(rule.argument or [str(rule.column)]) for rule in unique]

    def _landing_of(self, names: Sequence[str]) -> set[str]:
        known = {one.name: one for one in self.contract.columns}
        return {one for name in names for one in landing_of(self.contract, known[name])}

    def breaking(self, rule: str, count: int, having: Row) -> list[Made]:
        """Rows that break one error rule alone (warnings beside it are avoided where they can be), or one warning and nothing else."""
        self._require_breakable(rule)
        said, fixed = self.rules.get(rule), dict(having)
        names = set(landing_of_rule(self.contract, said) if said else event_columns(self.contract))
        bases = self.completed([{name: value for name, value in fixed.items() if name not in names}] * (count + SPARE), distinct=True)
        draw = partial(self._worse, self.pools.breaking(said)) if said else partial(self.random.choice, self.pools.outside(rule))
        found, near = dict[int, Made](), dict[int, tuple[Made, frozenset[str]]]()
        passing = frozenset[str]()
        for number in range(ROUNDS):
            places = [at for at in range(len(bases)) if at not in found for _ in range(BREAKS)]
            tried = [self._nearer(near.get(at), names, fixed) or (bases[at] | draw() | fixed) for at in places]
            broken, _ = broken_rules(self.contract, tried, self.known)
            for at, row, rules in zip(places, tried, broken, strict=True):
                if rules - passing == {rule}:
                    found.setdefault(at, row)
                if rule in rules and (at not in near or len(rules) < len(near[at][1])):
                    near[at] = (row, rules)
            if len(found) >= count:
                return [found[at] for at in sorted(found)[:count]]
            if not near and number > FEWEST:
                break  # nothing that is proposed breaks it
            passing = self._warnings - {rule}
        least = min((rules for _, rules in near.values()), key=len, default=frozenset[str]()) - {rule}
        what = f"with it a row breaks {', '.join(sorted(least))}" if least else f"{len(found)} were found"
        raise NoRowFound(f"Tried to make {count} rows of {self.contract.dataset} that break {rule} alone; {what}.")

    def _nearer(self, near: tuple[Made, frozenset[str]] | None, names: Collection[str], fixed: Row) -> Made | None:
        """Every other time, a row that breaks more than it should with what decides the rest drawn anew; None to begin again."""
        if near is None or self.random.random() < AGAIN:
            return None
        row, broken = near
        return self._redrawn(row, self._concerned(broken) - {*names} if self.random.random() < AGAIN else self._concerned(broken), fixed)

    def _require_breakable(self, rule: str) -> None:
        """Raises NoRowFound, with what to ask for instead, for a rule that no row can break as it is asked."""
        said, column = self.rules.get(rule), self.contract.partitioning.column
        if said is None and (rule not in OF_EVENTS or self.contract.event_time is None):
            known = ", ".join([*self.rules, *(OF_EVENTS if self.contract.event_time else ())])
            raise NoRowFound(f"{self.contract.dataset} has no row rule {rule!r}.", hint=f"It has {known}.")
        if said is not None and said.kind is Kind.REFERENCE and said.argument[0] not in (self.known or {}):
            hint = f"Such as known={{{said.argument[0]!r}: [{{..}}]}}."
            raise NoRowFound(f"No row breaks {rule} as long as it is not said what {said.argument[0]} has.", hint=hint)
        if said is not None and said.column == column and column is not None:
            hint = f"Ask for one of {', '.join(OF_EVENTS)}."
            raise NoRowFound(
                f"No row breaks {rule}: {column} is filled from the event time, and a row without one comes not so far.", hint=hint
            )

    @cached_property
    def _warnings(self) -> frozenset[str]:
        return frozenset(name for name, rule in self.rules.items() if rule.severity is Severity.WARNING)

    def _worse(self, worse: Mapping[str, Sequence[str | None]]) -> Made:
        """Other values for some of the columns that decide, now and then one value for all of them."""
        names = [name for name in worse if worse[name]]
        chosen = self.random.sample(names, self.random.randint(1, len(names))) if names else []
        same = self.random.choice(worse[self.random.choice(names)]) if names and self.random.random() < ALIKE else None
        return {name: same or self.random.choice(worse[name]) for name in chosen}

    def _drawn(self, fixed: Row) -> Made:
        row = {name: self.random.choice(texts) for name, texts in self.pools.good.items()}
        return row | self._event() | dict(fixed)

    def _redrawn(self, row: Made, names: Iterable[str], fixed: Row) -> Made:
        names = set(names)
        fresh = {name: self.random.choice(self.pools.good[name]) for name in self.pools.good if name in names}
        event = self._event() if names & set(event_columns(self.contract)) else {}
        return row | fresh | event | dict(fixed)

    def _event(self) -> Made:
        return dict(self.random.choice(self.pools.events)) if self.pools.events else {}

    def _concerned(self, broken: Iterable[str]) -> set[str]:
        """The landing columns that decide broken rules; all, where it cannot be told which."""
        by_rule = {name: landing_of_rule(self.contract, self.rules[name]) for name in broken if name in self.rules}
        if any(not by_rule.get(name) for name in broken):
            return set(leaves(self.contract))
        return {name for names in by_rule.values() for name in names}

    def _not_found(self, what: str, row: Row, count: str) -> NoRowFound:
        broken, _ = broken_rules(self.contract, [row], self.known)
        said = f"one breaks {', '.join(sorted(broken[0]))}" if broken[0] else "they share a key"
        return NoRowFound(f"Tried to make {what} of {self.contract.dataset}; {count}: {said}.")


def _draw_known(pools: Pools, contract: Contract, rule: Rule, known: Known) -> None:
    """Let the columns of a reference be drawn from what is known there."""
    dataset, named = rule.argument
    mine, theirs = rule.columns or (str(rule.column),), (named,) if isinstance(named, str) else tuple(named)
    columns = {column.name: column for column in contract.columns}
    for name, there in zip(mine, theirs, strict=True):
        landing = columns[name].source
        if landing in pools.good and dataset in known:
            texts = [pools.proposals.text(columns[name], row[there]) for row in known[dataset] if row[there] is not None]
            pools.good[landing] = [*texts, *(None for text in pools.good[landing] if text is None)] if texts else pools.good[landing]
