"""What reference rules look into: the values that other datasets have, read once from their pinned versions.

Where the other dataset masks a column, its table has tokens. Rows are judged raw, so it is asked which of their values have a token there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.masking.tokens import key_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from assay.contracts.model.contract import Column, Contract, Rule
    from assay.lake.snapshots import Snapshot
    from assay.masking.methods import Masks


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
    """The same with raw values in the place of tokens: of those that the rows have, the ones whose token is there.

    A table may hold tokens of several keys while a rotation is under way: its own say by which key each was made.
    """
    import polars as pl

    found = dict(there)
    for argument, rules in _by_argument(contract).items():
        dataset, named = argument
        masked = masks.masked_columns(dataset, (named,) if isinstance(named, str) else named)
        if masked:
            parts = [_present(typed, rule, there[argument], masked, masks) for rule in rules]
            found[argument] = pl.concat(parts).unique()
    return found


def _by_argument(contract: Contract) -> dict[tuple[str, Any], list[Rule]]:
    rules: dict[tuple[str, Any], list[Rule]] = {}
    for rule in contract.references:
        rules.setdefault(rule.argument, []).append(rule)
    return rules


def _present(typed: pl.DataFrame, rule: Rule, there: pl.Series, masked: Mapping[str, Column], masks: Masks) -> pl.Series:
    """The raw values of a rule's columns, or structs of several, that are in the other dataset as it masks them."""
    import polars as pl

    dataset, named = rule.argument
    names = (named,) if isinstance(named, str) else tuple(named)
    mine = rule.columns or (str(rule.column),)
    raw = typed.select(pl.col(one).alias(name) for one, name in zip(mine, names, strict=True)).drop_nulls().unique()
    table = there.to_frame(named) if isinstance(named, str) else there.struct.unnest()
    parts = [raw.clear()]
    for key in sorted(set().union(*(key_ids(table[name]) for name in masked))):
        tokens = raw.with_columns(masks.as_in(raw[name], dataset, column, key) for name, column in masked.items())
        kept = tokens.with_row_index("_row").join(table.select(names), on=names, how="semi")["_row"]
        parts.append(raw[kept])
    known = pl.concat(parts).unique()
    return known[named] if isinstance(named, str) else known.select(names).to_struct()
