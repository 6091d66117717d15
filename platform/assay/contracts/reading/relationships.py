"""Relationships: a value, or several together, that another dataset has. Each becomes a referential rule about a row.

A property names one column of another dataset; a table may name several columns of its own and as many of one other dataset.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from assay.contracts.compiling.arrow_types import said_type
from assay.contracts.documents.custom_properties import read_custom
from assay.contracts.documents.tables import column_items, tables
from assay.contracts.language.names import suggest
from assay.contracts.model.contract import Kind, Rule, Severity
from assay.contracts.model.sensitivity import is_keyed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table
    from assay.contracts.model.contract import Contract, Published

    Catalogue = Mapping[str, Mapping[str, Mapping[str, Any]]]

NAMED = re.compile(r"[^./#]+\.[^./#]+")


def column_references(document: Document, column: str, place: Place) -> Iterator[Rule]:
    """The rules of the relationships of one property, in a document without faults."""
    for item, here in document.entries((*place, "relationships")):
        dataset, _, target = _listed(item["to"])[0].rpartition(".")
        name, severity, description = _said(document, here, (column,), dataset)
        yield Rule(name, Kind.REFERENCE, severity, description, column, (dataset, target))


def table_references(document: Document, table: Table) -> Iterator[Rule]:
    """The rules of the relationships of a whole table, in a document without faults."""
    for item, here in document.entries((*table.place, "relationships")):
        columns = tuple(one.rpartition(".")[2] for one in _listed(item["from"]))
        targets = tuple(one.rpartition(".")[2] for one in _listed(item["to"]))
        dataset = _listed(item["to"])[0].rpartition(".")[0]
        name, severity, description = _said(document, here, columns, dataset)
        if len(columns) == 1:
            yield Rule(name, Kind.REFERENCE, severity, description, columns[0], (dataset, targets[0]))
        else:
            yield Rule(name, Kind.REFERENCE, severity, description, None, (dataset, targets), columns)


def _listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _said(document: Document, place: Place, columns: Sequence[str], dataset: str) -> tuple[str, Severity, str]:
    custom = read_custom(document, place).values
    description = custom.get("description", f"{' and '.join(columns)} {'is' if len(columns) == 1 else 'are together'} in {dataset}.")
    return custom.get("name", f"{'_'.join(columns)}_in_{dataset}"), Severity(custom.get("severity", "error")), description


def catalogue_of(documents: Iterable[Document]) -> Catalogue:
    """The published columns of all documents, by dataset and name, as the documents say them."""
    return {table.name: table.columns for document in documents for table in tables(document)}


def relation_faults(document: Document, table: Table, catalogue: Catalogue | None) -> Iterator[Finding]:
    """Every fault of the relationships of a published object and its properties; without a catalogue only their own."""
    for column, where in column_items(document, table.place):
        for item, place in document.entries((*where, "relationships")):
            targets = _listed(item["to"])
            if len(targets) != 1:
                hint = "Give it to the table, with as many columns in `from`."
                yield document.finding(f"one column cannot refer to {len(targets)}", (*place, "to"), hint)
            else:
                yield from _pair_faults(document, table, catalogue, (column["name"], targets[0]), (*place, "to"))
    for item, place in document.entries((*table.place, "relationships")):
        yield from _several_faults(document, table, catalogue, item, place)


def _several_faults(
    document: Document, table: Table, catalogue: Catalogue | None, item: Mapping[str, Any], place: Place
) -> Iterator[Finding]:
    own, targets = _listed(item["from"]), _listed(item["to"])
    if len(own) != len(targets):
        yield document.finding(f"{len(own)} columns cannot refer to {len(targets)}", (*place, "to"))
        return
    if len({target.rpartition(".")[0] for target in targets}) > 1:
        yield document.finding("it refers to more than one dataset", (*place, "to"), "Give one relationship for each.")
        return
    for rank, (mine, target) in enumerate(zip(own, targets, strict=True)):
        here: tuple[Place, Place] = ((*place, "from"), (*place, "to"))
        if isinstance(item["from"], list):
            here = ((*here[0], rank), (*here[1], rank))
        dataset, _, column = mine.rpartition(".")
        if dataset != table.name:
            yield document.finding(
                f"{mine} is not of {table.name}", here[0], suggest(mine, [f"{table.name}.{one}" for one in table.columns])
            )
        elif column not in table.columns:
            yield document.finding(f"{column!r} is no column", here[0], suggest(column, table.columns))
        else:
            yield from _pair_faults(document, table, catalogue, (column, target), here[1])


def _pair_faults(document: Document, table: Table, catalogue: Catalogue | None, pair: tuple[str, str], place: Place) -> Iterator[Finding]:
    name, target = pair
    dataset, _, column = target.rpartition(".")
    if not NAMED.fullmatch(target):
        yield document.finding(f"{target} is not of the form dataset.column", place, "Other notations of the standard are not read.")
    elif dataset == table.name:
        yield document.finding("a dataset cannot refer to itself", place, "Its rows are not published while they are judged.")
    elif catalogue is None:
        return
    elif column not in catalogue.get(dataset, {}):
        others = [dataset] if dataset in catalogue else [one for one in catalogue if one != table.name]
        known = [f"{one}.{other}" for one in others for other in catalogue[one]]
        yield document.finding(f"{target} is defined by no contract here", place, suggest(target, known))
    else:
        mine, theirs = said_type(table.columns[name]), said_type(catalogue[dataset][column])
        if mine is not None and theirs is not None and mine != theirs:
            yield document.finding(f"{name} is {mine}, {target} is {theirs}", place)


def lookup_faults(document: Document, contract: Published, contracts: Mapping[str, Contract]) -> Iterator[Finding]:
    """The references of a contract to columns whose values are masked beyond recognition: nothing can be looked up there."""
    for rule in contract.references:
        dataset, named = rule.argument
        known = {column.name: column for column in contracts[dataset].columns} if dataset in contracts else {}
        for name in (named,) if isinstance(named, str) else named:
            masking = known[name].masking if name in known else None
            if masking is not None and not is_keyed(masking):
                hint = "Mask it by tokenize or encrypt: equal values stay equal then."
                said = f"the rule {rule.name!r} looks into {dataset}.{name}, which is published by {masking.method}"
                yield document.finding(said, tables(document)[0].place, hint)
