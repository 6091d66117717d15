"""What a plan says of one asset: the partitions that are due, and those that are as they would be made. Who finds out is `plan`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from assay.orchestration.calendars import keys_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    import dagster as dg

KEPT_MONTHS = (
    "{} would have to be replaced whole, and {} months, such as {}, are made from rows that have expired: they cannot be made again."
    " Give the changed model another name, or let its own `retention` remove them first."
)


@dataclass(frozen=True, slots=True)
class Due:
    """What one asset has to do: `fingerprints` by partition key, in order; the key is "all" for an asset without partitions.

    `at_once` says that it is one piece of work: the table is replaced whole, because its calendar or its version was changed. `settled` are
    the fingerprints of the partitions that are as they would be made, `kept` those that cannot be made again, because what they are made
    from has expired. `problem` says why the asset could not be planned, `note` what a
    person should know of why something is due.
    """

    key: dg.AssetKey
    definition: dg.TimeWindowPartitionsDefinition | None
    fingerprints: Mapping[str, int]
    at_once: bool = False
    settled: Mapping[str, int] = field(default_factory=dict)
    problem: str = ""
    note: str = ""
    kept: frozenset[str] = frozenset()
    waits: bool = False

    @property
    def has_nothing_to_do(self) -> bool:
        """Whether nothing is due, nothing waits, and there is nothing to say."""
        return not (self.fingerprints or self.waits or self.problem or self.note)

    def beside(self, kept: Collection[str]) -> Due:
        """The same beside months that stay as they are. Of a table that would have to be replaced whole these are the problem."""
        if self.at_once and kept:
            return Due(self.key, None, {}, problem=KEPT_MONTHS.format(self.key.to_user_string(), len(kept), min(kept)))
        return replace(self, kept=frozenset(kept))

    @property
    def partitions(self) -> list[str]:
        """The keys that are due, in order."""
        return list(self.fingerprints)

    def between(self, first: str | None, last: str | None) -> dict[str, int]:
        """The fingerprints of the partitions from `first` to `last`; all without them, as for an asset without partitions."""
        if first is None or last is None:
            return dict(self.fingerprints)
        keys = self.partitions
        return {key: self.fingerprints[key] for key in keys[keys.index(first) : keys.index(last) + 1]}


def contiguous(due: Due) -> Iterator[tuple[str, str]]:
    """The due partitions as ranges (first key, last key) without a gap; as a single one if they are made at once."""
    assert due.definition is not None  # noqa: S101  # only partitioned assets have ranges
    if due.at_once and due.partitions:
        yield due.partitions[0], due.partitions[-1]
        return
    order = {key: number for number, key in enumerate(keys_of(due.definition))}
    start = previous = None
    for key in due.partitions:
        if previous is not None and order[key] != order[previous] + 1:
            yield str(start), previous
            start = None
        start = start or key
        previous = key
    if previous is not None:
        yield str(start), previous
