"""Which of the landing columns hold what not everybody may read: bronze keeps them as received, whatever is masked later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.sql import columns_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assay.contracts.model import Column, Contract, Masking

SENSITIVE = ("personal", "restricted")


def sensitive_landing_columns(contract: Contract) -> Mapping[str, Masking | None]:
    """Each landing column that is classified as personal or restricted, or that a published column is made from which is so, or masked.

    Its masking is that of the first such published column that has one; None if none has.
    """
    source = contract.source
    said = zip(source.columns, source.classifications, strict=bool(source.classifications))
    found: dict[str, Masking | None] = {name: None for name, classification in said if classification in SENSITIVE}
    for column in contract.columns:
        if column.classification in SENSITIVE or column.masking:
            for name in read_columns(column, source.columns):
                found[name] = found.get(name) or column.masking
    return {name: found[name] for name in source.columns if name in found}


def read_columns(column: Column, landing: Iterable[str]) -> tuple[str, ...]:
    """The landing columns that a published column is made from: those that it names, and those of its expression."""
    known = tuple(landing)
    said = columns_in(column.expression, known) if column.expression else ()
    single = (column.source,) if column.source else ()
    return tuple(dict.fromkeys(name for name in (*column.sources, *single, *said) if name in known))
