"""The elements of a document that everything else looks at: what lands, what is published, and the names of their columns.

They are found even in a document with faults, so that one fault does not hide another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.contracts.documents.custom_properties import Custom, custom_names, is_gold, read_custom
from assay.contracts.language.paths import paths_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from assay.contracts.documents.document import Document, Place

FILE, TABLE = "file", "table"


@dataclass(frozen=True, slots=True)
class Table:
    """A published object: where it stands, its columns by name, its custom properties, and the landing columns if it is clear what lands.

    Paths into nested values, which it names, are landing columns too.

    `said` are the names of all its custom properties, those with faults as well.
    """

    body: Mapping[str, Any]
    place: Place
    columns: Mapping[str, Mapping[str, Any]]
    landing: tuple[str, ...] | None
    custom: Custom
    said: frozenset[str]

    @property
    def name(self) -> str:
        """The dataset."""
        return str(self.body["name"])

    @property
    def is_gold(self) -> bool:
        """Whether it is a gold model."""
        return is_gold(self.body)

    @property
    def has_transform(self) -> bool:
        """Whether a transform function fills what the contract cannot say."""
        return "transform" in self.said

    @property
    def partition(self) -> str | None:
        """The column that Assay fills from the event time."""
        return next((name for name, item in self.columns.items() if item.get("partitioned")), None)

    @property
    def readable(self) -> tuple[str, ...]:
        """The columns that a rule about a row can look at: the published ones, and the landing ones."""
        return tuple(dict.fromkeys((*self.columns, *(self.landing or ()))))


def is_gold_document(document: Document) -> bool:
    """Whether a document is about a gold model: one of its objects says so by its physical name."""
    return any(is_gold(item) for item, _ in document.entries(("schema",)))


def objects(document: Document, kind: str) -> list[tuple[Mapping[str, Any], Place]]:
    """The schema objects of a physical type that have a name and properties."""
    return [(item, place) for item, place in _objects(document) if item.get("physicalType") == kind]


def _objects(document: Document) -> Iterator[tuple[Mapping[str, Any], Place]]:
    for item, place in document.entries(("schema",)):
        if item.get("properties") and isinstance(item.get("name"), str):
            yield item, place


def column_items(document: Document, place: Place) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """The properties of the object at a place that can be looked into, with their places."""
    yield from document.entries((*place, "properties"))


def tables(document: Document) -> list[Table]:
    """The published objects, and others that do not land, so that their faults are told as well; a sound contract has one."""
    landing = objects(document, FILE)
    columns = tuple(_columns(landing[0][0])) if len(landing) == 1 else None
    found = []
    for body, place in _objects(document):
        if body.get("physicalType") != FILE:
            custom = read_custom(document, place)
            readable = None if columns is None else (*columns, *paths_in(body, custom.values, columns))
            found.append(Table(body, place, _columns(body), readable, custom, custom_names(document, place)))
    return found


def _columns(body: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """By name, whatever else is wrong with them."""
    found = body["properties"] if isinstance(body["properties"], list) else []
    return {item["name"]: item for item in found if isinstance(item, dict) and isinstance(item.get("name"), str)}
