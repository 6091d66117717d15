"""The files of a dbt project that are compiled from contracts: one .yml beside the .sql of each model.

A model without a contract would be published without a promise, a contract without a model promises what nobody makes: both are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import PermanentFailure
from assay.gold.properties import GENERATED, properties

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from assay.contracts.model.gold_contract import ProductContracts
    from assay.gold.models import Model

MODELS = "models"


class ModelWithoutContract(PermanentFailure):
    """A gold model has no contract, so nobody says what is promised of it."""

    hint = "Write gold/<model>.odcs.yaml in the folder of the contracts (docs/gold.md has one), then run `assay contracts compile`."


class ContractWithoutModel(PermanentFailure):
    """A gold contract has no dbt model."""

    hint = "Write models/gold/<model>.sql in the dbt project, or remove the contract."


class NotCompiled(PermanentFailure):
    """dbt's properties of a model are not what its contract says."""

    hint = "Run `assay contracts compile`."


def model_files(project: Path, product: ProductContracts) -> Mapping[Path, str]:
    """The .yml of every model with what must be in it. Raises ModelWithoutContract or ContractWithoutModel."""
    found = {path.stem: path for path in sorted((project / MODELS).rglob("*.sql"))}
    _refuse_strangers(found, product)
    return {found[name].with_suffix(".yml"): properties(product, name) for name in product.models}


def stale_files(project: Path, wanted: Collection[Path]) -> Iterator[Path]:
    """Files that were compiled from contracts that are gone."""
    for path in sorted((project / MODELS).rglob("*.yml")):
        if path not in wanted and path.read_text(encoding="utf-8").startswith(GENERATED):
            yield path


def unruled(names: Collection[str], models: Collection[Model], product: ProductContracts) -> dict[str, str]:
    """Why some of the models that dbt has (`names`) are not ruled by the contract that there is now, or a contract rules none; by name."""
    strangers = set(names) - product.models.keys()
    found = {name: str(ModelWithoutContract(f"The gold model {name} has no contract without faults.")) for name in sorted(strangers)}
    for name in product.models.keys() - set(names):
        found[name] = str(ContractWithoutModel(f"{product.models[name].path} rules the model {name}, which dbt does not have."))
    for model in models:
        if model.name in product.models and model.promises != product.promises_of(model.name):
            path = product.models[model.name].path
            found[model.name] = str(NotCompiled(f"The properties of the gold model {model.name} are not what {path} says now."))
    return found


def _refuse_strangers(models: Collection[str], product: ProductContracts) -> None:
    if unruled := sorted(set(models) - set(product.models)):
        raise ModelWithoutContract(f"The gold model {unruled[0]} has no contract.")
    if unmade := sorted(set(product.models) - set(models)):
        raise ContractWithoutModel(f"{product.models[unmade[0]].path} rules the model {unmade[0]}, which dbt does not have.")
