"""Contracts compared from the command line: two files, two folders, or a git ref with the working tree.

Which changes there are and what they mean is decided in `contracts.evolution`, what they reach in `gold.impact`.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from assay.cli.printing_changes import Report, print_report
from assay.cli.product import find_product
from assay.contracts.evolution import compare, compare_all
from assay.contracts.odcs import load_product, read_contract
from assay.errors import ContractInvalid, SettingsError
from assay.gold.dbt_runner import DbtFailed
from assay.gold.lineage import project_lineage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.odcs import AnyContract
    from assay.settings import Settings

    Contracts = Mapping[str, AnyContract]

SUFFIX = ".odcs.yaml"


def compare_contracts(settings: Settings, old: str, new: str | None, *, as_json: bool, lineage: bool) -> bool:
    """Compare and print. False if a version is not enough for its changes."""
    report = _report(settings, old, new, lineage=lineage)
    print_report(report, as_json=as_json)
    return report.enough


def _report(settings: Settings, old: str, new: str | None, *, lineage: bool) -> Report:
    today = datetime.now(UTC).date()
    before, after = _sides(settings, old, new)
    if new is not None and Path(new).is_file():
        one = compare(next(iter(before.values())), next(iter(after.values())), today)
        found = [one] if one.changes or one.complaint else []
        around: Contracts = _promises(find_product(settings).contracts)
    else:
        found, around = compare_all(before, after, today), after
    concerned = any(change.breaks or change.verdict.privacy for one in found for change in one.changes)
    if not (lineage and concerned):
        return Report(found, around, [], "it was not asked for." if concerned else "")
    columns: dict[str, list[str]] = {}
    for contract in (*after.values(), *before.values()):
        columns.setdefault(f"{contract.layer}/{contract.dataset}", []).extend(column.name for column in contract.columns)
    try:
        return Report(found, around, project_lineage(settings.dbt_project, columns))
    except DbtFailed as error:
        return Report(found, around, [], error.message)


def _sides(settings: Settings, old: str, new: str | None) -> tuple[Contracts, Contracts]:
    if new is None:
        folder = find_product(settings).contracts
        return _at_ref(folder, old), _promises(folder)
    paths = Path(old), Path(new)
    if all(path.is_file() for path in paths):
        before, after = (read_contract(path) for path in paths)
        if type(before) is not type(after):
            hint = "One lands, the other is computed: nothing of them can be compared."
            raise SettingsError(f"Tried to compare {old} with {new}; they are contracts of two kinds.", hint=hint)
        return {before.dataset: before}, {after.dataset: after}
    if not all(path.is_dir() for path in paths):
        hint = "Give two files, two folders, or one git ref."
        raise SettingsError(f"Tried to compare {old} with {new}; they are not two files, and not two folders.", hint=hint)
    return _promises(paths[0]), _promises(paths[1])


def _promises(folder: Path) -> Contracts:
    """What holds now of the datasets and gold models of a folder; older major versions have been judged when they were the highest."""
    return load_product(folder).promises


def _at_ref(folder: Path, ref: str) -> Contracts:
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
            return _promises(Path(scratch))
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
