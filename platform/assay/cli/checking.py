"""What is wrong with contracts, from the command line: every fault of every file, as `file:line: complaint`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assay.cli.homes import require_contracts
from assay.cli.product import find_product
from assay.contracts.compile import judged_by_one_engine
from assay.contracts.document import Finding
from assay.contracts.examine import examined
from assay.contracts.model import Contract
from assay.errors import AssayError
from assay.gold.trial import gold_trial

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model import Published
    from assay.settings import Settings

ENGINES = {"silver": "Polars", "gold": "DuckDB"}


def check_contracts(settings: Settings, paths: Sequence[Path], *, quiet: bool = False) -> bool:
    """Print all faults of the contracts at these paths, or of the product's, then a line for each good one.

    With `quiet` nothing is said of good ones, and none is rehearsed: that takes Dagster, and a second. Of the product, gold is loaded too.
    False if there are faults. Raises SettingsError for a folder without contracts.
    """
    asked = list(paths) or [find_product(settings).contracts]
    for path in asked:
        require_contracts(path)
    good, findings = examined(asked, gold_trial)
    if not quiet:
        findings += _rehearsed(settings, good, asked)
        good = {path: contract for path, contract in good.items() if path not in {finding.file for finding in findings}}
    for finding in findings:
        typer.echo(str(finding), err=True)
    for path, contract in good.items() if not quiet else ():
        typer.echo(f"{path}: good: {_said(contract)}")
    if findings:
        files = len({finding.file for finding in findings})
        typer.echo(
            f"assay: {len(findings)} {'fault' if len(findings) == 1 else 'faults'} in {files} of {files + len(good)} contracts.", err=True
        )
    return not findings and (quiet or bool(paths) or _is_whole(settings))


def _is_whole(settings: Settings) -> bool:
    """Whether the product can be loaded, with all of its gold models. What is wrong is printed."""
    import dagster as dg

    from assay.orchestration.build import assemble

    try:
        assembly = assemble(settings, find_product(settings).contracts)
    except (AssayError, dg.DagsterError) as error:
        typer.echo(f"assay: The contracts read well, but the product cannot be loaded: {' '.join(str(error).split())}", err=True)
        return False
    for one in assembly.left_out:
        typer.echo(f"assay: {one}", err=True)
    return not assembly.left_out


def _rehearsed(settings: Settings, good: Mapping[Path, Published], asked: Sequence[Path]) -> list[Finding]:
    """What goes wrong with contracts that read well, when they are loaded and one row is run through them."""
    from assay.orchestration.build import previews_accepted
    from assay.orchestration.rehearsal import rehearse

    datasets = {contract.dataset: path for path, contract in good.items() if isinstance(contract, Contract)}
    around, _ = examined([path if path.is_dir() else path.parent for path in asked])
    known = {one.dataset: one for one in [*around.values(), *good.values()] if isinstance(one, Contract)}
    with previews_accepted():
        found = rehearse(settings, known, datasets, asked[0])
    return [
        Finding(datasets[name], 1, f"it reads well, but it cannot be run: {why.rstrip('.')}")
        for name, why in found.items()
        if name in datasets
    ]


def _said(contract: Published) -> str:
    rules = len(contract.rules) + len(contract.dataset_rules)
    alone = judged_by_one_engine(contract)
    only = f"; only {ENGINES[contract.layer]} judges {', '.join(alone)}, in its own SQL" if alone else ""
    return f"{contract.dataset} {contract.version}, {len(contract.columns)} columns, {rules} rules{only}"
