"""Which contract a test means: a name in its project, a file, or the contract itself."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from assay.cli.product import contracts_folder
from assay.contracts.language.names import suggest
from assay.contracts.model.contract import Contract
from assay.contracts.reading.odcs import load_contracts, read_contract
from assay.errors import ContractInvalid
from assay.settings import load_settings

Named = Contract | str | Path


def contract_of(named: Named) -> Contract:
    """The contract of a dataset of this project by its name, or that of a file. Raises ContractInvalid for one with faults, or for none."""
    if isinstance(named, Contract):
        return named
    if isinstance(named, Path):
        found = read_contract(named)
        if not isinstance(found, Contract):
            raise ContractInvalid(f"{named} is the contract of a gold model, which nothing lands for.", hint="Test it in a temporary lake.")
        return found
    folder = contracts_folder(load_settings())
    known = _contracts(folder, _state_of(folder))
    if named not in known:
        raise ContractInvalid(f"There is no contract of {named!r} in {folder}.", hint=suggest(named, known))
    return known[named]


@lru_cache(8)
def _contracts(folder: Path, state: tuple[tuple[str, int], ...]) -> dict[str, Contract]:  # noqa: ARG001  # decides what is kept
    return load_contracts(folder)


def _state_of(folder: Path) -> tuple[tuple[str, int], ...]:
    """What tells that a file of the folder was changed, so that a test that writes contracts sees what it wrote."""
    return tuple(sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*.yaml")))
