"""What may have held a person: of the files that no newest version names, those that an erasure removes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.erasure.file_scan import look
from assay.erasure.old_files import rewritten, values_of
from assay.erasure.person_search import holds, holds_places
from assay.erasure.removing import BY_PLACE
from assay.gold.models import LAYER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from assay.contracts.model.contract import Contract
    from assay.erasure.person_search import Traces
    from assay.erasure.removing import Person
    from assay.erasure.search_terms import SearchTerms


@dataclass(frozen=True, slots=True)
class Held:
    """Where a person was found, what that has fed (by table the keys of partitions), and the `versions` of the tables before all began."""

    lake: Path
    contracts: Mapping[str, Contract]
    person: Person
    terms: SearchTerms
    traces: Mapping[str, Traces]
    fed: Mapping[str, frozenset[str]]
    versions: Mapping[str, int]

    def by(self, name: str) -> Callable[[Path], bool] | None:
        """Whether an old file of a table may have held the person: by its rows where these tell, else by its partition and what it says.

        The partition alone is not enough: the erasure of somebody else may have taken the bronze that said which days were the person's.
        None for a table of which no file can.
        """
        (layer, _, dataset), table = name.partition("/"), self.lake / name
        found, person = self.traces.get(dataset), self.person
        if layer == "bronze" and found:
            contract = self.contracts[dataset]
            return lambda path: holds(path, contract, person.kind, person.value).height > 0
        if layer in BY_PLACE and found:
            return lambda path: holds_places(path, found.of(layer))
        if (layer == "silver" and found) or layer == LAYER:
            changed, keys = rewritten(self.lake, name, self.versions.get(name)), self.fed.get(name, frozenset())

            def may_hold(path: Path) -> bool:
                values = values_of(table, path)
                return values in changed or not values or values[0] in keys or bool(look(path, self.terms)[1])

            return may_hold
        return None
