"""Sensitivity in a document: what a published column has from the landing columns that it is made from, and where two say the opposite.

Documents may have faults of other kinds; the same of sound contracts is `model/sensitivity.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.contracts.documents.custom_properties import read_custom
from assay.contracts.documents.tables import FILE, column_items, objects
from assay.contracts.language.paths import roots_of
from assay.contracts.language.sql import NotReadable, columns_in
from assay.contracts.model.sensitivity import SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.documents.document import Document, Finding, Place
    from assay.contracts.documents.tables import Table


def inherited_classes(document: Document, table: Table) -> dict[str, str]:
    """The sensitive classification of each published column that says none and is made from a landing column that has one.

    A landing column has that which it says, or that of a published column which is nothing but a copy of it.
    """
    landing: dict[str, str] = {}
    for _, place in objects(document, FILE)[:1]:
        for item, _ in column_items(document, place):
            _raise_to(landing, item["name"], item.get("classification", ""))
    for item in table.columns.values():
        if (source := _copied(item, table)) is not None:
            _raise_to(landing, source, item.get("classification", ""))
    found: dict[str, str] = {}
    columns = [item["name"] for _, place in objects(document, FILE)[:1] for item, _ in column_items(document, place)]
    for path, root in roots_of(table.landing or (), columns).items():
        _raise_to(landing, path, landing.get(root, ""))
    for name, item in table.columns.items():
        for source in _made_from(item, table) if "classification" not in item else ():
            _raise_to(found, name, landing.get(source, ""))
    return found


def _raise_to(classes: dict[str, str], name: str, classification: str) -> None:
    if classification in SENSITIVE and classes.get(name) != SENSITIVE[-1]:
        classes[name] = classification


def _copied(item: Mapping[str, Any], table: Table) -> str | None:
    """The landing column that a published column only copies."""
    if "transformLogic" in item or "transformDescription" in item:
        return None
    named = _made_from(item, table)
    return named[0] if len(named) == 1 else None


def _made_from(item: Mapping[str, Any], table: Table) -> tuple[str, ...]:
    known = table.landing or ()
    try:
        said = columns_in(item["transformLogic"], known) if isinstance(item.get("transformLogic"), str) else ()
    except NotReadable:
        said = ()  # a finding of its own
    named = item.get("transformSourceObjects") or (() if said or "transformDescription" in item else (item["name"],))
    return tuple(dict.fromkeys(name for name in (*named, *said) if name in known))


def copy_faults(document: Document, table: Table) -> Iterator[Finding]:
    """Columns that publish as open, and unmasked, what lands as sensitive or is masked beside them."""
    strong: dict[str, str] = {}
    for _, place in objects(document, FILE)[:1]:
        strong |= {item["name"]: "lands" for item, _ in column_items(document, place) if item.get("classification") in SENSITIVE}
    items = [(item, place) for item, place in column_items(document, table.place) if not item.get("partitioned")]
    for item, _ in items:
        if item.get("classification") in SENSITIVE and (source := _copied(item, table)) is not None:
            strong.setdefault(source, f"is published by {item['name']}")
    for item, place in items:
        open_, source = item.get("classification", "") not in ("", *SENSITIVE), _copied(item, table)
        if open_ and source in strong and not _is_masked(document, place):
            hint = "Classify it so too, give it a masking, or read it by a transformLogic that leaves out what is personal."
            here = (*place, "classification")
            yield document.finding(f"it is {item['classification']}, and {source} {strong[source]} as personal or restricted", here, hint)


def _is_masked(document: Document, place: Place) -> bool:
    return "masking" in read_custom(document, place).values
