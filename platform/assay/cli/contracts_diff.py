"""Contracts compared from the command line: two files, two folders, or a git ref with the working tree.

Which changes there are and what they mean is decided in `contracts.evolution`, what they reach in `gold.impact`.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assay.cli.homes import require_contracts
from assay.cli.printing_changes import Report, print_report
from assay.cli.product import find_product
from assay.contracts.compatibility.comparison import compare, compare_all
from assay.contracts.model.gold_contract import GoldContract, ProductContracts
from assay.contracts.reading.odcs import load_product, read_contract
from assay.errors import ContractInvalid, SettingsError
from assay.gold.dbt_runner import DbtFailed
from assay.gold.lineage import project_lineage
from assay.gold.view_lineage import broken_views, view_nodes
from assay.gold.views import views_of

if TYPE_CHECKING:
    from assay.contracts.reading.odcs import AnyContract
    from assay.gold.lineage import Node
    from assay.settings import Settings

SUFFIX = ".odcs.yaml"


def compare_contracts(settings: Settings, old: str, new: str | None, *, as_json: bool, lineage: bool) -> bool:
    """Compare and print. False if a version is not enough for its changes."""
    report = _report(settings, old, new, lineage=lineage)
    print_report(report, as_json=as_json)
    return report.enough


def _report(settings: Settings, old: str, new: str | None, *, lineage: bool) -> Report:
    today = datetime.now(UTC).date()
    before, after = _sides(settings, old, new)
    around = after
    if new is not None and Path(new).is_file():
        one = compare(next(iter(before.promises.values())), next(iter(after.promises.values())), today)
        found = [one] if one.changes or one.complaint else []
        around = load_product(find_product(settings).contracts)
    else:
        found = compare_all(before.promises, after.promises, today)
    concerned = any(change.breaks or change.verdict.privacy for one in found for change in one.changes)
    if not (lineage and concerned):
        return Report(found, around.promises, [], "it was not asked for." if concerned else "")
    views = [node for view in views_of(around) for node in view_nodes(view)]
    old_views = {name: list(broken_views(contract, around)) for name, contract in before.models.items()}
    try:
        return Report(found, around.promises, [*_models(settings, before, after), *views], old_views=old_views)
    except DbtFailed as error:
        return Report(found, around.promises, views, error.message, old_views)


def _models(settings: Settings, before: ProductContracts, after: ProductContracts) -> list[Node]:
    """The models and tests of the dbt project, which may still use columns that are gone."""
    columns: dict[str, list[str]] = {}
    for contract in (*after.promises.values(), *before.promises.values()):
        columns.setdefault(f"{contract.layer}/{contract.dataset}", []).extend(column.name for column in contract.columns)
    return project_lineage(settings.dbt_project, columns)


def _sides(settings: Settings, old: str, new: str | None) -> tuple[ProductContracts, ProductContracts]:
    """What is promised on both sides; older major versions were judged when they were the highest."""
    if new is None:
        folder = find_product(settings).contracts
        return _at_ref(folder, old), load_product(folder)
    paths = Path(old), Path(new)
    if all(path.is_file() for path in paths):
        before, after = (read_contract(path) for path in paths)
        if type(before) is not type(after):
            hint = "One lands, the other is computed: nothing of them can be compared."
            raise SettingsError(f"Tried to compare {old} with {new}; they are contracts of two kinds.", hint=hint)
        return _alone(before), _alone(after)
    if not all(path.is_dir() for path in paths):
        hint = "Give two files, two folders, or one git ref."
        raise SettingsError(f"Tried to compare {old} with {new}; they are not two files, and not two folders.", hint=hint)
    for path in paths:
        require_contracts(path)
    return load_product(paths[0]), load_product(paths[1])


def _alone(contract: AnyContract) -> ProductContracts:
    if isinstance(contract, GoldContract):
        return ProductContracts(models={contract.dataset: contract})
    return ProductContracts({contract.dataset: contract})


def _at_ref(folder: Path, ref: str) -> ProductContracts:
    """The contracts of a folder as they were at a ref of its git repository; none if the folder was not there then."""
    found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if found is None:
        hint = "Such as HEAD or origin/main."
        raise SettingsError(f"Tried to read the contracts at {ref!r}; git knows no such commit in {folder}.", hint=hint)
    commit = found.decode().strip()
    names = (_git(folder, "ls-tree", "-r", "--name-only", commit, "./") or b"").decode().splitlines()
    with TemporaryDirectory() as scratch:
        for name in names:
            if name.endswith(SUFFIX):
                Path(scratch, name).parent.mkdir(parents=True, exist_ok=True)
                Path(scratch, name).write_bytes(_git(folder, "show", f"{commit}:./{name}") or b"")
        try:
            return load_product(Path(scratch))
        except ContractInvalid as error:
            raise ContractInvalid(error.message.replace(f"{scratch}/", f"{ref}:"), hint=error.hint) from error


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None when it fails."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, check=False)
    except FileNotFoundError as missing:
        hint = "Compare two folders instead."
        raise SettingsError("Tried to read contracts of another commit; git is not installed.", hint=hint) from missing
    return done.stdout if done.returncode == 0 else None
