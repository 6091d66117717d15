"""The policy: what every contract owes its readers beyond being right. `assay contracts policy` asks for it, in CI.

A contract that breaks it could be published all the same, so this is apart from the faults: owner and event time are asked for there. Each
function below is one rule; `POLICY` lists them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.documents.custom_properties import read_custom
from assay.contracts.documents.document import Document
from assay.contracts.documents.supported import CLASSIFICATIONS
from assay.contracts.documents.tables import FILE, column_items, objects, tables
from assay.contracts.model.contract import Contract
from assay.contracts.model.sensitivity import SENSITIVE, landing_classifications, read_columns
from assay.contracts.reading.examine import examined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from assay.contracts.documents.document import Finding
    from assay.contracts.reading.odcs import AnyContract

    Policy = Callable[[Document, AnyContract], Iterator[Finding]]

ONE_OF = f"One of {', '.join(CLASSIFICATIONS)}."


def policed(paths: Iterable[Path]) -> tuple[dict[Path, AnyContract], list[Finding]]:
    """The contracts at these paths that keep the policy, by file, and everything that is wrong with the others, faults included."""
    kept, findings = examined(paths)
    for path, contract in list(kept.items()):
        document = Document.load(path)
        if found := [finding for rule in POLICY for finding in rule(document, contract)]:
            findings += found
            del kept[path]
    return kept, sorted(findings, key=lambda one: (str(one.file), one.line))


def dataset_is_described(document: Document, contract: AnyContract) -> Iterator[Finding]:
    """What the rows are, and what one of them stands for."""
    place = tables(document)[0].place
    if not contract.description.strip():
        yield document.finding("the dataset has no description", (*place, "description"), "Say in a sentence what its rows are.")
    if not contract.granularity.strip():
        hint = "Such as: one row per order."
        yield document.finding("nothing says what one row is", (*place, "dataGranularityDescription"), hint)


def columns_are_described(document: Document, contract: AnyContract) -> Iterator[Finding]:
    """Every published column says what it holds."""
    columns = {column.name: column for column in contract.columns}
    for item, place in column_items(document, tables(document)[0].place):
        if not columns[item["name"]].description.strip():
            yield document.finding(f"the column {item['name']!r} has no description", (*place, "description"), "Readers see it everywhere.")


def columns_are_classified(document: Document, contract: AnyContract) -> Iterator[Finding]:
    """Every column says who may read it, published or landed; a landed one may be as its published columns are."""
    for item, place in column_items(document, tables(document)[0].place):
        if "classification" not in item:
            yield document.finding(f"the column {item['name']!r} has no classification", (*place, "classification"), ONE_OF)
    if not isinstance(contract, Contract):
        return  # what gold reads has contracts of its own
    known = landing_classifications(contract)
    for item, place in column_items(document, objects(document, FILE)[0][1]):
        if not known[item["name"]]:
            complaint = f"nothing classifies the landing column {item['name']!r}, which bronze keeps as received"
            yield document.finding(complaint, (*place, "classification"), ONE_OF)


def nothing_sensitive_is_published_open(document: Document, contract: AnyContract) -> Iterator[Finding]:
    """No personal or restricted value is published under another name with a milder classification.

    A column that is classified so is masked by default, and what a gold model reads is masked already.
    """
    if not isinstance(contract, Contract):
        return
    landed = dict(zip(contract.source.columns, contract.source.classifications, strict=True))
    columns = {column.name: column for column in contract.columns}
    for item, place in column_items(document, tables(document)[0].place):
        column = columns[item["name"]]
        said = [name for name in read_columns(column, contract.source.columns) if landed[name] in SENSITIVE]
        if said and not column.masking:
            kind = column.classification or "unclassified"
            complaint = f"the {kind} column {column.name!r} is made from {said[0]!r}, which is {landed[said[0]]}"
            yield document.finding(complaint, place, "Give it the custom property masking, or leave it out of what is published.")


def relationships_are_described(document: Document, contract: AnyContract) -> Iterator[Finding]:  # noqa: ARG001  # a rule of the policy
    """Every rule has words of its own; those of bounds and types have them by themselves, others are asked for by the faults."""
    table = tables(document)[0].place
    for holder in (table, *(place for _, place in column_items(document, table))):
        for _, place in document.entries((*holder, "relationships")):
            if "description" not in read_custom(document, place).values:
                hint = "Give it the custom property description: people read it beside their quarantined rows."
                yield document.finding("the relationship has no description", place, hint)


POLICY: tuple[Policy, ...] = (
    dataset_is_described,
    columns_are_described,
    columns_are_classified,
    nothing_sensitive_is_published_open,
    relationships_are_described,
)
