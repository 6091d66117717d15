"""Names that a column cannot have: those of columns that Assay adds, those that an engine reads as something else, and one name twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.contracts.elements import column_items
from assay.contracts.model import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.contracts.document import Document, Finding, Place

OWN = "__assay_"  # how the names of columns begin that exist only while a step works
ADDED = {
    ARRIVAL: "bronze", EVENT_DATE: "bronze", SOURCE_FILE: "bronze", SOURCE_ROW: "bronze", SOURCE_HASH: "bronze", "_partition": "quarantine",
}  # fmt: skip


def unusable(name: str) -> str | None:
    """Why no column of what lands, or of what is published from it, can have a name; None if one can."""
    if name.lower() in ADDED:
        return f"{name!r} is a column that Assay adds to {ADDED[name.lower()]}"
    if name.lower().startswith(OWN):
        return f"{name!r} begins as the columns do that Assay works with"
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        return f"{name!r} is read as a pattern of names by the engine"
    return None


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
