"""Custom properties: what Assay needs and the standard has no field for, read so that a misspelt name cannot pass.

A property that names another vendor is meant for another tool and is left alone. One that names none, or Assay, must be known at its place
(`custom_vocabulary.py`), wherever in the document it stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts.documents.custom_vocabulary import COLUMN, GOLD_TABLE, NONE, NOWHERE, RELATIONSHIP, SERVER, TABLE, VENDOR, Keys
from assay.contracts.language.names import nearest, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.documents.custom_vocabulary import Check
    from assay.contracts.documents.document import Document, Finding, Place

KEY = "customProperties"
GOLD = "gold."  # how the physical name of a gold model begins
WITHIN = (KEY, "arguments", "implementation", "examples")  # hold no element that Assay reads


@dataclass(frozen=True, slots=True)
class Custom:
    """The custom properties of one element whose values are sound: by name, and where each value stands."""

    values: Mapping[str, Any]
    places: Mapping[str, Place]


def is_gold(item: object) -> bool:
    """Whether an object of the schema is a gold model, which dbt computes; anything else lands.

    Its physical name says so, or its event time: that of a model is a column, that of a dataset an expression.
    """
    if not isinstance(item, dict):
        return False
    said = [one.get("value") for one in item.get("customProperties") or () if isinstance(one, dict) and one.get("property") == "eventTime"]
    return str(item.get("physicalName", "")).startswith(GOLD) or any(isinstance(value, dict) and "column" in value for value in said)


def read_custom(document: Document, place: Place) -> Custom:
    """The custom properties of Assay's at an element, without those that are unknown or have a fault."""
    values: dict[str, Any] = {}
    places: dict[str, Place] = {}
    known = _known_at(document, place)
    for item, here in _own(document, place):
        name = item["property"]
        if name in known and not list(_value_faults(document, item, here, known[name])):
            values[name], places[name] = item["value"], (*here, "value")
    return Custom(values, places)


def custom_names(document: Document, place: Place) -> frozenset[str]:
    """The names of Assay's custom properties at an element, whether or not they have a fault."""
    return frozenset(item["property"] for item, _ in _own(document, place))


def custom_faults(document: Document) -> Iterator[Finding]:
    """Every custom property of the document that is not known where it stands, is there twice, or has a value that cannot be."""
    for place in _holders(document.body, ()):
        known, seen = _known_at(document, place), set[str]()
        yield from _vendor_faults(document, place)
        for item, here in _own(document, place):
            name = item["property"]
            if name not in known:
                hint = suggest(name, known) if known else f"Say `vendor` if it is for another tool than {VENDOR}."
                yield document.finding(f"unknown custom property {name!r}", (*here, "property"), hint)
            elif name in seen:
                yield document.finding(f"the custom property {name!r} is there twice", (*here, "property"))
            else:
                yield from _value_faults(document, item, here, known[name])
            seen.add(name)


def _holders(node: object, place: Place) -> Iterator[Place]:
    if isinstance(node, dict):
        if KEY in node:
            yield place
        for key, value in node.items():
            if key not in WITHIN:
                yield from _holders(value, (*place, key))
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from _holders(item, (*place, number))


def _own(document: Document, place: Place) -> Iterator[tuple[Mapping[str, Any], Place]]:
    for item, here in document.entries((*place, KEY)):
        if item.get("vendor", VENDOR) == VENDOR and isinstance(item.get("property"), str):
            yield item, here


def _vendor_faults(document: Document, place: Place) -> Iterator[Finding]:
    for item, here in document.entries((*place, KEY)):
        vendor = item.get("vendor", VENDOR)
        if vendor != VENDOR and nearest(vendor, [VENDOR]):
            yield document.finding(f"the vendor {vendor!r} is not {VENDOR!r}", (*here, "vendor"), suggest(vendor, [VENDOR]))


def _known_at(document: Document, place: Place) -> Mapping[str, Keys | Check]:
    """What may be said of the element at a place: a published table or column, a server, a relationship."""
    if place[:1] == ("servers",) and len(place) == 2:
        return SERVER
    if place[:1] != ("schema",) or document.at((*place[:2], "physicalType")) == "file":
        return NOWHERE
    if len(place) >= 4 and place[-2] == "relationships":
        return RELATIONSHIP
    table = GOLD_TABLE if is_gold(document.at(place[:2])) else TABLE
    return {2: table, 4: COLUMN if place[2:3] == ("properties",) else NOWHERE}.get(len(place), NOWHERE)


def _value_faults(document: Document, item: Mapping[str, Any], here: Place, known: Keys | Check) -> Iterator[Finding]:
    name, value, place = item["property"], item["value"], (*here, "value")
    if not isinstance(known, Keys):
        if found := known(value):
            yield document.finding(found[0], place, found[1])
    elif known.or_none and value == NONE:
        if not item.get("description"):
            yield document.finding(f"{name} is none, and no description says why", here, "Give the custom property a `description`.")
    elif known.many and isinstance(value, list):
        for number, one in enumerate(value):
            yield from _mapping_faults(document, name, one, (*place, number), known)
    elif known.many:
        yield document.finding(f"{name} is no list", place, f"Each entry has {', '.join(known.all)}.")
    else:
        yield from _mapping_faults(document, name, value, place, known)


def _mapping_faults(document: Document, name: str, value: object, place: Place, known: Keys) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield document.finding(f"{name} is no mapping", place, f"{name} has {', '.join(known.all)}.")
        return
    for key in value:
        if key not in known.all:
            yield document.finding(f"{name} has the unknown key {key!r}", (*place, key), suggest(key, known.all))
    for key in known.required:
        if key not in value:
            yield document.finding(f"{name} lacks {key!r}", place, f"{name} has {', '.join(known.all)}.")
    for key, check in known.all.items():
        if key in value and (found := check(value[key])):
            yield document.finding(found[0], (*place, key), found[1])
