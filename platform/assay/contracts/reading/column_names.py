"""Names that a column cannot have: those of columns that Assay adds, those that an engine reads as something else, and one name twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.documents.tables import column_items
from assay.contracts.model.reserved_names import unusable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.documents.document import Document, Finding, Place


def repeated_names(document: Document, place: Place) -> Iterator[Finding]:
    """Columns of an object whose names readers take for one: DuckDB, Spark and Delta do not tell capital letters from small ones."""
    seen: dict[str, str] = {}
    for item, here in column_items(document, place):
        name = item["name"]
        other = seen.setdefault(name.lower(), name)
        if other is not name:
            same = (
                f"there is another column {name!r}"
                if other == name
                else f"{name!r} and {other!r} are one column to DuckDB, Spark and Delta"
            )
            yield document.finding(same, (*here, "name"))


def unusable_names(document: Document, place: Place) -> Iterator[Finding]:
    """Columns of an object, of what lands or of what is published from it, that cannot be called so."""
    for item, here in column_items(document, place):
        if why := unusable(item["name"]):
            yield document.finding(why, (*here, "name"), "Give the column another name, in the file too if it lands.")
