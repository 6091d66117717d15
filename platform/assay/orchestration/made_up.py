"""A made-up row of a dataset: what might land by its contract, each value of the type that it becomes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from assay.contracts.model import Kind
from assay.contracts.sql import columns_in

if TYPE_CHECKING:
    from assay.contracts.model import Column, Contract

SOME_DAY = date(2000, 1, 1)


def made_up(contract: Contract, day: date | None) -> dict[str, str]:
    """A landed row that a contract might take: each value of the type that it becomes, within what is said of it alone."""
    row = dict.fromkeys(contract.source.columns, "1")
    row |= {column.source: _text(contract, column, day) for column in contract.columns if column.source}
    if contract.event_time is not None and day is not None:
        spelled = day.strftime(contract.event_time.format.replace("%#z", "+00:00"))
        row |= dict.fromkeys(columns_in(contract.event_time.expression, contract.source.columns), spelled)
    return row


def _text(contract: Contract, column: Column, day: date | None) -> str:
    said = {rule.kind: rule.argument for rule in contract.rules if rule.column == column.name}
    if said.get(Kind.ENUM):
        return str(said[Kind.ENUM][0])
    match column.logical_type:
        case "date" | "timestamp":
            return (day or SOME_DAY).strftime((column.format or "%Y-%m-%d").replace("%#z", "+00:00"))
        case "boolean":
            return "true"
        case "integer" | "number":
            return str(said.get(Kind.MINIMUM, 1)).replace(".", contract.source.dialect.decimal_char)
        case _:
            return "x" * max(1, (said.get(Kind.LENGTH) or (1, None))[0])
