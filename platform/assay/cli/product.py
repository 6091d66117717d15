"""The data product that the command line works on: the code location that workspace.yaml names, and what its module defines."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from assay.errors import SettingsError

if TYPE_CHECKING:
    from assay.settings import Settings


@dataclass(frozen=True, slots=True)
class Product:
    """A product's name, as Dagster shows its code location, and the folder of its contracts."""

    name: str
    contracts: Path


def contracts_folder(settings: Settings) -> Path:
    """The folder of the product's contracts, found without importing the product, which brings Dagster, if it lies beside its module."""
    if settings.contracts is not None:
        return settings.contracts
    try:
        module = yaml.safe_load(settings.workspace.read_text())["load_from"][0]["python_module"]["module_name"]
        spec = find_spec(module.partition(".")[0])
    except (OSError, KeyError, IndexError, ImportError, AttributeError):
        spec = None
    beside = Path(spec.origin).parent / "contracts" if spec and spec.origin else None
    return beside if beside and beside.is_dir() else find_product(settings).contracts


def find_product(settings: Settings) -> Product:
    """Read the first code location of workspace.yaml. Its module must have CONTRACTS, its contracts' folder; settings may name another."""
    try:
        location = yaml.safe_load(settings.workspace.read_text())["load_from"][0]["python_module"]
        module = import_module(location["module_name"])
        return Product(location.get("location_name", location["module_name"]), settings.contracts or Path(module.CONTRACTS))
    except (OSError, KeyError, IndexError, ImportError, AttributeError) as error:
        raise SettingsError(
            f"Tried to find the data product in {settings.workspace}; {type(error).__name__}: {error}.",
            hint="It must name a python_module that defines CONTRACTS, the folder of its contracts.",
        ) from error
