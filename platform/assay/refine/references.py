"""What reference rules look into: the values that other datasets have, read once from their pinned versions.

Where the other dataset masks a column, its table has tokens. Rows are judged raw, so it is asked which of their values have a token there.
What the table holds is what counts: a contract that says otherwise by now may be of a partition that is still to be built, or refused.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from assay.contracts.model.sensitivity import is_keyed
from assay.masking.tokens import heads_of, is_masked

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from assay.contracts.model.contract import Column, Contract, Rule
    from assay.lake.snapshots import Snapshot
    from assay.masking.methods import Masks

    Form = tuple[tuple[str, str], str]


def reference_values(contract: Contract, snapshots: Mapping[str, Snapshot]) -> dict[tuple[str, Any], pl.Series]:
    """For each (dataset, column) that a rule looks into, the values there; for (dataset, (column, ..)) they are structs of those fields."""
    wanted = dict.fromkeys(rule.argument for rule in contract.references)
    return {(dataset, columns): _values(snapshots[dataset], columns) for dataset, columns in wanted}


def _values(snapshot: Snapshot, columns: str | tuple[str, ...]) -> pl.Series:
    if isinstance(columns, str):
        return snapshot.scan(columns=[columns]).collect()[columns]
    return snapshot.scan(columns=list(columns)).collect().select(columns).to_struct().unique()


def known_here(
    typed: pl.DataFrame, contract: Contract, there: Mapping[tuple[str, Any], pl.Series], masks: Masks
) -> dict[tuple[str, Any], pl.Series]:
    """The same with raw values in the place of tokens: of those that the rows have, the ones whose token is there."""
    import polars as pl

    found = dict(there)
    for argument, rules in _by_argument(contract).items():
        dataset, named = argument
        table = there[argument].to_frame(named) if isinstance(named, str) else there[argument].struct.unnest()
        forms = {name: _forms(table[name], dataset, column, masks) for name, column in masks.columns(dataset, table.columns).items()}
        if any(one != [None] for one in forms.values()):
            parts = [_present(typed, rule, table, forms, masks) for rule in rules]
            found[argument] = pl.concat(parts).unique()
    return found


def how_masked(contract: Contract, masks: Masks) -> dict[str, tuple[object, ...]]:
    """How the columns that reference rules look into are masked, of the datasets that mask some."""
    found = {
        f"{dataset}.{columns}": masks.how_masked(dataset, (columns,) if isinstance(columns, str) else columns)
        for dataset, columns in _by_argument(contract)
    }
    return {name: how for name, how in found.items() if how}


def _forms(values: pl.Series, dataset: str, column: Column, masks: Masks) -> list[Form | None]:
    """In which forms the values of a column may be there: None for raw ones, else what masked ones begin with and their domain.

    A table may hold tokens of several keys while a rotation is under way, and of a column that is masked by now, or was once, both forms:
    its own values say by which key each was made, though not of which kind of person they were then. What only looks like a token in a
    column that was never masked is of no key here.
    """
    import polars as pl

    if values.dtype != pl.String:
        return [None]
    heads, is_kept = heads_of(values), is_keyed(column.masking)
    known = sorted(head for head in heads if head and (is_kept or masks.knows(head[1])))
    masked: list[Form | None] = [(head, domain) for domain in masks.domains(dataset, column) for head in known]
    if is_kept:
        return [*masked, None] if None in heads or not masked else masked
    return [None, *masked]


def _by_argument(contract: Contract) -> dict[tuple[str, Any], list[Rule]]:
    rules: dict[tuple[str, Any], list[Rule]] = {}
    for rule in contract.references:
        rules.setdefault(rule.argument, []).append(rule)
    return rules


def _present(typed: pl.DataFrame, rule: Rule, table: pl.DataFrame, forms: Mapping[str, list[Form | None]], masks: Masks) -> pl.Series:
    """The raw values of a rule's columns, or structs of several, that are in the other dataset in one of the forms that it may have.

    What is found in the first, which is that of the contracts of now, is not looked for in the others.
    """
    import polars as pl

    _, named = rule.argument
    names = (named,) if isinstance(named, str) else tuple(named)
    mine = rule.columns or (str(rule.column),)
    left = typed.select(pl.col(one).alias(name) for one, name in zip(mine, names, strict=True)).drop_nulls().unique()
    parts = [left.clear()]
    for chosen in product(*forms.values()):
        masked = {name: form for name, form in zip(forms, chosen, strict=True) if form is not None}
        tokens = left.with_columns(masks.as_in(left[name], *form) for name, form in masked.items())
        is_there = pl.int_range(left.height, eager=True).is_in(
            tokens.with_row_index("_row").join(_raw_in(table, forms, masked), on=names, how="semi")["_row"].implode()
        )
        parts.append(left.filter(is_there))
        left = left.filter(~is_there)
        if left.is_empty():
            break
    known = pl.concat(parts)
    return known[named] if isinstance(named, str) else known.select(names).to_struct()


def _raw_in(table: pl.DataFrame, forms: Mapping[str, list[Form | None]], masked: Mapping[str, Form]) -> pl.DataFrame:
    """The rows of a table that are raw where raw ones of a masked column are looked for: nobody lands a token in the place of a value."""
    for name, found in forms.items():
        if name not in masked and found[0] is not None:
            table = table.filter(~is_masked(table[name]))
    return table
