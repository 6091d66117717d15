"""What messages of an engine may say: on the way to Dagster and to the console nothing of a row of sensitive columns is repeated.

Tokens and ciphertexts are told by their form, in every message. Where tables with sensitive columns are in reach, an error that quotes rows
keeps its kind and its place. One that is found before a row is read keeps its words: they quote SQL, which a developer wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.contracts.model.sensitivity import hidden_names
from assay.masking.redaction import HIDDEN
from assay.masking.tokens import without_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from assay.contracts.model.contract import Contract

ERROR = re.compile(r"(?P<kind>[A-Z][A-Za-z]*(?: [A-Za-z]+){0,2}) Error: ")  # as DuckDB begins each message
QUOTES_NO_ROW = {"Binder", "Catalog", "Parser", "Syntax", "Compilation", "Dependency", "IO", "Out of Memory", "Permission"}
NAMES_ONLY = "Constraint Error: NOT NULL constraint failed: "  # and the name of a column
PLACE = re.compile(r"(?: when casting from source column (?P<column>\w+))?\s*(?:\n\s*LINE (?P<line>\d+): [^\n]*\n[\s^~]*)?\Z")


@dataclass(frozen=True, slots=True)
class Discretion:
    """The columns in reach of some work whose values are not to be shown, published and landing; none where nobody's are in reach."""

    names: frozenset[str] = frozenset()

    @classmethod
    def about(cls, contracts: Iterable[Contract]) -> Discretion:
        """What to keep of what is said about some datasets and what is made from them."""
        return cls(frozenset().union(*map(hidden_names, contracts)))

    def words(self, message: str) -> str:
        """An engine's message, without values that could be somebody's."""
        said, found = without_tokens(message), ERROR.search(message) if self.names else None
        if found is None or found["kind"] in QUOTES_NO_ROW or message.startswith(NAMES_ONLY, found.start()):
            return said
        place = PLACE.search(message, found.end())
        named = [f"{what} {place[what]}" for what in ("column", "line") if place and place[what]]
        where = f" ({', '.join(named)})" if named else ""
        why = f"not shown{where}, because it may quote personal data; a developer's `dbt build` shows it."
        return f"{without_tokens(message[: found.end()])}{why}"

    def row(self, values: Mapping[str, object]) -> str:
        """A row as an example, on one line; what is absent is left out."""
        shown = {name: HIDDEN if name in self.names else without_tokens(str(value)) for name, value in values.items() if value is not None}
        return ", ".join(f"{name}={value}" for name, value in shown.items())
