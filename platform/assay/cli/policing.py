"""What contracts and gold models owe their readers, asked for from the command line: every breach as `file:line: complaint`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from assay.cli.homes import require_contracts
from assay.cli.product import find_product
from assay.contracts.documents.document import Document, Finding
from assay.contracts.reading.odcs import PATTERN
from assay.contracts.reading.policy import policed
from assay.contracts.reading.relationships import catalogue_of
from assay.gold.parsed import parse_sound
from assay.gold.policy import policed_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assay.settings import Settings


def check_policy(settings: Settings, paths: Sequence[Path]) -> bool:
    """Print every breach in the contracts at these paths; without any, in the product's and in its gold models. False if there is one."""
    asked = list(paths) or [find_product(settings).contracts]
    for path in asked:
        require_contracts(path)
    contracts, findings = policed(asked)
    said = f"contracts: {len(contracts)}"
    if not paths:
        documents = [Document.load(path) for path in sorted(find_product(settings).contracts.glob(PATTERN))]
        parsed = parse_sound(settings.dbt_project)
        models, found = policed_models(settings.dbt_project, parsed.manifest, catalogue_of(documents))
        found += [Finding(settings.dbt_project / fault.file, fault.line, fault.why) for fault in parsed.faults]
        findings, said = findings + found, f"{said}, gold models: {len(models)}"
    for finding in findings:
        typer.echo(str(finding), err=True)
    if findings:
        files = len({finding.file for finding in findings})
        typer.echo(f"assay: the policy is broken {len(findings)} times, in {files} files.", err=True)
    else:
        typer.echo(f"{said}; all keep the policy.")
    return not findings
