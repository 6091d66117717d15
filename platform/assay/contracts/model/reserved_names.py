"""Reserved names: those of columns that Assay adds, and those that an engine would read as something else."""

from __future__ import annotations

from assay.contracts.model.contract import ARRIVAL, EVENT_DATE, SOURCE_FILE, SOURCE_HASH, SOURCE_ROW

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
