"""Measures: what a contract promises about whole partitions, measured on the rows that would be published.

A pure frame function, vectorised over the partitions of a frame. What a measure must be is the contract's (`DatasetRule`); refusing is the
kernel's.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from assay.contracts.compiling.arrow_types import published_schema, types_of
from assay.contracts.compiling.expressions import condition_expression, measure_of
from assay.contracts.model.promises import measures
from assay.contracts.model.sensitivity import hidden_names
from assay.errors import ContractInvalid
from assay.lake.quarantine.store import PARTITION
from assay.masking.redaction import HIDDEN, words_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import polars as pl

    from assay.contracts.model.contract import Contract, DatasetRule

    Measured = Mapping[str, float | None]

ROWS, SQL = "rowCount", "sql"


def measure(published: pl.DataFrame, contract: Contract) -> dict[str, dict[str, float | None]]:
    """The measured value of each promise, by partition and rule. Row counts are left out: whoever has the partition knows its rows.

    In: the contract's columns and PARTITION (text). A value is None where there is nothing to measure, such as the mean of no rows. A
    partition without rows is not in the answer: see `measures_of_nothing`. Raises ContractInvalid for a promise that cannot be measured.
    """
    promises = [rule for rule in contract.dataset_rules if rule.metric != ROWS]
    if not promises or published.is_empty():
        return {}
    found: dict[str, dict[str, float | None]] = {str(key): {} for key in published[PARTITION].unique()}
    nothing: dict[str, float | None] = {}
    for condition, rules in _by_condition(promises):
        measured = _aggregate(published, condition, rules, contract)
        if len(measured) < len(found):
            nothing = nothing or measures_of_nothing(contract)
        for key in found:
            found[key] |= measured.get(key) or {rule.name: nothing[rule.name] for rule in rules}
    return found


def measured_columns(contract: Contract) -> list[str]:
    """The columns that the promises look at."""
    types, found = types_of(contract), set[str]()
    for rule in contract.dataset_rules:
        if rule.metric != ROWS:
            condition = rule.argument[1] if rule.metric == SQL else None
            told = [measure_of(rule, types), *([condition_expression(condition, types)] if condition else [])]
            found.update(name for one in told for name in one.meta.root_names())
    return sorted(found)


def measures_of_nothing(contract: Contract) -> dict[str, float | None]:
    """The measures of a partition that has no rows."""
    import polars as pl

    empty = pl.DataFrame(schema=pl.Schema(published_schema(contract))).with_columns(pl.lit("").alias(PARTITION))
    found: dict[str, float | None] = {}
    for rule in contract.dataset_rules:
        if rule.metric != ROWS:
            found[rule.name] = _number(empty.select(measure_of(rule, types_of(contract))).to_series().to_list()[0], rule, contract)
    return found


def broken_promises(contract: Contract, rows: int, measured: Measured) -> list[tuple[DatasetRule, float]]:
    """The promises that a partition with so many published rows does not keep, each with what was measured."""
    others = measured if rows else measures_of_nothing(contract)
    values = [(rule, float(rows) if rule.metric == ROWS else others.get(rule.name)) for rule in contract.dataset_rules]
    return [(rule, value) for rule, value in values if value is not None and not rule.holds(value)]


def complaint(rule: DatasetRule, value: float, contract: Contract) -> str:
    """What was promised and what was measured, in a sentence or two; what may be a person's own value, as a maximum, is not told."""
    told = HIDDEN if measures(rule, hidden_names(contract)) else f"{value:.10g}"
    return f"{rule.name}: {rule.description} Promised: {_what(rule)} {rule.promised}; measured: {told}."


def _what(rule: DatasetRule) -> str:
    if rule.metric == ROWS:
        return "rows"
    if rule.metric == SQL:
        aggregate, condition = rule.argument
        return f"{aggregate} WHERE {condition}" if condition else str(aggregate)
    columns = (rule.column,) if rule.column else rule.argument
    return f"{rule.metric} of {', '.join(columns)}"


def _by_condition(rules: Sequence[DatasetRule]) -> Iterable[tuple[str | None, list[DatasetRule]]]:
    """The rules that are measured on the same rows, together."""
    condition = {rule.name: rule.argument[1] if rule.metric == SQL else None for rule in rules}
    ordered = sorted(rules, key=lambda rule: condition[rule.name] or "")
    return [(key, list(group)) for key, group in groupby(ordered, key=lambda rule: condition[rule.name])]


def _aggregate(published: pl.DataFrame, condition: str | None, rules: Sequence[DatasetRule], contract: Contract) -> dict[str, Measured]:
    import polars as pl

    types = types_of(contract)
    try:
        rows = published.filter(condition_expression(condition, types)) if condition else published
        frame = rows.group_by(PARTITION).agg(measure_of(rule, types).alias(rule.name) for rule in rules)
    except pl.exceptions.PolarsError as error:
        names = ", ".join(rule.name for rule in rules)
        raise ContractInvalid(f"{contract.path}: Tried to measure {names}; {words_of(error, contract)}.") from error
    return {row[PARTITION]: {rule.name: _number(row[rule.name], rule, contract) for rule in rules} for row in frame.iter_rows(named=True)}


def _number(value: Any, rule: DatasetRule, contract: Contract) -> float | None:  # noqa: ANN401  # what SQL gives
    """A measured value as a number, true as 1; a mean or share of nothing is None."""
    if value is None or value != value:  # noqa: PLR0124  # not a number: a share of no rows
        return None
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        what = f"gives a {type(value).__name__} and no single number"
        raise ContractInvalid(f"{contract.path}: Tried to measure {rule.name}; it {what}.") from error
