"""Custom properties: what Assay needs and the standard has no field for, read so that a misspelt name cannot pass.

A property that names another vendor is meant for another tool and is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.contracts.document import Document, Place

VENDOR = "assay"


@dataclass(frozen=True, slots=True)
class Keys:
    """What the value of a custom property holds if it is a mapping; `or_none` allows the word `none` instead."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    or_none: bool = False


TABLE: Mapping[str, Keys | None] = {
    "eventTime": Keys(("expression", "format", "timeZone"), ("sourceTimeZone",), or_none=True),
    "partitioning": Keys(("grain", "start"), ("end",)),
    "arrival": Keys(("grain", "start"), ("end", "lateness")),
    "transform": None,
    "rejectedShare": Keys(("mustBeLessThan",)),
}
SERVER: Mapping[str, Keys | None] = {"nullValues": None}
COLUMN: Mapping[str, Keys | None] = {"unit": None}
RELATIONSHIP: Mapping[str, Keys | None] = {"name": None, "severity": None, "description": None}


@dataclass(frozen=True, slots=True)
class Custom:
    """The custom properties of one element: their values by name, and where each value stands."""

    values: Mapping[str, Any]
    places: Mapping[str, Place]


def read_custom(document: Document, holder: Mapping[str, Any], place: Place, known: Mapping[str, Keys | None]) -> Custom:
    """Read the custom properties of the element at `place`. Raises ContractInvalid for a name, or a key of a value, that is not known."""
    values: dict[str, Any] = {}
    places: dict[str, Place] = {}
    for number, item in enumerate(holder.get("customProperties", [])):
        here: Place = (*place, "customProperties", number)
        name, value = item["property"], item["value"]
        if item.get("vendor", VENDOR) != VENDOR:
            continue
        if name not in known:
            raise document.fault(f"unknown custom property {name!r}", (*here, "property"), hint=f"Known: {', '.join(known)}.")
        keys = known[name]
        if keys is not None and not (keys.or_none and value == "none"):
            _refuse_other_keys(document, name, value, (*here, "value"), keys)
        values[name], places[name] = value, (*here, "value")
    return Custom(values, places)


def _refuse_other_keys(document: Document, name: str, value: object, place: Place, keys: Keys) -> None:
    known = (*keys.required, *keys.optional)
    hint = f"{name} has {', '.join(known)}."
    if not isinstance(value, dict):
        raise document.fault(f"{name} is no mapping", place, hint=hint)
    if unknown := [key for key in value if key not in known]:
        raise document.fault(f"{name} has the unknown key {unknown[0]!r}", (*place, unknown[0]), hint=hint)
    if missing := [key for key in keys.required if key not in value]:
        raise document.fault(f"{name} lacks {missing[0]!r}", place, hint=hint)
