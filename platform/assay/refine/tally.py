"""Tallies: what became of the rows of a partition, each fate counted by itself, so that the sum can tell when a row was lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assay.contracts.model.contract import Contract, Severity
from assay.refine.measures import broken_promises, complaint

if TYPE_CHECKING:
    from assay.contracts.model.contract import DatasetRule
    from assay.refine.measures import Measured


@dataclass(slots=True)
class Tally:
    """What became of the rows of one partition: landed = published + quarantined + duplicates, always.

    `displaced` are the duplicates whose key another partition publishes. `broken` counts rows per rule, `measured` has what the published
    rows give for each promise about the whole partition.
    """

    landed: int = 0
    published: int = 0
    quarantined: int = 0
    duplicates: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    measured: Measured = field(default_factory=dict, compare=False)
    displaced: int = 0

    @property
    def closes(self) -> bool:
        """Whether no row was lost and none was made up."""
        return self.landed == self.published + self.quarantined + self.duplicates

    def broken_dataset_rules(self, contract: Contract) -> list[DatasetRule]:
        """The promises about the whole partition that it does not keep."""
        return [rule for rule, _ in broken_promises(contract, self.published, self.measured)]

    def refusal(self, contract: Contract) -> str | None:
        """Why the partition must not be published; None if it may."""
        promises = broken_promises(contract, self.published, self.measured)
        if broken := [complaint(rule, value, contract) for rule, value in promises if rule.severity is Severity.ERROR]:
            return f"{' '.join(broken)} Of {self.landed} rows that landed, {self.published} would be published."
        limit = contract.rejected_share_below
        if limit is not None and self.landed and self.quarantined / self.landed >= limit:
            errors = [rule.name for rule in contract.rules if rule.severity is Severity.ERROR and rule.name in self.broken]
            worst = max(errors, key=lambda name: self.broken[name], default="none")
            return f"rejectedShare: {self.quarantined} of {self.landed} rows break an error rule, {limit:.0%} may; most break {worst}."
        return None
