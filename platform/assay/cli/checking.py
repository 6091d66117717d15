"""What is wrong with contracts, from the command line: every fault of every file, as `file:line: complaint`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assay.cli.homes import require_contracts
from assay.cli.product import find_product
from assay.contracts.examine import examined
from assay.gold.trial import gold_trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assay.contracts.model import Published
    from assay.settings import Settings


def check_contracts(settings: Settings, paths: Sequence[Path], *, quiet: bool = False) -> bool:
    """Print all faults of the contracts at these paths, or of the product's, then a line for each good one unless `quiet`.

    False if there are faults. Raises SettingsError for a folder without contracts.
    """
    asked = list(paths) or [find_product(settings).contracts]
    for path in asked:
        require_contracts(path)
    good, findings = examined(asked, gold_trial)
    for finding in findings:
        typer.echo(str(finding), err=True)
    for path, contract in good.items() if not quiet else ():
        typer.echo(f"{path}: good: {_said(contract)}")
    if findings:
        files = len({finding.file for finding in findings})
        typer.echo(
            f"assay: {len(findings)} {'fault' if len(findings) == 1 else 'faults'} in {files} of {files + len(good)} contracts.", err=True
        )
    return not findings


def _said(contract: Published) -> str:
    rules = len(contract.rules) + len(contract.dataset_rules)
    return f"{contract.dataset} {contract.version}, {len(contract.columns)} columns, {rules} rules"
