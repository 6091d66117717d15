"""The same contract is read many times in a run of the tests: each test makes the definitions, and often the plan, of the product anew.

Importing this module makes each text be parsed once, and one that keeps the standard be validated once, as a code location does with what
it knows from disk. Nothing may change what was parsed: whoever did would be noticed by the next who reads the same contract.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from assay.contracts.documents import document
from assay.contracts.documents.json_schema import standard_faults
from assay.contracts.reading import faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")
TEXTS, LONGEST = 256, 100_000  # that are kept, and their letters: the tree of one at the bounds of a contract takes 45 MB
_good: dict[str, None] = {}


def _validated_once(one: document.Document) -> Iterator[document.Finding]:
    if one.text in _good:
        return
    found = [*standard_faults(one)]
    if not found and one.text:
        _good[one.text] = None
        if len(_good) > TEXTS:
            del _good[next(iter(_good))]
    yield from found


def _once(look: Callable[..., Result]) -> Callable[..., Result]:
    known = lru_cache(TEXTS)(look)

    def of(text: str, *more: object) -> Result:
        return (known if len(text) <= LONGEST else look)(text, *more)

    return of


document._read = _once(document._read)
document.beyond_bounds = _once(document.beyond_bounds)  # type: ignore[attr-defined]
faults.standard_faults = _validated_once  # type: ignore[attr-defined,assignment]
