"""How the rules differ: which promises about rows and partitions became stricter, which looser, which cannot be told.

A stricter rule is what old data may break (not backward compatible), a looser one lets through what old readers never saw (not forward
compatible). Rules that follow from a column's type or `required` are reported with the column and not again.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from assay.contracts.compatibility.change import Change, unclassified
from assay.contracts.model.contract import Kind, Severity
from assay.contracts.model.promises import promise_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.contracts.model.contract import Contract, DatasetRule, Published, Rule

FOLLOWS_COLUMN = {Kind.TYPE, Kind.REQUIRED}
RULE = dict.fromkeys(("name", "kind", "severity", "description", "column", "argument", "columns"))  # all that is compared of one
DATASET_RULE = dict.fromkeys(("name", "metric", "operator", "bound", "severity", "description", "column", "argument", "unit"))


def rule_changes(old: Published, new: Published) -> Iterator[Change]:
    """Every difference between the rules about rows. Rules of a column that comes or goes are part of that change."""
    columns = _common(old, new)
    before, after = ([rule for rule in side.rules if _is_own(rule, columns)] for side in (old, new))
    yield from _compare(before, after, row_rule)
    names, new_names = [rule.name for rule in before], [rule.name for rule in after]
    if [name for name in names if name in new_names] != [name for name in new_names if name in names]:
        yield Change("rules_reordered", "rules", names, new_names)


def dataset_rule_changes(old: Published, new: Published) -> Iterator[Change]:
    """Every difference between the rules about whole partitions."""
    columns = _common(old, new)
    before, after = ([rule for rule in side.dataset_rules if rule.column is None or rule.column in columns] for side in (old, new))
    yield from _compare(before, after, dataset_rule)


def _common(old: Published, new: Published) -> set[str]:
    return {column.name for column in old.columns} & {column.name for column in new.columns}


def _is_own(rule: Rule, columns: set[str]) -> bool:
    return rule.kind not in FOLLOWS_COLUMN and {*rule.columns, *([rule.column] if rule.column else [])} <= columns


def _compare(old: Sequence[Any], new: Sequence[Any], compare: Any) -> Iterator[Change]:  # noqa: ANN401  # rules of either sort
    before, after = {rule.name: rule for rule in old}, {rule.name: rule for rule in new}
    gone, come = [before[name] for name in before if name not in after], [after[name] for name in after if name not in before]
    for rule in gone:
        twin = next((other for other in come if promise_of(other) == promise_of(rule)), None)
        if twin is not None:
            come.remove(twin)
            yield _change("rule_renamed", rule, rule.name, twin.name)
        else:
            yield _change("rule_removed" if _rejects(rule) else "warning_changed", rule, _said(rule), None)
    for rule in come:
        yield _change("rule_added" if _rejects(rule) else "warning_changed", rule, None, _said(rule))
    for name, rule in before.items():
        if name in after:
            yield from compare(rule, after[name])


def _rejects(rule: Rule | DatasetRule) -> bool:
    return rule.severity is Severity.ERROR


def _change(kind: str, rule: Rule | DatasetRule, old: object, new: object) -> Change:
    return Change(kind, f"rule {rule.name}", old, new, getattr(rule, "column", None))


def _said(rule: Rule | DatasetRule) -> str:
    return rule.description or rule.name


def row_rule(old: Rule, new: Rule) -> Iterator[Change]:
    """How one rule about rows differs."""
    yield from unclassified(old, new, RULE, f"rule {old.name}", old.column)
    yield from _severity(old, new)
    looks, looks_now = (old.kind, old.column, old.columns), (new.kind, new.column, new.columns)
    if (looks, old.argument) != (looks_now, new.argument):
        kind = _direction(old, new) if looks == looks_now else "rule_changed"
        yield _weighed(kind, old, new, old.argument, new.argument)
    elif old.description != new.description:
        yield _change("rule_reworded", new, old.description, new.description)


def _severity(old: Rule | DatasetRule, new: Rule | DatasetRule) -> Iterator[Change]:
    if old.severity is not new.severity:
        yield _change("rule_severity_raised" if _rejects(new) else "rule_severity_lowered", new, old.severity, new.severity)


def _weighed(kind: str, old: Rule | DatasetRule, new: Rule | DatasetRule, before: object, after: object) -> Change:
    """A rule that was and is a warning rejects nothing, whatever it says."""
    return _change(kind if _rejects(old) or _rejects(new) else "warning_changed", new, before, after)


def _direction(old: Rule, new: Rule) -> str:
    """Whether a rule of the same kind and column became stricter, looser or both."""
    match old.kind:
        case Kind.MINIMUM:
            return _by(_more(new.argument, old.argument), _more(old.argument, new.argument))
        case Kind.MAXIMUM:
            return _by(_more(old.argument, new.argument), _more(new.argument, old.argument))
        case Kind.LENGTH:
            (low, high), (new_low, new_high) = (_span(rule.argument) for rule in (old, new))
            return _by(new_low > low or new_high < high, new_low < low or new_high > high)
        case Kind.ENUM:
            gone, come = set(old.argument) - set(new.argument), set(new.argument) - set(old.argument)
            return _by(bool(gone), bool(come)) if gone or come else "rule_reworded"
    return "rule_changed"  # a pattern, an expression, another table: nobody can tell


def _by(stricter: bool, looser: bool) -> str:  # noqa: FBT001  # two answers
    if stricter == looser:
        return "rule_changed"
    return "rule_tightened" if stricter else "rule_loosened"


def _more(one: Any, other: Any) -> bool:  # noqa: ANN401  # a number, a date or an instant
    """Whether a bound is above another. Bounds of two types, as after a change of the column's type, count as above each other."""
    try:
        return bool(one > other)
    except TypeError:
        return True


def _span(argument: tuple[int, int | None]) -> tuple[float, float]:
    low, high = argument
    return low, math.inf if high is None else high


def dataset_rule(old: DatasetRule, new: DatasetRule) -> Iterator[Change]:
    """How one rule about partitions differs: by the sets of values that it accepts."""
    yield from unclassified(old, new, DATASET_RULE, f"rule {old.name}")
    yield from _severity(old, new)
    measured, measured_now = ((rule.metric, rule.column, rule.argument, rule.unit) for rule in (old, new))
    if (measured, old.operator, old.bound) != (measured_now, new.operator, new.bound):
        kind = _by(not _accepts(new, old), not _accepts(old, new)) if measured == measured_now else "rule_changed"
        yield _weighed(kind, old, new, f"{old.metric} {old.promised}", f"{new.metric} {new.promised}")
    elif old.description != new.description:
        yield _change("rule_reworded", new, old.description, new.description)


def _accepts(one: DatasetRule, other: DatasetRule) -> bool:
    """Whether `one` holds for every value for which `other` holds: both are decided by their bounds and what lies between and around."""
    bounds = sorted({bound for rule in (one, other) for bound in (rule.bound if isinstance(rule.bound, tuple) else (rule.bound,))})
    between = [(low + high) / 2 for low, high in pairwise(bounds)]
    return all(one.holds(value) for value in (bounds[0] - 1, *bounds, *between, bounds[-1] + 1) if other.holds(value))


def completeness(old: Contract, new: Contract) -> Iterator[Change]:
    """The share of rejected rows from which on a partition is refused; none refuses no partition."""
    before, after = (math.inf if side.rejected_share_below is None else side.rejected_share_below for side in (old, new))
    if before != after:
        kind = "completeness_tightened" if after < before else "completeness_loosened"
        yield Change(kind, "rejectedShare", old.rejected_share_below, new.rejected_share_below)
