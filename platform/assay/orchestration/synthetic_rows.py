"""A made-up row of a dataset: what might land by its contract, each value of the type that it becomes."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import TYPE_CHECKING

from assay.contracts.language.sql import columns_in
from assay.contracts.model.contract import Kind
from assay.ingest.bronze import event_dates

if TYPE_CHECKING:
    from assay.contracts.model.contract import Column, Contract

SOME_DAY = date(2000, 1, 1)
MOST_PARTS = 4  # columns that an event time is put together from: so many are tried in some thousands of rows


def made_up(contract: Contract, day: date | None) -> dict[str, str]:
    """A landed row that a contract might take: each value of the type that it becomes, within what is said of it alone."""
    row = dict.fromkeys(contract.source.columns, "1")
    row |= {column.source: _text(contract, column, day) for column in contract.columns if column.source}
    return row | (of_day(contract, day) if day is not None else {})


def of_day(contract: Contract, day: date) -> dict[str, str]:
    """What the columns of the event time hold for a day: the whole of it, or the parts that the contract's expression puts together."""
    import polars as pl

    assert contract.event_time is not None  # noqa: S101  # what has no event time has no days
    spelled = day.strftime(contract.event_time.format.replace("%#z", "+00:00"))
    names = columns_in(contract.event_time.expression, contract.source.columns)
    parts = (spelled, day.isoformat(), *(day.strftime(part) for part in ("%Y", "%-m", "%-d", "%m", "%d")), "0")
    tried = list(product(parts, repeat=len(names))) if len(names) <= MOST_PARTS else []
    frame = pl.DataFrame([[one[place] for one in tried] for place in range(len(names))], schema=dict.fromkeys(names, pl.String))
    found = event_dates(frame, contract).to_list() if names and tried else []
    fitting = next((one for one, read in zip(tried, found, strict=True) if read == day), (spelled,) * len(names))
    return dict(zip(names, fitting, strict=True))


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
