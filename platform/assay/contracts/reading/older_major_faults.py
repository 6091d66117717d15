"""What is wrong with an older major version of a gold model: how each of its columns comes from those of the highest version.

What only an engine can tell, such as the type of an expression, is tried by `gold/trial.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.compiling.arrow_types import holds, said_type
from assay.contracts.documents.tables import column_items
from assay.contracts.language.names import suggest
from assay.contracts.reading.columns import expression_faults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table


def older_faults(document: Document, table: Table, current: Table) -> Iterator[Finding]:
    """Faults of an older major version, given the highest one."""
    if "deprecated" not in table.said or "until" not in table.custom.values.get("deprecated", {"until": ""}):
        hint = "Such as {property: deprecated, value: {since: 2.0.0, until: 2030-01-01, useInstead: v2.orders_daily}}."
        yield document.finding("an older major version says until when it stays: it needs deprecated with `until`", table.place, hint)
    if "reach" in table.said:
        yield document.finding("the reach is that of the highest major version", table.place, "Leave it out here.")
    for item, place in column_items(document, table.place):
        yield from _column_faults(document, item, place, current)
    ours = {source_of(table.columns[name]) for name, item in table.columns.items() if item.get("primaryKey")}
    theirs = {name for name, item in current.columns.items() if item.get("primaryKey")}
    if ours != theirs:
        hint = f"A view has the rows of the highest version, whose key is {', '.join(sorted(theirs))}. Publish other rows as another model."
        yield document.finding("the key is another than that of the highest major version", table.place, hint)


def source_of(item: Mapping[str, Any]) -> str | None:
    """The column of the highest version that a column is; None for one that is computed."""
    if "transformLogic" in item:
        return None
    named = item.get("transformSourceObjects", ())
    return str(named[0] if named else item["name"])


def _column_faults(document: Document, item: Mapping[str, Any], place: Place, current: Table) -> Iterator[Finding]:
    if "transformDescription" in item and "transformLogic" not in item:
        yield document.finding("a description computes nothing", (*place, "transformDescription"), "Give transformLogic as well.")
    if "transformLogic" in item:
        yield from expression_faults(document, item["transformLogic"], (*place, "transformLogic"), current.columns)
        return
    source, named = str(source_of(item)), item.get("transformSourceObjects", ())
    if len(named) > 1:
        yield document.finding("a column comes from one column, or from transformLogic", (*place, "transformSourceObjects"))
    elif source not in current.columns:
        where = (*place, "transformSourceObjects", 0) if named else place
        hint = f"Name one in transformSourceObjects, or give transformLogic. {suggest(source, current.columns)}"
        yield document.finding(f"{source!r} is no column of the highest major version", where, hint)
    else:
        mine, theirs = said_type(item), said_type(current.columns[source])
        if mine is not None and theirs is not None and mine != theirs and not holds(mine, theirs):
            hint = f"If they do, say so: transformLogic: CAST({source} AS ..)."
            yield document.finding(f"not every {theirs} of {source} fits into the promised {mine}", place, hint)
