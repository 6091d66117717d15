"""Files that are compiled from the contracts, written or compared from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assay.cli.product import find_product
from assay.contracts.dbt_sources import dbt_sources
from assay.contracts.odcs import load_contracts

if TYPE_CHECKING:
    from assay.settings import Settings

SOURCES = "models/sources.yml"


def compile_sources(settings: Settings, *, check: bool) -> bool:
    """Write dbt's sources, or with `check` only compare. False if a compared file is out of date."""
    target = settings.dbt_project / SOURCES
    wanted = dbt_sources(load_contracts(find_product(settings).contracts))
    fresh = target.exists() and target.read_text(encoding="utf-8") == wanted
    if check and not fresh:
        typer.echo(f"assay: {target} is not what the contracts say now. Run `assay contracts compile`.", err=True)
        return False
    if not fresh:
        target.write_text(wanted, encoding="utf-8")
    typer.echo(f"{target}: {'up to date' if fresh else 'written'}")
    return True
