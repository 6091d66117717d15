"""What a contract's parts say together: contradictions that no single field shows.

Looked for once a contract has been read, and once all of a folder have been. Each is a ContractInvalid with file and line.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from assay.contracts.compile import arrow_type
from assay.contracts.model import Grain
from assay.errors import ContractInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.document import Document, Place
    from assay.contracts.model import Column, Contract

FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def refuse_contradictions(document: Document, contract: Contract, table: Place) -> None:
    """Raise ContractInvalid for two rules or columns of one name, a column that nothing fills, a key that may be null, and the like."""
    _refuse_repeated_names(document, contract, table)
    for number, column in enumerate(contract.columns):
        _refuse_unfilled(document, contract, column, (*table, "properties", number))
    if contract.partitioning.grain is not Grain.NONE and contract.event_time is None:
        raise document.fault("a partitioned table needs the custom property eventTime", table)
    if contract.transform and not FUNCTION.fullmatch(contract.transform):
        raise document.fault(
            f"the transform {contract.transform!r} is no module:function", table, hint="Such as flights.transforms:conform_flights."
        )


def _refuse_repeated_names(document: Document, contract: Contract, table: Place) -> None:
    for what, names in (
        ("column", [column.name for column in contract.columns]),
        ("landing column", list(contract.source.columns)),
        ("rule", [rule.name for rule in contract.rules] + [rule.name for rule in contract.dataset_rules]),
    ):
        name, times = Counter(names).most_common(1)[0] if names else ("", 0)
        if times > 1:
            raise document.fault(f"{times} {what}s have the name {name!r}", table, hint="Broken rows are counted by the rule's name.")


def _refuse_unfilled(document: Document, contract: Contract, column: Column, place: Place) -> None:
    try:
        arrow_type(column)
    except ContractInvalid as error:
        raise document.fault(error.message.rstrip("."), (*place, "physicalType"), error.hint) from error
    is_partition = column.name == contract.partitioning.column
    if not (column.source or column.expression or is_partition or contract.transform):
        hint = "Name one landing column in transformSourceObjects, or give transformLogic or a transform."
        raise document.fault(f"nothing fills the column {column.name!r}", place, hint)
    if column.logical_type == "timestamp" and (column.source or column.expression) and column.format is None:
        raise document.fault(
            "a timestamp that is read from text needs logicalTypeOptions.format", place, hint="Such as yyyy-MM-dd'T'HH:mm:ssXXX."
        )
    if column.name in contract.key and not column.required:
        hint = "Rows without a key would be taken for duplicates of each other."
        raise document.fault(f"the key column {column.name!r} is not required", place, hint)


def refuse_unknown_references(document: Document, contract: Contract, contracts: Mapping[str, Contract]) -> None:
    """Raise ContractInvalid for a relationship with a column that no contract defines, of another type, or of the dataset itself."""
    columns = {(name, column.name): column for name, other in contracts.items() for column in other.columns}
    for table, item in enumerate(document.body["schema"]):
        for number, found in enumerate(item["properties"]):
            for rank, relationship in enumerate(found.get("relationships", [])):
                place = ("schema", table, "properties", number, "relationships", rank, "to")
                _refuse_unknown_target(document, contract, columns, (found["name"], relationship["to"]), place)


def _refuse_unknown_target(
    document: Document, contract: Contract, columns: Mapping[tuple[str, str], Column], pair: tuple[str, str], place: Place
) -> None:
    name, target = pair
    dataset, _, column = target.rpartition(".")
    datasets = dict.fromkeys(known for known, _ in columns)
    if (dataset, column) not in columns:
        raise document.fault(f"{target} is defined by no contract here", place, hint=f"Datasets here: {', '.join(datasets)}.")
    if dataset == contract.dataset:
        raise document.fault("a dataset cannot refer to itself", place, hint="Its rows are not published while they are judged.")
    mine, theirs = columns[contract.dataset, name], columns[dataset, column]
    if arrow_type(mine) != arrow_type(theirs):
        raise document.fault(f"{name} is {arrow_type(mine)}, {target} is {arrow_type(theirs)}", place)
