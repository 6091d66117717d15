"""The major versions of gold models, found in documents whatever else is wrong with them: which is the highest, which are older."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.documents.tables import is_gold_document, tables
from assay.contracts.model.versions import major_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assay.contracts.documents.document import Document
    from assay.contracts.documents.tables import Table


@dataclass(frozen=True, slots=True)
class Family:
    """The documents of one model, the highest major version first."""

    documents: tuple[Document, ...]

    @property
    def current(self) -> Table:
        """What the highest major version publishes: the model itself."""
        return tables(self.documents[0])[0]

    def is_older(self, document: Document) -> bool:
        """Whether there is a higher major version."""
        return version_of(document) < version_of(self.documents[0])


def version_of(document: Document) -> int:
    """The major version of a document; 0 if it says none."""
    return major_of(str(document.at(("version",))))


def families_of(documents: Iterable[Document]) -> Mapping[str, Family]:
    """The gold documents by model."""
    found: dict[str, list[Document]] = {}
    for document in documents:
        if is_gold_document(document) and (published := tables(document)):
            found.setdefault(published[0].name, []).append(document)
    return {name: Family(tuple(sorted(members, key=lambda one: -version_of(one)))) for name, members in found.items()}
