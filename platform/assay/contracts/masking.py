"""Masking that fits its column: each method is for some types, and none for what tells rows or partitions apart.

What masking does to a value is not here: this is only which contracts make sense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.contracts.model import Masking, MaskingMethod

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.custom import Custom
    from assay.contracts.document import Document, Finding, Place

DATE_PARTS = {"date": ("year", "month"), "timestamp": ("year", "month", "day")}
NUMBERS = ("integer", "number")
ONLY_TEXT = (MaskingMethod.TOKENIZE, MaskingMethod.TRUNCATE, MaskingMethod.ENCRYPT)
KEEPS_KEYS = (MaskingMethod.TOKENIZE, MaskingMethod.ENCRYPT)
ARGUMENT = {MaskingMethod.TRUNCATE: "keep", MaskingMethod.GENERALIZE: "to"}


def read_masking(custom: Custom) -> Masking | None:
    """How a column is masked, from the custom properties of a contract without faults."""
    said = custom.values.get("masking")
    return Masking(MaskingMethod(said["method"]), said.get("keep"), said.get("to")) if said else None


def masking_faults(document: Document, item: Mapping[str, Any], custom: Custom) -> Iterator[Finding]:
    """Everything in which a column's masking contradicts its type, its key, its partition, or itself."""
    masking = read_masking(custom)
    if masking is None:
        return
    method, kind, here = masking.method, item["logicalType"], custom.places["masking"]
    for name in ("keep", "to"):
        if (ARGUMENT.get(method) == name) is not (getattr(masking, name) is not None):
            complaint = f"{method} needs {name!r}" if ARGUMENT.get(method) == name else f"{method} has no {name!r}"
            yield document.finding(complaint, (*here, name))
    if masking.keep == 0:
        yield document.finding("truncate keeps no character", (*here, "keep"), f"Use the method {MaskingMethod.NULLIFY}.")
    if method in ONLY_TEXT and kind != "string":
        yield document.finding(f"{method} is for strings, and the column is a {kind}", (*here, "method"))
    if method is MaskingMethod.GENERALIZE and masking.to is not None:
        yield from _width_faults(document, kind, masking.to, here)
    if method is MaskingMethod.NULLIFY and item.get("required"):
        yield document.finding("nullify of a required column", (*here, "method"), "Make the column optional.")
    if item.get("primaryKey") and method not in KEEPS_KEYS:
        hint = f"Rows of different keys would become rows of one key. Use the method {MaskingMethod.TOKENIZE}."
        yield document.finding(f"{method} of a key column", (*here, "method"), hint)
    if item.get("partitioned"):
        yield document.finding("the partition column is masked", here, "Readers find partitions by its value.")


def _width_faults(document: Document, kind: str, to: str | float, here: Place) -> Iterator[Finding]:
    if kind in DATE_PARTS:
        if to not in DATE_PARTS[kind]:
            yield document.finding(f"a {kind} cannot be generalized to {to!r}", (*here, "to"), f"Known: {', '.join(DATE_PARTS[kind])}.")
    elif kind not in NUMBERS:
        yield document.finding(f"generalize is for numbers and dates, and the column is a {kind}", (*here, "method"))
    elif isinstance(to, str) or (kind == "integer" and to != int(to)):
        yield document.finding(f"a {kind} cannot be generalized to {to!r}", (*here, "to"), "Give a width, such as 10.")
