"""Masking that fits its column: each method is for some types, and none for what tells rows or partitions apart.

A sensitive column that says no masking has one all the same: text becomes a token, anything else null. What a method does to a value is not
here (`assay.masking`): this is only which contracts make sense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assay.contracts.documents.custom_properties import read_custom
from assay.contracts.model.contract import Masking, MaskingMethod
from assay.contracts.model.sensitivity import SENSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.documents.custom_properties import Custom
    from assay.contracts.documents.document import Document, Finding, Place

DATE_PARTS = {"date": ("year", "month"), "timestamp": ("year", "month", "day")}
NUMBERS, TEXT = ("integer", "number"), "string"
ONLY_TEXT = (MaskingMethod.TOKENIZE, MaskingMethod.TRUNCATE, MaskingMethod.ENCRYPT)
KEEPS_KEYS = (MaskingMethod.TOKENIZE, MaskingMethod.ENCRYPT)
ARGUMENT = {MaskingMethod.TRUNCATE: "keep", MaskingMethod.GENERALIZE: "to"}


def read_masking(custom: Custom, item: Mapping[str, Any], classification: str) -> Masking | None:
    """How a column is masked, in a contract without faults: as its custom properties say, or by default if it is sensitive."""
    said = custom.values.get("masking")
    if said:
        return Masking(MaskingMethod(said["method"]), said.get("keep"), said.get("to"))
    if classification not in SENSITIVE:
        return None
    return Masking(MaskingMethod.TOKENIZE if item.get("logicalType") == TEXT else MaskingMethod.NULLIFY)


def masking_faults(document: Document, item: Mapping[str, Any], place: Place, classification: str) -> Iterator[Finding]:
    """Everything in which a column's masking contradicts its type, its key, its partition, or itself."""
    custom = read_custom(document, place)
    masking = read_masking(custom, item, classification)
    if masking is None:
        return
    if "masking" not in custom.places:
        yield from _default_faults(document, item, place, classification)
        return
    yield from _argument_faults(document, masking, custom.places["masking"])
    yield from _column_faults(document, item, masking, custom.places["masking"])


def _argument_faults(document: Document, masking: Masking, here: Place) -> Iterator[Finding]:
    method = masking.method
    for name in ("keep", "to"):
        if (ARGUMENT.get(method) == name) is not (getattr(masking, name) is not None):
            complaint = f"{method} needs {name!r}" if ARGUMENT.get(method) == name else f"{method} has no {name!r}"
            yield document.finding(complaint, (*here, name))
    if masking.keep == 0:
        yield document.finding("truncate keeps no character", (*here, "keep"), f"Use the method {MaskingMethod.NULLIFY}.")


def _column_faults(document: Document, item: Mapping[str, Any], masking: Masking, here: Place) -> Iterator[Finding]:
    method, kind = masking.method, item["logicalType"]
    if method in ONLY_TEXT and kind != TEXT:
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


def _default_faults(document: Document, item: Mapping[str, Any], place: Place, classification: str) -> Iterator[Finding]:
    """A sensitive column that the default does not fit: nothing can stand for its values, and they must not be published."""
    if item.get("partitioned"):
        hint = "Readers find partitions by its value. Classify it as internal."
        yield document.finding(f"the partition column is {classification}, and cannot be masked", place, hint)
    elif item["logicalType"] != TEXT and item.get("primaryKey"):
        hint = "Publish it as a string: then a token stands for each value."
        yield document.finding(f"the key column is {classification}, and a {item['logicalType']} cannot become a token", place, hint)
    elif item["logicalType"] != TEXT and item.get("required"):
        hint = "Give it the method generalize, or make it optional."
        yield document.finding(f"it is {classification} and required, and a {item['logicalType']} is masked as null", place, hint)


def subject_faults(document: Document, item: Mapping[str, Any], place: Place) -> Iterator[Finding]:
    """A column that names a person, and whose text cannot be found again in what landed: then that person could not be erased."""
    custom = read_custom(document, place)
    if "subject" in custom.values and "transformLogic" not in item and "transformDescription" in item:
        hint = "Read it from one landing column, or by a transformLogic."
        yield document.finding("a transform fills the column of a subject", custom.places["subject"], hint)


def _width_faults(document: Document, kind: str, to: str | float, here: Place) -> Iterator[Finding]:
    if kind in DATE_PARTS:
        if to not in DATE_PARTS[kind]:
            yield document.finding(f"a {kind} cannot be generalized to {to!r}", (*here, "to"), f"Known: {', '.join(DATE_PARTS[kind])}.")
    elif kind not in NUMBERS:
        yield document.finding(f"generalize is for numbers and dates, and the column is a {kind}", (*here, "method"))
    elif isinstance(to, str) or (kind == "integer" and to != int(to)):
        yield document.finding(f"a {kind} cannot be generalized to {to!r}", (*here, "to"), "Give a width, such as 10.")
