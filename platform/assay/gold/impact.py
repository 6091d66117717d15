"""What a change of a contract breaks downstream: gold columns and rows, dbt tests, reference rules of other contracts.

Joins the comparison of contracts with the column lineage of the project. A change of one column reaches what uses that column; a change of
the whole table (its key, its partitions, its end) reaches everything that reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.gold.lineage import Reached, downstream
from assay.gold.select_lineage import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assay.contracts.compatibility.change import Change
    from assay.contracts.model.contract import Published
    from assay.gold.lineage import Node

ADDED = {"column_added", "required_column_added"}


def impact(change: Change, table: str, nodes: Sequence[Node], contracts: Mapping[str, Published]) -> list[Reached]:
    """Everything that a change of a dataset reaches: of those changes that break readers, or let more people read a column.

    `table` (`silver/x`) has its old name; `contracts` are those whose rules may look into it. A new column is used by nobody yet.
    """
    concerns = change.breaks or (change.verdict.privacy and change.column is not None)
    if not concerns or change.kind in ADDED:
        return []
    return [*referring_rules(contracts.values(), table.partition("/")[2], change.column), *downstream(nodes, table, change.column)]


def referring_rules(contracts: Iterable[Published], dataset: str, column: str | None) -> Iterator[Reached]:
    """The rules of other contracts that look into a dataset, or into one column of it."""
    for contract in contracts:
        for rule in contract.references:
            target, columns = rule.argument
            looked_at = (columns,) if isinstance(columns, str) else columns
            if target == dataset and contract.dataset != dataset and (column is None or column in looked_at):
                yield Reached("rule", f"{contract.dataset}.{rule.name}", rule.column, Role.JOIN)
