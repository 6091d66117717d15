"""Search terms: what a scan looks for, the value that names a person and all that stands for it, under every key of the ring.

In bytes a term is found wherever it stands. In texts that others have written, such as Dagster's events, a number that is a part of a
longer one is not the person's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.cached_property import cached_property
from assay.contracts.model.sensitivity import is_keyed
from assay.masking.methods import masker
from assay.masking.redaction import HIDDEN
from assay.masking.subjects import spelled, subjects_of
from assay.masking.tokens import domain_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.contracts.model.contract import Contract
    from assay.erasure.removing import Person
    from assay.masking.keyring import KeyRing

SHORTEST = 6


@dataclass(frozen=True)
class SearchTerms:
    """What is looked for: texts that may stand within others, and texts that are only looked for as whole cells. In no repr."""

    within: tuple[str, ...] = field(repr=False)
    whole: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, contracts: Iterable[Contract], person: Person, ring: KeyRing) -> SearchTerms:
        """The value as each contract reads it, and its token or ciphertext in each column that has one."""
        values, masked = {person.value}, set[str]()
        for contract in contracts:
            own = spelled(contract, person.kind, person.value)
            values |= own
            for column in subjects_of(contract).get(person.kind, []):
                if column.masking is not None and is_keyed(column.masking):
                    makers = [masker(key, domain_of(contract.dataset, column), column.masking) for key in ring.keys]
                    masked |= {make(text) for make in makers for text in own}
        escaped = {text for one in values for ascii_ in (True, False) for text in _spelled_in_json(one, ascii_=ascii_)}
        return cls(
            tuple(sorted(masked | {one for one in values | escaped if len(one) >= SHORTEST})),
            tuple(sorted(one for one in values if len(one) < SHORTEST)),
        )

    @cached_property
    def in_bytes(self) -> re.Pattern[bytes]:
        """A pattern of what is looked for anywhere."""
        return re.compile(b"|".join(re.escape(one.encode()) for one in self.within) or rb"(?!)")

    @cached_property
    def in_logs(self) -> re.Pattern[bytes]:
        """The same for texts of others."""
        alone = (rb"(?<!\d)" + one.encode() + rb"(?!\d)" if one.isdecimal() else re.escape(one.encode()) for one in self.within)
        return re.compile(b"|".join(alone) or rb"(?!)")

    @cached_property
    def in_pages(self) -> re.Pattern[bytes]:
        """The same for pages of a database of others, where a number may be any: without numbers, which only whole cells can tell."""
        return re.compile(b"|".join(re.escape(one.encode()) for one in self.within if not one.isdecimal()) or rb"(?!)")

    @cached_property
    def longest(self) -> int:
        """The bytes of the longest."""
        return max((len(one.encode()) for one in self.within), default=1)

    @cached_property
    def _in_text(self) -> re.Pattern[str]:
        alone = [rf"(?<!\d){one}(?!\d)" if one.isdecimal() else re.escape(one) for one in self.within]
        return re.compile("|".join(alone) or "(?!)")

    def hidden(self, text: str) -> str:
        """A text of others without what is looked for. In JSON only texts are looked at: a count that equals a number is none's."""
        if not self._in_text.search(text):
            return text
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, dict | list):
            return self._in_text.sub(HIDDEN, text)
        hidden = self._hidden_in(said)
        return text if hidden == said else json.dumps(hidden)

    def _hidden_in(self, said: Any) -> Any:  # noqa: ANN401  # whatever JSON holds
        if isinstance(said, str):
            return self.hidden(said)
        if isinstance(said, list):
            return [self._hidden_in(one) for one in said]
        if isinstance(said, dict):
            return {self.hidden(name): self._hidden_in(one) for name, one in said.items()}
        return said

    def starred(self, content: bytes) -> bytes:
        """The bytes of a text file of others with as many stars in the place of each find: nothing in it moves."""
        return self.in_logs.sub(lambda found: b"*" * len(found[0]), content)


def _spelled_in_json(text: str, *, ascii_: bool) -> tuple[str, str]:
    """A text as JSON has it, and as JSON within JSON has it, where Delta keeps statistics."""
    once = json.dumps(text, ensure_ascii=ascii_)[1:-1]
    return once, json.dumps(once)[1:-1]
