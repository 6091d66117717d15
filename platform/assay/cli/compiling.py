"""Files that are compiled from the contracts, written or compared from the command line: dbt's sources and models' properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assay.cli.checking import check_contracts
from assay.cli.homes import make_dbt_project
from assay.cli.product import find_product
from assay.contracts.export.dbt_sources import dbt_sources
from assay.contracts.reading.odcs import load_product
from assay.gold.project_files import model_files, stale_files
from assay.permissions import as_elsewhere

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from assay.contracts.model.gold_contract import ProductContracts
    from assay.settings import Settings

SOURCES = "models/sources.yml"


def compile_contracts(settings: Settings, *, check: bool) -> bool:
    """Write what dbt is told, or with `check` only compare. False if a contract has a fault, or a compared file is out of date."""
    folder = find_product(settings).contracts
    if not check:
        make_dbt_project(settings)
    if not check_contracts(settings, [folder], quiet=True):
        return False
    project = settings.dbt_project
    wanted = compiled_files(project, load_product(folder))
    fresh = [_one(path, text, check=check) for path, text in wanted.items()]
    for path in stale_files(project, wanted):
        fresh.append(not check)
        if check:
            typer.echo(f"assay: {path} was compiled from a contract that is gone. Run `assay contracts compile`.", err=True)
        else:
            path.unlink()
            typer.echo(f"{path}: removed")
    return all(fresh)


def compiled_files(project: Path, product: ProductContracts) -> Mapping[Path, str]:
    """What a dbt project has to say of a product's contracts, by file. Raises ModelWithoutContract or ContractWithoutModel."""
    return {project / SOURCES: dbt_sources(product.datasets), **model_files(project, product)}


def _one(target: Path, wanted: str, *, check: bool) -> bool:
    fresh = target.exists() and target.read_text(encoding="utf-8") == wanted
    if check and not fresh:
        typer.echo(f"assay: {target} is not what the contracts say now. Run `assay contracts compile`.", err=True)
        return False
    if not fresh:
        with as_elsewhere():
            target.write_text(wanted, encoding="utf-8")
    typer.echo(f"{target}: {'up to date' if fresh else 'written'}")
    return True
