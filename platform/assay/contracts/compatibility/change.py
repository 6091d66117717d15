"""One difference between two contracts, as a value. What it means is looked up in `kinds.py`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from assay.contracts.compatibility.kinds import KINDS, Bump, Compatibility, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Change:
    """`where` says which part of the contract; `column` is the published column, under its old name, whose readers it concerns."""

    kind: str
    where: str
    old: Any = None
    new: Any = None
    column: str | None = None
    note: str = ""

    @property
    def verdict(self) -> Verdict:
        """What this kind of change means."""
        return KINDS[self.kind]

    @property
    def breaks(self) -> bool:
        """Whether readers break in either direction."""
        return self.verdict.bump is Bump.MAJOR

    @property
    def compatibility(self) -> Compatibility:
        """The directions in which readers still understand the data."""
        return Compatibility.of(backward=self.verdict.backward, forward=self.verdict.forward)


def unclassified(old: Any, new: Any, known: Mapping[str, object], where: str, column: str | None = None) -> Iterator[Change]:  # noqa: ANN401  # two values of one dataclass
    """The fields of two values of one dataclass that differ and that nobody compares: taken as breaking, never passed over."""
    for field in fields(old):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if field.name not in known and before != after:
            yield Change("unclassified", f"{where}, {field.name}", before, after, column)
