"""Contents of contracts that are known to keep the standard, so that each is validated once: that takes half the time of loading a product.

A content is known by a digest of its text and of all that judges it: the standard's schema, our code, the libraries. With another one of
these it is validated again. What has a fault is never known, so that each look at it finds all of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from assay.code_version import code_version
from assay.contracts.documents.json_schema import schema_text, standard_faults

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from assay.contracts.documents.document import Document, Finding

CODE = ("assay.contracts.documents", "assay.contracts.language")
LIBRARIES = ("jsonschema", "referencing", "PyYAML")


@dataclass(frozen=True, slots=True)
class KnownGood:
    """What was `known` before, and what was `met` since: the digests of contents without a fault."""

    known: AbstractSet[str] = frozenset()
    met: set[str] = field(default_factory=set)

    def standard_faults(self, document: Document) -> list[Finding]:
        """Everything in which a document breaks the standard, as `json_schema` says it."""
        digest = hashlib.blake2b(document.text.encode(), digest_size=16, key=_judged_by()).hexdigest()
        found = [] if digest in self.known else [*standard_faults(document)]
        if not found:
            self.met.add(digest)
        return found


@cache
def _judged_by() -> bytes:
    judges = [code_version(*CODE), *(version(name) for name in LIBRARIES), schema_text()]
    return hashlib.blake2b("\0".join(judges).encode(), digest_size=32).digest()
