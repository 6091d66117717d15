"""What is wrong with contracts, from the command line: every fault of every file, as `file:line: complaint`."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import typer

from assay.alerting.declared import read_alerts
from assay.cli.homes import require_contracts
from assay.cli.product import find_product
from assay.contracts.compiling.expressions import judged_by_one_engine
from assay.contracts.documents.document import Finding
from assay.contracts.model.contract import Contract
from assay.contracts.model.gold_contract import GoldContract
from assay.contracts.reading.examine import examined
from assay.contracts.reading.odcs import sound_product
from assay.errors import AssayError
from assay.gold.trial import gold_trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from assay.contracts.model.contract import Published
    from assay.orchestration.rehearsal import Rehearsal
    from assay.settings import Settings

ENGINES = {"silver": "Polars", "gold": "DuckDB"}


def check_contracts(settings: Settings, paths: Sequence[Path], *, quiet: bool = False) -> bool:
    """Print all faults of the contracts at these paths, or of the product's, then a line for each good one, and what was not tried.

    With `quiet` nothing is said of good ones, and none is rehearsed: that takes Dagster, dbt and seconds. Of the product, gold is loaded
    too. False if there are faults. Raises SettingsError for a folder without contracts.
    """
    product = find_product(settings).contracts
    asked = list(paths) or [product]
    for path in asked:
        require_contracts(path)
    if quiet:
        good, findings = examined(asked, gold_trial)
        return _told(good, findings, quiet=True)
    with _dbt_for(settings, needed=not paths):
        good, findings = examined(asked, gold_trial)
        rehearsal = _rehearsed(settings, good, asked, product)
    findings += [*_findings(rehearsal, good), *_alert_findings(asked, product)]
    good = {path: contract for path, contract in good.items() if path not in {finding.file for finding in findings}}
    is_whole = _told(good, findings, quiet=False) and (bool(paths) or _is_whole(settings, product))
    for one in rehearsal.untried:
        typer.echo(one)
    return is_whole


def _told(good: Mapping[Path, Published], findings: Sequence[Finding], *, quiet: bool) -> bool:
    """Print what was found. False if there are faults."""
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


@contextmanager
def _dbt_for(settings: Settings, *, needed: bool) -> Iterator[None]:
    """Inside, dbt's process gets ready while this one reads contracts and imports Dagster, if it will surely be `needed`."""
    from assay.gold import dbt_process
    from assay.gold.dbt_runner import DbtFailed
    from assay.gold.parsed import parse_sound

    try:
        if needed:
            with suppress(DbtFailed):  # of which is told where the project is looked at
                dbt_process.start(settings.dbt_project, parse_sound(settings.dbt_project).manifest)
        yield
    finally:
        dbt_process.stop()


def _is_whole(settings: Settings, contracts: Path) -> bool:
    """Whether the product can be loaded, with all of its gold models. What is wrong is printed."""
    import dagster as dg

    from assay.orchestration.build import assemble

    try:
        assembly = assemble(settings, contracts)
    except (AssayError, dg.DagsterError) as error:
        typer.echo(f"assay: The contracts read well, but the product cannot be loaded: {' '.join(str(error).split())}", err=True)
        return False
    for one in assembly.left_out:
        typer.echo(f"assay: {one}", err=True)
    return not assembly.left_out


def _rehearsed(settings: Settings, good: Mapping[Path, Published], asked: Sequence[Path], product: Path) -> Rehearsal:
    """What goes wrong with contracts that read well, when they are loaded and one row is run through them, and through gold."""
    from assay.orchestration.build import previews_accepted
    from assay.orchestration.loadable import sound_contracts, sound_project
    from assay.orchestration.rehearsal import rehearse

    datasets = {contract.dataset for contract in good.values() if isinstance(contract, Contract)}
    around, _ = examined([path if path.is_dir() else path.parent for path in asked])
    known = {one.dataset: one for one in [*around.values(), *good.values()] if isinstance(one, Contract)}
    of_product = all(path.resolve().is_relative_to(product.resolve()) for path in asked)
    models = {contract.dataset for contract in good.values() if isinstance(contract, GoldContract)}
    with previews_accepted():
        project = sound_project(settings, sound_contracts(product)[0], []) if of_product else None
        if project:
            datasets |= {
                table.partition("/")[2] for model in project.models if model.name in models for table in model.reads
            } & known.keys()
        rehearsal = rehearse(settings, known, datasets, asked[0], project)
    if not of_product:
        rehearsal.untried.append("Gold was not tried: these are not the product's contracts, which its dbt project is for.")
    return rehearsal


def _findings(rehearsal: Rehearsal, good: Mapping[Path, Published]) -> list[Finding]:
    """What a rehearsal found, at the contracts that it concerns; what has none there is told at the first."""
    files = {(contract.layer, contract.dataset): path for path, contract in good.items()}
    said = [
        *((("silver", name), f"it reads well, but it cannot be run: {why}") for name, why in rehearsal.datasets.items()),
        *((("gold", name), f"it reads well, but gold/{name} cannot be run: {why}") for name, why in rehearsal.models.items()),
    ]
    return [Finding(files.get(key, next(iter(good))), 1, why.rstrip(".")) for key, why in said if key in files or key[0] == "gold"]


def _alert_findings(asked: Sequence[Path], product: Path) -> Iterator[Finding]:
    """What is wrong with the alerts that are declared beside the contracts of a folder."""
    for folder in (path for path in asked if path.is_dir()):
        known, _ = sound_product(product if folder.resolve().is_relative_to(product.resolve()) else folder)
        yield from read_alerts(folder, {*known.datasets, *known.models})[1]


def _said(contract: Published) -> str:
    rules = len(contract.rules) + len(contract.dataset_rules)
    alone = judged_by_one_engine(contract)
    only = f"; only {ENGINES[contract.layer]} judges {', '.join(alone)}, in its own SQL" if alone else ""
    return f"{contract.dataset} {contract.version}, {len(contract.columns)} columns, {rules} rules{only}"
