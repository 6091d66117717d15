"""Examine contracts: every fault of every file at once, for whoever writes them. Loading (`odcs.py`) stops at the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.documents.document import Document, Finding
from assay.contracts.model.gold_contract import GoldContract
from assay.contracts.reading.odcs import PATTERN, read_documents
from assay.contracts.reading.trial import trial_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from assay.contracts.reading.odcs import AnyContract

    GoldTrial = Callable[[Document, GoldContract, GoldContract], Iterable[Finding]]


def examine(paths: Iterable[Path], gold_trial: GoldTrial | None = None) -> list[Finding]:
    """All faults of the contracts at these paths, files or folders of them, in the order of folders, files and lines.

    What a contract refers to is looked for among the contracts around it, whose own faults are not told.
    """
    return examined(paths, gold_trial)[1]


def examined(paths: Iterable[Path], gold_trial: GoldTrial | None = None) -> tuple[dict[Path, AnyContract], list[Finding]]:
    """The contracts without faults, by file, and all faults of the others. `gold_trial` judges what only gold's engine can tell."""
    good: dict[Path, AnyContract] = {}
    findings: list[Finding] = []
    by_root: dict[Path, list[Path]] = {}
    for path in paths:
        for file in sorted(path.rglob(PATTERN)) if path.is_dir() else [path]:
            by_root.setdefault(path if path.is_dir() else _root(file), []).append(file)
    for root, asked in by_root.items():
        documents = [Document.load(path) for path in sorted({*asked, *root.rglob(PATTERN)})]
        contracts, found = read_documents(documents)
        for document in documents:
            if document.path in asked:
                told = [one for one in found if one.file == document.path]
                told += _tried(document, contracts, gold_trial)
                findings += told
                if document.path in contracts and not told:
                    good[document.path] = contracts[document.path]
    return good, findings


def _root(file: Path) -> Path:
    """The folder of all contracts that belong together: those of gold lie in a folder below those of what lands."""
    above = file.parent.parent
    return above if any(above.glob(PATTERN)) else file.parent


def _tried(document: Document, contracts: dict[Path, AnyContract], gold_trial: GoldTrial | None) -> Iterator[Finding]:
    contract = contracts.get(document.path)
    if isinstance(contract, GoldContract):
        majors = [one for one in contracts.values() if isinstance(one, GoldContract) and one.dataset == contract.dataset]
        if gold_trial is not None:
            yield from gold_trial(document, contract, max(majors, key=lambda one: one.major))
    elif contract is not None:
        yield from trial_faults(document, contract)
