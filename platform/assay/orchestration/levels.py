"""The levels of datasets: silver tables come after those that their rules look into."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.model.contract import Contract


def levels(contracts: Mapping[str, Contract]) -> Iterator[list[str]]:
    """The datasets in levels: those of a level refer only to levels before. Raises ContractInvalid if they refer in a circle."""
    order = TopologicalSorter({name: contract.upstream for name, contract in contracts.items()})
    try:
        order.prepare()
    except CycleError as error:
        raise ContractInvalid(f"The reference rules of {' -> '.join(error.args[1])} go in a circle.") from error
    while order.is_active():
        ready = order.get_ready()
        yield [name for name in contracts if name in ready]
        order.done(*ready)
