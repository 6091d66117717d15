"""Personal data, said once: which columns hold what not everybody may read, wherever in a contract that is said.

A landing column is as sensitive as what is made from it (the opposite way: `inherited_sensitivity.py`). So bronze and quarantine know what
to hide, and silver what to mask, from one classification. What masking does to a value is not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.language.paths import roots_of
from assay.contracts.language.sql import columns_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assay.contracts.model.contract import Column, Contract, Masking

SENSITIVE = ("personal", "restricted")  # from the weaker to the stronger
STRICTNESS = ("", "public", "internal", *SENSITIVE)
KEYED = ("tokenize", "encrypt")


def is_keyed(masking: Masking | None) -> bool:
    """Whether a masking needs a key. Equal values become equal texts by it, and different ones different texts."""
    return masking is not None and masking.method in KEYED


def sensitive_landing_columns(contract: Contract) -> Mapping[str, Masking | None]:
    """Each landing column that is classified as personal or restricted, or that a published column is made from which is so, or masked.

    Its masking is that of the first such published column that has one; None if none has.
    """
    source = contract.source
    said = zip(source.columns, source.classifications, strict=bool(source.classifications))
    found: dict[str, Masking | None] = {name: None for name, classification in said if classification in SENSITIVE}
    for column in contract.columns:
        if is_sensitive(column):
            for name in read_columns(column, source.columns):
                found[name] = found.get(name) or column.masking
    roots = roots_of(source.paths, source.file_columns)
    inside = {path: found[root] for path, root in roots.items() if root in found}
    around = {roots[path]: masking for path, masking in found.items() if path in roots}
    found = around | inside | found  # a value in a sensitive one is as sensitive, and so is what holds it; what stands beside it is not
    return {name: found[name] for name in source.columns if name in found}


def landing_classifications(contract: Contract) -> Mapping[str, str]:
    """The strictest of what each landing column is said to be and of what is published of it; empty where nothing says anything."""
    source = contract.source
    said = source.classifications or ("",) * len(source.columns)
    found = {name: [classification] for name, classification in zip(source.columns, said, strict=True)}
    for column in contract.columns:
        for name in made_from(contract, column):
            found[name].append(column.classification)
    return {name: max(several, key=STRICTNESS.index) for name, several in found.items()}


def made_from(contract: Contract, column: Column) -> tuple[str, ...]:
    """What a column is made from; the partition column, unless it says so itself, from the event time."""
    named = read_columns(column, contract.source.columns)
    if named or contract.event_time is None or column.name != contract.partitioning.column:
        return named
    return columns_in(contract.event_time.expression, contract.source.columns)


def is_sensitive(column: Column) -> bool:
    """Whether no value of a published column may be shown as it landed."""
    return column.classification in SENSITIVE or column.masking is not None


def read_columns(column: Column, landing: Iterable[str]) -> tuple[str, ...]:
    """The landing columns that a published column is made from: those that it names, and those of its expression."""
    known = tuple(landing)
    said = columns_in(column.expression, known) if column.expression else ()
    single = (column.source,) if column.source else ()
    return tuple(dict.fromkeys(name for name in (*column.sources, *single, *said) if name in known))


def hidden_names(contract: Contract) -> frozenset[str]:
    """The names, published and landing, whose values are not to be shown: rules may look at both."""
    return frozenset((*(column.name for column in contract.columns if is_sensitive(column)), *sensitive_landing_columns(contract)))
