"""Landing columns that some data do not have: what of a contract still decides their published rows when optional columns are absent.

A nullable column that is read from an absent landing column is null in every row, whatever the contract says of it. So it is no part of the
fingerprint of such data, and adding it to a contract leaves what was published before as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from assay.contracts.model.contract import Column, Contract, Rule

NULL_SAFE = ("type", "minimum", "maximum", "length", "pattern", "enum")  # rules that a null value keeps


def read_columns_left(contract: Contract, absent: AbstractSet[str]) -> tuple[Column, ...]:
    """The published columns without those that are null in every row because their landing column is absent."""
    return tuple(column for column in contract.columns if not _is_null(contract, column, absent))


def rules_left(contract: Contract, absent: AbstractSet[str]) -> tuple[Rule, ...]:
    """The rules about rows without those that such a column cannot break."""
    null = {column.name for column in contract.columns if _is_null(contract, column, absent)}
    return tuple(rule for rule in contract.rules if not (rule.column in null and rule.kind in NULL_SAFE))


def _is_null(contract: Contract, column: Column, absent: AbstractSet[str]) -> bool:
    is_needed = column.required or column.name in contract.key or column.name == contract.partitioning.column
    return column.source in absent and column.expression is None and not is_needed
