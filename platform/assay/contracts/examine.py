"""Examine contracts: every fault of every file at once, for whoever writes them. Loading (`odcs.py`) stops at the first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.document import Document, Finding
from assay.contracts.odcs import PATTERN, read_documents
from assay.contracts.trial import trial_faults

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from assay.contracts.model import Contract


def examine(paths: Iterable[Path]) -> list[Finding]:
    """All faults of the contracts at these paths, files or folders of them, in the order of folders, files and lines.

    What a contract refers to is looked for among the contracts beside it, whose own faults are not told.
    """
    return examined(paths)[1]


def examined(paths: Iterable[Path]) -> tuple[dict[Path, Contract], list[Finding]]:
    """The contracts without faults, by file, and all faults of the others."""
    good: dict[Path, Contract] = {}
    findings: list[Finding] = []
    by_folder: dict[Path, list[Path]] = {}
    for path in paths:
        for file in sorted(path.glob(PATTERN)) if path.is_dir() else [path]:
            by_folder.setdefault(file.parent, []).append(file)
    for folder, asked in by_folder.items():
        documents = [Document.load(path) for path in sorted({*asked, *folder.glob(PATTERN)})]
        contracts, found = read_documents(documents)
        for document in documents:
            if document.path in asked:
                contract = contracts.get(document.path)
                told = [one for one in found if one.file == document.path]
                told += trial_faults(document, contract) if contract else ()
                findings += told
                if contract and not told:
                    good[document.path] = contract
    return good, findings
